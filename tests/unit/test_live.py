from __future__ import annotations

import io
import math

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from sampler.recording import Recording
from sampler.sample import Event, Value
from sampler.view.live import Live, picture, sparkline
from tests.unit.recordings import X, header, miss, recording_of, sample, steps, text_of

WIDTHS = (40, 120)
LOOKS = [*(sample(turn, turn * turn) for turn in range(1, 60)), miss(61), sample(62, 2**64 - 1, signed=-1)]
BARS = "▁▂▃▄▅▆▇█"


def terminal(width: int) -> tuple[Console, io.StringIO]:
    stream = io.StringIO()
    return Console(file=stream, force_terminal=True, width=width, height=50, highlight=False), stream


def screen(text: str, width: int) -> list[str]:
    """What a terminal of that width shows, without its empty lines."""
    shown = pyte.Screen(width, 50)
    pyte.Stream(shown).feed(text.replace("\n", "\r\n"))
    return [line.rstrip() for line in shown.display if line.strip()]


def drawn(recording: Recording, width: int, remarks: list[str] | None = None) -> tuple[list[str], int]:
    """The lines of the picture on the screen, and how many rows it has."""
    console, stream = terminal(width)
    table = picture(recording, remarks or [])
    console.print(table)
    return screen(stream.getvalue(), width), table.row_count


@pytest.mark.parametrize("width", [*WIDTHS, 20, 80])
def test_a_row_is_one_line_on_a_terminal_of_any_width(width: int) -> None:
    lines, rows = drawn(recording_of(LOOKS), width, ["back-off: a look every 200 ms, to keep to the budget"])
    assert len(lines) == rows
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_what_does_not_fit_is_cut_with_a_mark_and_what_fits_is_whole(width: int) -> None:
    lines, _ = drawn(recording_of(LOOKS), width)
    assert any(line.endswith("…") for line in lines) == (width == 40)
    assert any("18446744073709551615 (signed -1)" in line for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_names_of_the_rows_are_whole_on_a_terminal_of_any_width(width: int) -> None:
    lines, _ = drawn(recording_of(LOOKS), width)
    names = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert names == ["target", "asked", "now", "history", "looks", "cost"]


def test_the_picture_shows_target_question_answer_and_cost() -> None:
    lines, _ = drawn(recording_of(LOOKS), 120)
    text = "\n".join(lines)
    for part in ("tracee (4242) at main.write by dlv", X, "signed -1", "1 not-reached", "worst", "Ctrl-C ends"):
        assert part in text


def test_before_the_first_look_the_answer_is_open() -> None:
    lines, rows = drawn(recording_of([], ended=None), 80)
    assert len(lines) == rows
    assert any(line.startswith("now") and line.endswith("…") for line in lines)


def test_a_miss_is_shown_in_place_of_the_value() -> None:
    lines, _ = drawn(recording_of([sample(1, 5), miss(2)]), 80)
    assert any(line.startswith("now") and line.endswith("miss: not-reached") for line in lines)


@pytest.mark.parametrize("value", ["[bold]x[/bold]", "日本" * 40, "a" * 500, None, True])
def test_a_value_is_shown_as_it_is_and_on_one_line(value: Value) -> None:
    lines, rows = drawn(recording_of([sample(1, value)]), 40)
    assert len(lines) == rows


def test_square_brackets_in_an_answer_are_no_markup() -> None:
    lines, _ = drawn(recording_of([sample(1, "[red]x[/red]", "m[red]")], header("m[red]")), 80)
    assert any(line.endswith("[red]x[/red]") for line in lines)
    assert any(line.endswith("m[red]") for line in lines)


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "a\rb"])
def test_the_name_of_a_process_steers_no_terminal(name: str) -> None:
    lines, rows = drawn(recording_of([sample(1, 5)], header(name=name)), 80)
    assert len(lines) == rows
    assert lines[0].startswith("target")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_shown_like_any_other(value: float) -> None:
    lines, rows = drawn(recording_of([sample(1, 1.5), sample(2, value), sample(3, 2.5)]), 80)
    assert len(lines) == rows


@pytest.mark.parametrize("width", WIDTHS)
def test_redrawing_leaves_nothing_of_the_picture_before(width: int) -> None:
    console, stream = terminal(width)
    with Live(console) as live:
        for step in steps(text_of([Event(0, "attach", {"suspended_ns": [1, 2]}), *LOOKS], ended=None)):
            live.show(*step)
            live.tick()
        lines = screen(stream.getvalue(), width)
        assert len([line for line in lines if "Ctrl-C" in line]) == 1
        assert not any("attaching" in line for line in lines)
        assert any("attached" in line for line in lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_at_the_end_the_summary_stays_and_the_picture_goes(width: int) -> None:
    console, stream = terminal(width)
    with Live(console) as live:
        for step in steps(text_of(LOOKS)):
            live.show(*step)
        live.tick()
    lines = screen(stream.getvalue(), width)
    assert lines[0].startswith("target      tracee")
    assert any(line.startswith("ended") for line in lines)
    assert not any("Ctrl-C" in line for line in lines)


def test_only_the_last_remarks_are_kept() -> None:
    console, stream = terminal(120)
    events = [Event(turn, "back-off", {"period_ns": turn * 10**9}) for turn in range(1, 8)]
    with Live(console) as live:
        for step in steps(text_of(events, ended=None)):
            live.show(*step)
        live.tick()
        remarks = [line for line in screen(stream.getvalue(), 120) if "back-off" in line]
    assert len(remarks) == 4
    assert "7.00 s" in remarks[-1]


def test_the_cursor_is_back_when_the_view_is_left() -> None:
    console, stream = terminal(80)
    with pytest.raises(KeyboardInterrupt), Live(console):
        raise KeyboardInterrupt
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


numbers = st.integers(-(2**64), 2**64) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(numbers, min_size=1, max_size=60))
@example([-1.7e308, 1.7e308])
def test_a_sparkline_has_a_bar_a_value_and_the_highest_is_never_below_the_lowest(series: list[float]) -> None:
    line = sparkline(series)
    assert len(line) == len(series)
    assert set(line) <= set(BARS)
    assert BARS.index(line[series.index(max(series))]) >= BARS.index(line[series.index(min(series))])


def test_a_sparkline_reaches_from_the_lowest_bar_to_the_highest() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == BARS
    assert sparkline([3, 3, 3]) == BARS[0] * 3
