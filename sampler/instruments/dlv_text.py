"""What Delve prints, read into types. The forms are those of its terminal client, 1.20 to 1.27."""

from __future__ import annotations

import re
from contextlib import suppress

from sampler.errors import DebuggerRefused, ExpressionRefused, PointAmbiguous, PointNotFound, QuestionError
from sampler.instruments.language import Breakpoint, Stop, Unreadable
from sampler.sample import Value

PROMPT = "(dlv) "
KILL_QUESTION = r"Would you like to kill the process\? \[Y/n\] "

_NOISE = re.compile(r"^(?:received SIGINT, stopping process.*|Warning: .*)\n", re.MULTILINE)
_EXITED = re.compile(r"^Process \d+ has exited with status (-?\d+)", re.MULTILINE)
_STOP = re.compile(
    r"^> (?:\[(?P<name>[^\]]+)\] )?(?P<place>\S.*?) \(.*?\(?PC: (?P<pc>0x[0-9a-f]+)\)|"
    r"^> (?:\[(?P<name2>[^\]]+)\] )?(?P<place2>\S+)",
    re.MULTILINE,
)
_SET = re.compile(r"^Breakpoint (\d+) set at ((?:0x[0-9a-f]+,?)+)", re.MULTILINE)
_FAILED = re.compile(r"^Command failed: (.*)", re.MULTILINE | re.DOTALL)
# The name may hold the path of its package.
_CONSTANT = r"[^\W\d][\w./~%+|-]* \((?P<number>-?\d+)\)"
_NAMED_CONSTANT = re.compile(_CONSTANT)
_ADDRESS = r"unsafe\.Pointer\((?P<address>0x[0-9a-f]+)\)"
_RAW = re.compile(_ADDRESS)
# A pointer, map or interface without a value: its type, then nil. A nil slice tells its length besides.
_NIL = re.compile(r"[^,:\"\n]+ nil")
_STRING = re.compile(r'"(.*)"', re.DOTALL)

# A composite that is folded has its parts on lines of their own, each with a comma behind it. A line of a
# struct begins with a name, one of an array does not (Delve, service/api/prettyprint.go).
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_FOLDS = {"nothing": "", "field": ", ", "element": ",", "line": " "}
_COMPOSITE = re.compile(
    rf"(?P<quoted>{_QUOTED})|(?P<nothing>,\s*(?=[\]}}])|\n\s*(?=[\]}}])|(?<=[\[{{])\n\s*)|"
    rf"(?P<field>,\n\s*(?=(?:\w+|{_QUOTED}): ))|(?P<element>,\n\s*)|(?P<line>\n\s*)|"
    rf"(?P<constant>(?<=[\s\[{{,]){_CONSTANT})|(?P<raw>{_ADDRESS})"
)

# What depends on the values of the moment, and may be well at the next look.
_PASSING = re.compile(
    r" is nil$|nil pointer|out of bounds|divide by zero|unreadable|input/output error|out of range|"
    r"key not found|optimized out|no frame|could not find goroutine"
)


def plain(text: str) -> str:
    """The output without the terminal's line ends and without remarks that may come at any time."""
    return _NOISE.sub("", text.replace("\r", ""))


def parse_stop(text: str) -> Stop:
    """What was printed between a ``continue`` and the prompt."""
    text = plain(text)
    exited = _EXITED.search(text)
    if exited:
        return Stop(exit_status=int(exited[1]))
    names = [match["name"] or match["name2"] for match in _STOP.finditer(text)]
    hits = tuple(int(name.split()[1]) for name in names if name and name.startswith("Breakpoint "))
    named = next((name for name in names if name and not name.startswith("Breakpoint ")), None)
    return Stop(hits, named)


def parse_breakpoint(text: str, point: str) -> Breakpoint:
    """The answer to ``break``; PointNotFound or PointAmbiguous when Delve refuses."""
    text = plain(text)
    found = _SET.search(text)
    if found:
        return Breakpoint(int(found[1]), tuple(int(part, 16) for part in found[2].strip(",").split(",")))
    raise _point_error(_reason(text), point)


