"""What Delve 1.27 prints, as it was seen."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import DebuggerRefused, ExpressionRefused, PointAmbiguous, PointNotFound, QuestionError
from sampler.instruments import dlv_text
from sampler.instruments.dlv_text import parse_breakpoint, parse_stop, parse_type, parse_value, unsigned_bits
from sampler.instruments.language import Breakpoint, Stop, Unreadable

INTERRUPTED = (
    "received SIGINT, stopping process (will not forward signal)\r\n"
    "> sync/atomic.SwapPointer() /usr/local/go/src/runtime/atomic_pointer.go:108 (PC: 0x476479)\r\n"
    "Warning: debugging optimized function\r\n=> 108:\t\treturn old\r\n"
)
HIT = (
    "> [Breakpoint 7] main.step() ./main.go:49 (hits goroutine(1):1 total:1) (PC: 0x4a2e0a)\r\n"
    "Warning: debugging optimized function\r\n=>  49:\tfunc step(t *T, n int) int {\r\n"
)
PANIC = (
    "> [unrecovered-panic] runtime.fatalpanic() /usr/local/go/src/runtime/panic.go:1456 "
    '(hits goroutine(1):1 total:1) (PC: 0x445f84)\r\n\truntime.curg._panic.arg: interface {}(string) "asked to"\r\n'
)


def test_an_interrupt_is_nobodys_breakpoint() -> None:
    assert parse_stop(INTERRUPTED) == Stop()


def test_a_hit_is_told_by_its_number() -> None:
    assert parse_stop(HIT) == Stop(hits=(7,))


def test_each_thread_that_met_the_breakpoint_is_a_hit() -> None:
    assert parse_stop(HIT + HIT).hits == (7, 7)


def test_an_interrupt_that_met_a_breakpoint_is_a_hit() -> None:
    assert parse_stop("received SIGINT, stopping process (will not forward signal)\r\n" + HIT).hits == (7,)


def test_a_panic_is_a_stop_of_the_targets_own() -> None:
    assert parse_stop(PANIC) == Stop(named="unrecovered-panic")


def test_an_end_carries_its_status() -> None:
    assert parse_stop("Process 7867 has exited with status 2\r\n").exit_status == 2
    assert parse_stop("Process 7867 has exited with status -9\r\n").exit_status == -9


def test_a_breakpoint_stands_at_all_its_addresses() -> None:
    text = "Breakpoint 3 set at 0x493137,0x4931ff for (multiple functions)() ./main.go:22\r\n"
    found = parse_breakpoint(text, "main.write")
    assert (found.number, found.addresses) == (3, (0x493137, 0x4931FF))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('Command failed: location "nosuch" not found\r\n', PointNotFound),
        ('Command failed: Location "write" ambiguous: os.(*File).write, runtime.bitCursor.write…\r\n', PointAmbiguous),
        (
            "Command failed: could not find statement at /x.go:1, please use a line with a statement\r\n",
            PointNotFound,
        ),
        ("Command failed: input/output error\r\n", PointNotFound),
    ],
)
def test_a_refused_point_is_a_typed_error(text: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        parse_breakpoint(text, "write")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("37", 37), ("-204", -204), ("18446744073709551615", 2**64 - 1), ("3.25", 3.25), ("true", True),
        ("false", False),
        ("nil", None), ("*main.Inner nil", None), ('"he said \\"hi\\""', 'he said "hi"'), ("Green (4)", 4),
        ("10000000000000000000", 10**19), ('[]string len: 2, cap: 2, ["a","b"]', '[]string len: 2, cap: 2, ["a","b"]'),
        ("main.Inner {\r\n\tA: 1,\r\n\tB: 2,}", "main.Inner {A: 1, B: 2}"),
        ("[][]int len: 2, cap: 2, [\r\n\t[1,2],\r\n\tnil,\r\n]", "[][]int len: 2, cap: 2, [[1,2],nil]"),
        ("a.com/b-c/v2.Green (4)", 4), ('x.T {A: a.com/b-c/v2.Green (4), B: "is (5)"}', 'x.T {A: 4, B: "is (5)"}'),
        ("unsafe.Pointer(0x0)", None), ("unsafe.Pointer(0xc000012345)", "0xc000012345"),
        ("x.T {v: unsafe.Pointer(0x0), w: unsafe.Pointer(0x1f)}", "x.T {v: nil, w: 0x1f}"),
        ('x.T {A: "two  spaces"}', 'x.T {A: "two  spaces"}'),
    ],
)  # fmt: skip
def test_a_value_is_of_its_kind(text: str, value: object) -> None:
    found = parse_value(text + "\r\n", "x")
    assert found == value
    assert type(found) is type(value)


def test_a_remark_between_is_no_part_of_the_value() -> None:
    assert parse_value("received SIGINT, stopping process (will not forward signal)\r\n37\r\n", "x") == 37


@pytest.mark.parametrize(
    "text",
    [
        "Command failed: t.N is nil\r\n",
        "Command failed: index out of bounds\r\n",
        "Command failed: runtime error: integer divide by zero\r\n",
        "(unreadable could not find loclist entry at 0x1)\r\n",
        "",
    ],
)
def test_what_has_no_value_now_may_have_one_later(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_value(text, "x")


@pytest.mark.parametrize(
    "text",
    ["could not find symbol value for v", "t has no member nosuch", "function calls not allowed without using 'call'"],
)
def test_what_can_have_no_value_is_refused_for_good(text: str) -> None:
    with pytest.raises(ExpressionRefused, match=r"Delve says"):
        parse_value(f"Command failed: {text}\r\n", "x")


def test_a_type_is_a_name_or_unknown() -> None:
    assert parse_type("uint64\r\n") == "uint64"
    assert parse_type("Command failed: could not find symbol value for d\r\n") is None


def test_only_unsigned_integers_have_a_width() -> None:
    assert [unsigned_bits(name) for name in ("uint64", "uint8", "uint", "uintptr", "int", None)] == [
        64,
        8,
        64,
        64,
        None,
        None,
    ]


def test_a_point_that_is_one_place_stands_at_one_address() -> None:
    found = parse_breakpoint("Breakpoint 1 set at 0x493137 for main.main.func2() ./main.go:22\r\n", "main.main.func2")
    assert found == Breakpoint(1, (0x493137,))


def test_an_ambiguous_point_names_the_places_in_order_and_without_the_cut() -> None:
    text = 'Command failed: Location "write" ambiguous: os.(*File).write, runtime.bitCursor.write…\r\n'
    with pytest.raises(PointAmbiguous) as caught:
        parse_breakpoint(text, "write")
    assert caught.value.why == "among them os.(*File).write, runtime.bitCursor.write"


def test_a_line_without_code_is_told_from_a_name_that_is_not_there() -> None:
    text = "Command failed: could not find statement at /x/main.go:1, please use a line with a statement\r\n"
    with pytest.raises(PointNotFound, match=r"there is no code at main\.go:1") as caught:
        parse_breakpoint(text, "main.go:1")
    assert "please" not in str(caught.value)


def test_a_source_line_that_talks_of_an_exit_is_none() -> None:
    listing = '=>  49:\tlog.Print("Process 3 has exited with status 0")\r\n'
    assert parse_stop(HIT.replace("=>  49:\tfunc step(t *T, n int) int {\r\n", listing)) == Stop(hits=(7,))


def test_a_stop_of_which_only_the_head_was_printed_is_still_told() -> None:
    assert parse_stop("> [Breakpoint 7] main.step() ./main.go:49\r\n").hits == (7,)
    assert parse_stop("> [hardcoded-breakpoint] main.f() ./m.go:1 (PC: 0x1)\r\n").named == "hardcoded-breakpoint"


def test_an_interrupt_that_finds_the_target_ended_is_an_end() -> None:
    text = "received SIGINT, stopping process (will not forward signal)\r\nProcess 7867 has exited with status 0\r\n"
    assert parse_stop(text).exit_status == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-Inf", float("-inf")),
        ("+Inf", float("inf")),
        ("1.5e+300", 1.5e300),
        ('""', ""),
        ('"true"', "true"),
        ('"4"', "4"),
    ],
)
def test_a_string_stays_a_string_and_a_float_a_float(text: str, value: object) -> None:
    assert parse_value(text + "\r\n", "x") == value


@pytest.mark.parametrize("text", ["*main.Inner nil", "*map[string]interface {} nil", "*struct { A int } nil"])
def test_a_pointer_to_nothing_is_none_whatever_its_type(text: str) -> None:
    assert parse_value(text + "\r\n", "x") is None


@given(st.text(max_size=80))
def test_any_text_is_a_value_or_a_typed_refusal(text: str) -> None:
    try:
        value = parse_value(text, "x")
    except (Unreadable, ExpressionRefused):
        return
    assert value is None or isinstance(value, (int, float, bool, str))


@given(st.text(max_size=80), st.sampled_from(["", "> ", "Breakpoint 3 set at 0x", "> [Breakpoint", "Command failed: "]))
def test_any_text_is_a_stop_and_a_point_or_a_typed_refusal(text: str, head: str) -> None:
    assert isinstance(parse_stop(head + text), Stop)
    with suppress(QuestionError):
        assert parse_breakpoint(head + text, "main.f").addresses


@given(st.integers(-(2**63), 2**64 - 1))
def test_every_integer_of_go_is_read_back(number: int) -> None:
    assert parse_value(f"{number}\r\n", "x") == number
    assert parse_value(f"main.Green|main.Red ({number})\r\n", "x") == number


def test_a_breakpoint_is_cleared_when_delve_says_so() -> None:
    found = Breakpoint(7, (0x4A1B2C,))
    dlv_text.check_cleared("Breakpoint 7 cleared at 0x4a1b2c for main.write() ./main.go:20\r\n", found)
    for text in (
        "",
        "Command failed: no breakpoint with id 7\n",
        "Breakpoint 71 cleared at 0x4a1b2c for main.write()\n",
    ):
        with pytest.raises(DebuggerRefused, match="did not clear"):
            dlv_text.check_cleared(text, found)


def test_all_are_cleared_unless_delve_tells_of_one_that_is_not() -> None:
    for text in ("", "Breakpoint 1 cleared at 0x4a1b2c for main.write() ./main.go:20\n"):
        dlv_text.check_all_cleared(text)
    for text in (
        "Command failed: process has exited\n",
        "Couldn't delete Breakpoint 1 at 0x4a1b2c: input/output error\n",
    ):
        with pytest.raises(DebuggerRefused):
            dlv_text.check_all_cleared(text)
