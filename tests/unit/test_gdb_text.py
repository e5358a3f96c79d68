"""GDB's output, as it was seen."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import ExpressionRefused, PointNotFound
from sampler.instruments import gdb_text
from sampler.instruments.language import AskAgain, Breakpoint, Stop, Unreadable


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("-7", -7),
        ("97 'a'", 97),
        ("-1 '\\377'", -1),
        ("380 L'ż'", 380),
        ("3.25", 3.25),
        ("1.7976931348623157e+308", 1.7976931348623157e308),
        ("-inf", -math.inf),
        ("true", True),
        ("(int *) 0x0", None),
        ("0x0", None),
        ("(struct ring *) 0x5555c3a1f208", "0x5555c3a1f208"),
        ("(int (*)(int, int)) 0x401136 <add>", "0x401136"),
        ('0x5555 "text"', "text"),
        ('0x5555 <name> "a \\"b\\"\\n\\001"', 'a "b"\\n\\x01'),
        ('"letters"', "letters"),
        ('"0123"...', "0123..."),
        ("{a = 1, b = 2}", "{a = 1, b = 2}"),
        ("(int &) @0x7ffe4: 1234", 1234),
        ("(const shop::pair &) @0x7ffe4: {a = 1, b = -2}", "{a = 1, b = -2}"),
        ("(int *&) @0x7ffe4: 0x5555", "0x5555"),
        ("(int (&)[2]) @0x7ffe4: {1, 2}", "{1, 2}"),
        ('(std::string::pointer) 0x7f54 "text"', "text"),
        ('{_M_len = 4, _M_str = 0x5631 "view (int &) @0x1: "}', '{_M_len = 4, _M_str = "view (int &) @0x1: "}'),
        ("main::keep::Pair {a: 1, b: -2}", "main::keep::Pair {a: 1, b: -2}"),
        ("(*mut main::keep::Pair) 0x7f52", "0x7f52"),
        ("{first = 1 '\\001', second = 2}", "{first = 1, second = 2}"),
    ],
)
def test_a_value_is_read_as_its_own_kind(text: str, value: object) -> None:
    assert gdb_text.parse_value(f"$1 = {text}\r\n", "x") == value


def test_no_number_is_none_too() -> None:
    assert math.isnan(gdb_text.parse_value("$3 = -nan(0x8000000000000)", "x"))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["GREEN", "(READ | EXECUTE)", "(READ | unknown: 0x8)", "ns::GREEN"])
def test_an_enumerator_is_asked_again_as_a_number(text: str) -> None:
    with pytest.raises(AskAgain) as again:
        gdb_text.parse_value(f"$1 = {text}", "c")
    assert again.value.command == "print/d c"
    assert again.value.shown == text


@pytest.mark.parametrize(
    "text",
    ["Cannot access memory at address 0x0", "$1 = <optimized out>", "Division by zero",
     "$2 = <error: Cannot access memory at address 0x10>"],
)  # fmt: skip
def test_what_has_no_value_at_this_moment_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        gdb_text.parse_value(text, "x")


@pytest.mark.parametrize("text", ['No symbol "x" in current context.', "A syntax error in expression.", ""])
def test_what_has_none_ever_is_refused(text: str) -> None:
    with pytest.raises(ExpressionRefused):
        gdb_text.parse_value(text, "x")


@pytest.mark.parametrize(
    ("text", "stop"),
    [
        ('Thread 2 "writer" hit Breakpoint 1, f (r=0x1) at a.c:14', Stop((1,))),
        ("Breakpoint 12, f () at a.c:14", Stop((12,))),
        ('Thread 2 "w" hit Breakpoint 3.2, f ()', Stop((3,))),
        ('Thread 1 "c_ring" received signal SIGURG, Urgent I/O condition.', Stop()),
        ('Thread 1 "c_ring" received signal SIGTRAP, Trace/breakpoint trap.', Stop(named="SIGTRAP")),
        ("[Inferior 1 (process 7) exited normally]", Stop(exit_status=0)),
        ("[Inferior 1 (process 7) exited with code 03]", Stop(exit_status=3)),
        ("Program terminated with signal SIGSEGV, Segmentation fault.", Stop(exit_status=-1)),
    ],
)
def test_the_reason_of_a_stop(text: str, stop: Stop) -> None:
    assert gdb_text.parse_stop(f"Continuing.\r\n\r\n{text}\r\n") == stop


def test_a_breakpoint_is_its_number_and_address() -> None:
    text = "Breakpoint 4 at 0x5555c3a13c90: file ring.c, line 14.\r"
    assert gdb_text.parse_breakpoint(text, "f") == Breakpoint(4, (0x5555C3A13C90,))
    with pytest.raises(PointNotFound):
        gdb_text.parse_breakpoint('Function "f" not defined.\r', "f")


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("unsigned long", 64),
        ("const unsigned char", 8),
        ("u16", 16),
        ("usize", 64),
        ("i64", None),
        ("int", None),
        ("struct ring {", None),
        (None, None),
    ],
)
def test_the_width_of_an_unsigned_type(name: str | None, bits: int | None) -> None:
    assert gdb_text.unsigned_bits(name) == bits


@given(st.text(max_size=80))
def test_no_output_is_a_crash(text: str) -> None:
    for read in (lambda: gdb_text.parse_value("$1 = " + text, "x"), lambda: gdb_text.parse_value(text, "x")):
        try:
            read()
        except (Unreadable, ExpressionRefused, AskAgain):
            continue
    gdb_text.parse_stop(text)
    gdb_text.parse_type(text)