def check_cleared(text: str, found: Breakpoint) -> None:
    """The answer to ``clear``; DebuggerRefused unless it says that this breakpoint is gone."""
    text = plain(text)
    if not re.search(rf"^Breakpoint {found.number} cleared at ", text, re.MULTILINE):
        raise DebuggerRefused("Delve did not clear its breakpoint", _reason(text))


def check_all_cleared(text: str) -> None:
    """The answer to ``clearall``, which says nothing where there is none; DebuggerRefused if one is left."""
    text = plain(text)
    if _FAILED.search(text) or "Couldn't delete" in text:
        raise DebuggerRefused("Delve did not clear its breakpoints", _reason(text))


def _point_error(reason: str, point: str) -> QuestionError:
    if "ambiguous" in reason:
        # Cut and in random order, as Delve gives it.
        places = reason.partition("ambiguous: ")[2].rstrip("…").split(", ")
        return PointAmbiguous(
            f"{point} names several places", f"among them {', '.join(sorted(places))}", "name one of them in full"
        )
    if "could not find statement" in reason:
        return PointNotFound(
            f"there is no code at {point}", reason.partition(", please")[0], "name a line that holds a statement"
        )
    return PointNotFound(
        f"there is no {point} in the target",
        f"Delve says: {reason}",
        "name it as in the program: main.write, pkg.(*T).Method, file.go:42",
    )


def parse_value(text: str, expression: str) -> Value:
    """The answer to ``print``. Unreadable for a value of the moment; ExpressionRefused for good."""
    text = plain(text).strip("\n")
    failed = _FAILED.search(text)
    if failed:
        reason = _reason(text)
        if _PASSING.search(reason):
            raise Unreadable(reason)
        raise ExpressionRefused(
            f"{expression!r} cannot be evaluated there", f"Delve says: {reason}", "name what is in scope at that point"
        )
    if text.startswith("(unreadable ") or not text:
        raise Unreadable(text.strip("()") or "Delve printed nothing")
    return _scalar(text)


def parse_type(text: str) -> str | None:
    """The answer to ``whatis``: a type's name, or None."""
    text = plain(text).strip()
    return None if _FAILED.search(text) or not text else text.splitlines()[0]


def unsigned_bits(type_name: str | None) -> int | None:
    """The width of an unsigned integer type of Go; None for any other."""
    match = re.fullmatch(r"uint(8|16|32|64|ptr)?", type_name or "")
    return (64 if match[1] in (None, "ptr") else int(match[1])) if match else None


def _scalar(text: str) -> Value:
    constant = _NAMED_CONSTANT.fullmatch(text)
    if constant:
        # Delve's name for the number is now and then another constant's; the number is right.
        return int(constant["number"])
    if text in ("true", "false"):
        return text == "true"
    if text == "nil" or _NIL.fullmatch(text):
        return None
    raw = _RAW.fullmatch(text)
    if raw:
        return _address(raw)
    string = _STRING.fullmatch(text)
    if string:
        return string[1].replace('\\"', '"')
    number = _number(text)
    return _on_one_line(text) if number is None else number


def _number(text: str) -> int | float | None:
    try:
        whole = int(text)
    except ValueError:
        with suppress(ValueError):
            return float(text)
        return None
    # Delve writes large floats without an exponent; no integer of Go's has so many digits.
    return whole if -(1 << 63) <= whole < 1 << 64 else float(text)


def _on_one_line(text: str) -> str:
    """A composite, which is folded if it is long or deep, as if it were not; its numbers without names."""
    return _COMPOSITE.sub(_as_we_write, text)


def _as_we_write(part: re.Match[str]) -> str:
    if part["address"]:
        return _address(part) or "nil"
    return part["number"] or _FOLDS.get(part.lastgroup or "", part[0])


def _address(raw: re.Match[str]) -> str | None:
    return raw["address"] if int(raw["address"], 16) else None


def _reason(text: str) -> str:
    failed = _FAILED.search(text)
    return " ".join((failed[1] if failed else text).split())
