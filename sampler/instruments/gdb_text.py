"""What GDB prints, read into types. The forms are those of its command line, 11 to 16."""

from __future__ import annotations

import math
import re

from sampler.errors import DebuggerRefused, ExpressionRefused, PointNotFound
from sampler.instruments.language import AskAgain, Breakpoint, Stop, Unreadable
from sampler.sample import Value

PROMPT = "(sampler-gdb) "

_EXITED = re.compile(r"\[Inferior \d+ \(process \d+\) exited (?:normally|with code (?P<code>[0-7]+))\]")
_KILLED = re.compile(r"Program terminated with signal (?P<name>SIG\w+)")
_HIT = re.compile(r"(?:hit |^)(?:Temporary b|B)reakpoint (\d+)(?:\.\d+)?, ", re.MULTILINE)
_SIGNAL = re.compile(r"received signal (SIG\w+)")
_SET = re.compile(r"^Breakpoint (\d+) at (0x[0-9a-f]+)", re.MULTILINE)
_VALUE = re.compile(r"^\$\d+ = (.*)", re.MULTILINE | re.DOTALL)
_STRING = re.compile(
    r'(?:\([^"]*\) )?(?:0x[0-9a-f]+ (?:<[^>]*> )?)?(?:[uUL]|u8)?"(?P<text>(?:[^"\\]|\\.)*)"(?P<cut>\.\.\.)?', re.DOTALL
)
# What a reference of C++ stands in front of: the value that it refers to.
_REFERENCE = re.compile(r"^\((?:[^()]|\([^()]*\))*\) @0x[0-9a-f]+: ")
_POINTER = re.compile(r"(?:\(.*\) )?(?P<address>0x[0-9a-f]+)(?: <.*>)?", re.DOTALL)
_CHARACTER = re.compile(r"(-?\d+) [uUL]?'(?:[^'\\]|\\.[0-7]*)*'")
# An enumerator, or several of them, or one that the program has no name for.
_ENUMERATOR = re.compile(r"[^\W\d][\w:]*|\(?[^\W\d][\w:]*(?: \| .+)*\)|\(?unknown: 0x[0-9a-f]+\)?")
_OCTAL = re.compile(r"\\([0-7]{3})")
# What depends on the values of the moment, and may be well at the next look.
_PASSING = re.compile(r"Cannot access memory|Division by zero|optimized out|<error:|No frame|synthetic pointer")
_UNSIGNED = {"unsigned char": 8, "unsigned short": 16, "unsigned int": 32, "unsigned long": 64,
             "unsigned long long": 64, "u8": 8, "u16": 16, "u32": 32, "u64": 64, "usize": 64}  # fmt: skip


def plain(text: str) -> str:
    """Without the terminal's line ends."""
    return text.replace("\r", "")


def parse_stop(text: str) -> Stop:
    """What was printed between a ``continue`` and the prompt."""
    text = plain(text)
    exited = _EXITED.search(text)
    if exited:
        return Stop(exit_status=int(exited["code"] or "0", 8))
    killed = _KILLED.search(text)
    if killed or "The program is not being run" in text:
        return Stop(exit_status=-1)
    hits = tuple(int(number) for number in _HIT.findall(text))
    received = _SIGNAL.search(text)
    named = received[1] if received and received[1] not in ("SIGURG", "SIGINT", "SIGSTOP") else None
    return Stop(hits, named)


def parse_breakpoint(text: str, point: str) -> Breakpoint:
    """The answer to ``break``; PointNotFound when GDB refuses."""
    text = plain(text)
    found = _SET.search(text)
    if not found:
        raise PointNotFound(
            f"there is no {point} in the target",
            f"GDB says: {_one_line(text)}",
            "name it as in the program: function, file.c:42, 0x4a1b2c",
        )
    return Breakpoint(int(found[1]), (int(found[2], 16),))


def check_cleared(text: str, found: Breakpoint) -> None:
    """The answer to ``delete N``, which says nothing if all is well; DebuggerRefused."""
    check_all_cleared(text, f"breakpoint {found.number}")


def check_all_cleared(text: str, what: str = "its breakpoints") -> None:
    """The answer to ``delete``, likewise."""
    if plain(text).strip():
        raise DebuggerRefused(f"GDB did not delete {what}", _one_line(text))


def parse_value(text: str, expression: str) -> Value:
    """The answer to ``print``. Unreadable for a value of the moment; ExpressionRefused for good.

    A char is its number, an enumerator too; a pointer is its address, or what it points to if that is
    text, or None.
    """
    text = plain(text).strip("\n")
    found = _VALUE.search(text)
    if _PASSING.search(text if not found else found[1].partition('"')[0]):
        raise Unreadable(_one_line(found[1] if found else text))
    if not found:
        raise ExpressionRefused(
            f"{expression!r} cannot be evaluated there",
            f"GDB says: {_one_line(text)}",
            "name what is in scope at that point",
        )
    return _scalar(_REFERENCE.sub("", found[1].strip()), expression)


def parse_type(text: str) -> str | None:
    """The answer to ``ptype``: a type's name, or None."""
    lines = plain(text).strip().splitlines()
    if not lines or not lines[0].startswith("type = "):
        return None
    return lines[0].removeprefix("type = ").removesuffix("{").strip()


def unsigned_bits(type_name: str | None) -> int | None:
    """The width of an unsigned integer type of C or Rust; None for any other."""
    words = (type_name or "").replace("volatile ", "").replace("const ", "")
    return _UNSIGNED.get(words)


def _scalar(text: str, expression: str) -> Value:
    if text in ("true", "false"):
        return text == "true"
    number = _number(text)
    if number is not None:
        return number
    string = _STRING.fullmatch(text)
    if string:
        return _unescaped(string["text"]) + (string["cut"] or "")
    pointer = _POINTER.fullmatch(text)
    if pointer:
        return pointer["address"] if int(pointer["address"], 16) else None
    if _ENUMERATOR.fullmatch(text):
        raise AskAgain(f"print/d {expression}", text)
    return _composite(text)


def _number(text: str) -> int | float | None:
    character = _CHARACTER.fullmatch(text)
    text = character[1] if character else text
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if re.fullmatch(r"-?nan(?:\(0x[0-9a-f]+\))?", text):
        return math.nan
    if re.fullmatch(r"-?(?:inf|\d+(?:\.\d*)?(?:e[+-]?\d+)?)", text):
        return float(text)
    return None


def _unescaped(text: str) -> str:
    """GDB's octal escapes as hexadecimal ones, and quotation marks as they are."""
    return _OCTAL.sub(lambda match: f"\\x{int(match[1], 8):02x}", text).replace('\\"', '"')


def _composite(text: str) -> str:
    """A struct or array on one line, its chars as numbers, its strings without their addresses."""
    numbers = re.sub(r"(?<=[\d]) [uUL]?'(?:[^'\\]|\\.[0-7]*)*'", "", _one_line(text))
    return re.sub(r'0x[0-9a-f]+ (?:<[^>]*> )?(?=")', "", numbers)


def _one_line(text: str) -> str:
    return " ".join(text.split())
