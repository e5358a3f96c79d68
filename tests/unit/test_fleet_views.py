"""Several targets at once: rows, lines, tables and pictures, of recordings that are made up."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from sampler import cli
from sampler.errors import BudgetExceeded, NotPermitted, RecorderLost, RecordingError, SamplerError, TargetEnded
from sampler.fleet import joined
from sampler.fleet.joined import Joined
from sampler.fleet.member import FleetView
from sampler.question import CountQuestion, LatencyQuestion
from sampler.recording import Line
from sampler.sample import Cost, Event, Interval, Look, Value
from sampler.tally import Bucket, Numbers, Tally
from sampler.view.fleet import choose_fleet_view
from sampler.view.fleet.lines import FleetCsv, FleetLines
from sampler.view.fleet.live import FleetLive, picture
from sampler.view.fleet.plots import draw_fleet
from sampler.view.fleet.rows import Rows
from sampler.view.fleet.standing import Standing
from sampler.view.fleet.summary import fleet_lines
from sampler.view.fleet.table import Column, laid_out, middle_cut
from sampler.view.fleet.together import together
from tests.unit.recordings import MS, Pages, X, batch, header, miss, recording_of, sample, several, steps, text_of
from tests.unit.test_live import screen

WIDTHS = (20, 40, 60, 80, 160)


def member(label: str, *values: Value, error: SamplerError | None = None, ended: str | None = "count") -> Standing:
    looks = [sample(turn, value) for turn, value in enumerate(values, 1)]
    return Standing(label, recording_of(looks, ended=ended), error)


THREE = (
    member("tracee (11)", 1, 2, 3, ended=None),
    member("tracee (12)", 70, 80, 90, ended=None),
    member("tracee (13)", 5, 5, 5, error=TargetEnded("process 13 has ended")),
)


def shown(standings: Sequence[Standing], width: int, height: int = 40, remarks: Sequence[str] = ()) -> list[str]:
    """The lines of the picture as a terminal of that size has them."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, height=height, highlight=False)
    console.print(picture(standings, remarks, width, height))
    return screen(stream.getvalue(), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_member_has_one_line_on_a_terminal_of_any_width(width: int) -> None:
    lines = shown(THREE, width, remarks=["a remark that is much longer than a narrow terminal is wide"])
    assert max(map(cell_len, lines)) <= width
    assert len(lines) == 2 + 1 + 3 + 1 + 1 + 1 + 1  # asked, names, members, all, cost, the remark, the hint
    assert [line.split()[0] for line in lines[-4:]] == ["all", "cost", "a", "Ctrl-C"]


def test_a_wide_terminal_shows_state_value_quantiles_and_cost_of_each_and_of_all() -> None:
    lines = [line.split() for line in shown(THREE, 160)]
    names = ["target", "now", "median", "p99", "samples", "misses", "of", "the", "time", "worst", "pause"]
    assert names in lines
    share = "8.00%–20.00%"
    assert ["tracee", "(11)", "asking", "3", "2", "3", "3", "0", share, "20.0", "ms"] in lines
    assert ["tracee", "(13)", "gone", "5", "5", "5", "3", "0", "1.20%–3.00%", "20.0", "ms"] in lines
    assert ["all", "2/3", "5", "90", "9", "0", "2.77%–6.92%", "20.0", "ms"] in lines


def test_columns_are_left_out_in_order_and_those_that_stay_are_whole() -> None:
    for width in range(30, 160):
        names = next(line for line in shown(THREE, width) if line.startswith("target"))
        ranked = ["now", "of the time", "median", "p99", "worst pause", "samples", "misses"]
        there = [name in names for name in ranked]
        assert there == sorted(there, reverse=True), names
        assert "now" in names
    assert all(name in shown(THREE, 100)[2] for name in ranked)


def test_of_several_expressions_the_first_is_kept_longest() -> None:
    about = header("x", "len(s)")
    one = Standing("a", recording_of([several(1, {"x": 5, "len(s)": 6})], about))
    for width, there in ((160, True), (60, False)):
        lines = shown([one], width)
        assert any("1 now" in line for line in lines)
        assert any("2 now" in line for line in lines) == there
    assert [line.split() for line in lines[:2]] == [["asked", "1", "x"], ["2", "len(s)"]]


@pytest.mark.parametrize("height", [1, 2, 5, 8, 12, 24, 48])
def test_of_many_members_as_many_are_shown_as_fit_and_the_rest_is_counted(height: int) -> None:
    many = [member(f"tracee ({number})", number, ended=None) for number in range(200)]
    lines = shown(many, 80, height)
    assert len(lines) <= height
    rows = [line for line in lines if line.startswith("tracee")]
    if height >= 8:
        rest = next(line for line in lines if line.startswith("…"))
        assert rest == f"… and {200 - len(rows)} more: {200 - len(rows)} asking"
        assert any(line.startswith("all") and "200/200" in line for line in lines)
    if height == 24:
        assert len(rows) > 10


def test_where_not_all_fit_those_that_failed_come_first_and_then_the_highest() -> None:
    many = [member(f"tracee ({number})", number, ended=None) for number in range(100)]
    many[3] = member("tracee (3)", 3, ended=None, error=RecorderLost("the recorder ended by signal SIGKILL"))
    rows = [line.split()[1] for line in shown(many, 80, 12) if line.startswith("tracee")]
    assert rows[:3] == ["(3)", "(99)", "(98)"]


def test_where_all_fit_they_stand_in_the_order_in_which_they_came() -> None:
    rows = [line.split()[1] for line in shown(THREE, 80) if line.startswith("tracee")]
    assert rows == ["(11)", "(12)", "(13)"]


def test_remarks_do_not_take_the_room_of_all_members() -> None:
    many = [member(f"tracee ({number})", number, ended=None) for number in range(50)]
    lines = shown(many, 80, 14, [f"remark {number}" for number in range(9)])
    assert sum(line.startswith("tracee") for line in lines) >= 3
    assert [line for line in lines if line.startswith("remark")][-1] == "remark 8"


@pytest.mark.parametrize(
    ("error", "begun", "state"),
    [
        (RecorderLost("x"), True, "lost"),
        (TargetEnded("x"), True, "gone"),
        (BudgetExceeded("x"), True, "budget"),
        (NotPermitted("x"), False, "refused"),
        (SamplerError("x"), True, "failed"),
    ],
)
def test_what_became_of_a_member_is_one_word(error: SamplerError, begun: bool, state: str) -> None:
    recording = recording_of([sample(1, 5)]) if begun else None
    assert Standing("a", recording, error).state == state


def test_a_member_is_starting_then_asking_then_done() -> None:
    standing = Standing("a")
    assert standing.state == "starting"
    standing.recording = recording_of([], ended=None)
    assert standing.state == "asking"
    assert Standing("a", recording_of([], ended="duration")).state == "done"
    assert Standing("a", recording_of([], ended="interrupted")).state == "left"


@pytest.mark.parametrize("values", [(True, False, True), ("a", "b", "b"), (None, 1.5), (math.nan, 2), ("日本" * 40,)])
def test_values_of_every_kind_are_shown(values: Sequence[Value]) -> None:
    for width in WIDTHS:
        assert max(map(cell_len, shown([member("a", *values, ended=None)], width))) <= width


def test_of_values_that_are_no_numbers_the_whole_counts_the_latest() -> None:
    standings = [member(str(number), number > 1, ended=None) for number in range(5)]
    line = next(line for line in shown(standings, 120) if line.startswith("all"))
    assert "3 × true, 2 × false" in line


def test_a_miss_is_shown_in_place_of_the_value() -> None:
    one = Standing("a", recording_of([sample(1, 5), miss(2)], ended=None))
    assert any("miss: not-reached" in line for line in shown([one], 120))


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "[red]x[/red]", "日本語の名前" * 9])
def test_the_label_of_a_member_steers_no_terminal(name: str) -> None:
    lines = shown([member(name, 1, ended=None)], 60)
    assert len(lines) == 7
    assert all(line.isprintable() for line in fleet_lines([member(name, 1)]))


def test_sums_grow_look_by_look_and_are_those_of_the_whole_recording() -> None:
    standing = Standing("a")
    looks: list[Look | Event] = [sample(1, 5), batch(2, 6, 7, unanswered=2), miss(3), sample(4, 8)]
    for _, _, recording in steps(text_of(looks, ended=None)):
        standing.recording = recording
        grown = standing.sums()
    assert grown == Standing("b", recording).sums()
    assert (grown.samples, grown.misses, grown.worst) == (4, 3, Interval(8 * MS, 20 * MS))
    assert grown.suspended == Interval((8 + 1 + 2 + 8) * MS, (20 + 2 + 5 + 20) * MS)


def test_quantiles_of_a_growing_recording_are_of_its_last_samples_only() -> None:
    looks = [sample(turn, turn) for turn in range(1, 301)]
    rows = Rows([Standing(str(number), recording_of(looks, ended=None)) for number in range(500)])
    median = rows.members(500)[0][3]
    assert median == "250"  # of the last 100 of 300


def tallied(*counts: int) -> list[Tally]:
    return [
        Tally(
            place * 1000 * MS,
            Interval(place * 1000 * MS, place * 1000 * MS + 1),
            histograms={X: [(0, 1, count), (1, 2, 2 * count)]},
            numbers={X: Numbers(count, 3 * count, -count, count)},
            lost=1,
            cost=Cost(Interval(count, 2 * count), hits=3 * count),
        )
        for place, count in enumerate(counts, 1)
    ]


def test_what_several_have_counted_is_added_up() -> None:
    (one,), (other,) = tallied(5), tallied(7)
    both = together([one, other])
    assert both.histograms == {X: [(0, 1, 12), (1, 2, 24)]}
    assert both.numbers == {X: Numbers(12, 36, -7, 7)}
    assert (both.cost.suspended_ns, both.cost.hits, both.lost) == (Interval(12, 24), 36, 2)
    assert together([one]) == one


def summing(label: str, *counts: int) -> Standing:
    about = header()
    question = about["question"] | {"aggregate": "hist"}
    pages = [json.dumps({"type": "header", "version": 1} | about | {"question": question})]
    pages += [json.dumps(tally.to_json()) for tally in tallied(*counts)]
    *_, (_, _, recording) = steps(pages)
    return Standing(label, recording)


def test_sums_of_hits_have_a_row_a_member_and_one_histogram_of_all() -> None:
    standings = [summing("one", 5, 10), summing("two", 100, 200), Standing("three", None, NotPermitted("no"))]
    lines = list(fleet_lines(standings))
    assert any(line.split()[:3] == ["two", "600", "1"] for line in lines)
    assert any("[1] 420 |" in line for line in lines)
    assert any("630" in line for line in shown(standings, 100) if line.startswith("all"))


def counting(label: str, question: Line, *tallies: Tally) -> Standing:
    """One that has counted or timed, second by second, and has not ended."""
    pages = [json.dumps({"type": "header", "version": 1} | header() | {"question": question})]
    *_, (_, _, recording) = steps([*pages, *(json.dumps(tally.to_json()) for tally in tallies)])
    return Standing(label, recording)


def counts(*found: int) -> list[Tally]:
    """Of main.f, a second from one to the next; of main.g none."""
    return [
        Tally(second * 1000 * MS, Interval(second * 1000 * MS - 1, second * 1000 * MS), {"main.f": count, "main.g": 0})
        for second, count in enumerate(found, 1)
    ]


COUNT = CountQuestion(("main.f", "main.g")).to_json()


def test_calls_have_a_table_a_point_and_the_rates_of_all_are_added_up() -> None:
    standings = [counting("one", COUNT, *counts(0, 1000, 3000)), counting("two", COUNT, *counts(10, 20, 30))]
    lines = [line.split() for line in fleet_lines([*standings, counting("three", COUNT)])]
    first, second = (lines.index(["counted", point]) for point in ("main.f", "main.g"))
    assert lines[first + 2 : first + 6] == [["one", "3,000", "1,500/s"], ["two", "30", "10/s"], ["three", "0"],
                                            ["all", "3,030", "1,510/s"]]  # fmt: skip
    assert lines[second + 5] == ["all", "0", "0/s"]


def test_a_terminal_shows_how_fast_each_point_is_met_now() -> None:
    standings = [counting("one", COUNT, *counts(0, 1000, 3000)), counting("two", COUNT, *counts(10, 20))]
    names, one, two, of_all = (
        line for line in shown(standings, 120) if line.startswith(("target", "one", "two", "all"))
    )
    assert names.split()[:5] == ["target", "1", "now", "2", "now"]
    assert one.split()[:4] == ["one", "asking", "2,000/s", "0/s"]
    assert two.split()[2] == "10/s"
    assert of_all.split()[:4] == ["all", "2/2", "2,010/s", "0/s"]
    standings[0].over = True
    assert next(line for line in shown(standings, 120) if line.startswith("all")).split()[2] == "10/s"


def test_times_have_quantiles_of_each_and_of_all_and_one_histogram() -> None:
    question = LatencyQuestion("main.f", "main.f:return", unit="ms").to_json()

    def timed(begun: int, *buckets: Bucket) -> Tally:
        return Tally(1000 * MS, Interval(999 * MS, 1000 * MS), {"main.f": begun}, {"main.f": buckets}, ends_alone=1)

    standings = [
        counting("one", question, timed(101, (1, 2, 99), (512, None, 1))),
        counting("two", question, timed(300, (1, 2, 1), (4, 8, 299))),
        counting("three", question),
    ]
    lines = list(fleet_lines(standings))
    table = lines[lines.index("timed   main.f to main.f:return") + 2 :]
    assert table[0].split() == ["one", "100", "1", "1", "<", "2.00", "ms", "<", "2.00", "ms"]
    assert table[1].split() == ["two", "300", "0", "1", "<", "8.00", "ms", "<", "8.00", "ms"]
    assert table[2].split() == ["three", "0", "0", "0"]
    assert table[3].split() == ["all", "400", "1", "2", "<", "8.00", "ms", "<", "8.00", "ms"]
    assert any("[4, 8) 299 |" in line for line in lines)
    on_screen = {line.split()[0]: line for line in shown(standings, 120) if line.startswith(("one", "all"))}
    assert on_screen["one"].split()[1:4] == ["asking", "100", "measured"]
    assert "400 measured" in on_screen["all"]
    assert "< 8.00 ms" in on_screen["all"]


# --- the summary -----------------------------------------------------------------------------------------------------


def test_the_summary_has_a_row_a_member_and_the_whole() -> None:
    assert list(fleet_lines(THREE)) == [
        f"asked   {X}",
        "        at main.write, of 3 targets, by dlv",
        "",
        f"answer  {X}",
        "target       median (95 %)  samples  min  p99  max",
        "tracee (11)              2        3    1    3    3",
        "tracee (12)             80        3   70   90   90",
        "tracee (13)              5        3    5    5    5",
        "all            5 (2 to 90)        9    1   90   90",
        "",
        "cost",
        "target       samples  misses  suspended a look         worst      of the time",
        "tracee (11)        3       0      8.00–20.0 ms  8.00–20.0 ms  8.00% to 20.00%",
        "tracee (12)        3       0      8.00–20.0 ms  8.00–20.0 ms  8.00% to 20.00%",
        "tracee (13)        3       0      8.00–20.0 ms  8.00–20.0 ms   1.20% to 3.00%",
        "all                9       0      8.00–20.0 ms  8.00–20.0 ms   2.77% to 6.92%",
        "",
        "of all  72.0–180 ms suspended in all: 2.77% to 6.92% of the targets' time,"
        " 3.60% to 9.00% of the time that passed",
        "        its quantiles are of the samples of all targets together: one that gave more counts for more",
        "",
        "ended   2 of 3: not yet, or cut off: there is no footer",
        "        tracee (13): process 13 has ended (after 2.00 s)",
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_the_summary_keeps_to_the_width_of_a_terminal(width: int) -> None:
    standings = [*THREE, Standing("refused", None, NotPermitted("process 9 may not be traced", "the kernel refuses"))]
    lines = list(fleet_lines(standings, width))
    assert max(map(len, lines)) <= width
    assert any("refused" in line for line in lines)


def test_each_expression_has_a_table_and_values_that_are_no_numbers_are_counted() -> None:
    about = header("x", "ok")
    standings = [
        Standing(name, recording_of([several(turn, {"x": turn, "ok": turn > 1}) for turn in (1, 2, 3)], about))
        for name in ("one", "two")
    ]
    lines = list(fleet_lines(standings))
    assert [line for line in lines if line.startswith("answer")] == ["answer  x", "answer  ok"]
    assert "all     4 × true, 2 × false" in lines


def test_instruments_that_differ_are_told_of_each() -> None:
    other = Standing("b", recording_of([sample(1, 1)], header() | {"instrument": "perf"}))
    lines = list(fleet_lines([member("a", 1), other]))
    assert "of 2 targets, by dlv (1), perf (1)" in lines[1]
    assert any(line.split()[:2] == ["b", "perf"] for line in lines)


def test_misses_torn_samples_and_back_offs_are_told_of_all() -> None:
    looks: list[Look | Event] = [sample(1, 1), miss(2), batch(3, 1, 2, torn=frozenset([1]))]
    looks += [Event(4, "back-off", {"period_ns": 1}), miss(5, "unreadable")]
    said = "\n".join(fleet_lines([Standing("a", recording_of(looks)), Standing("b", recording_of(looks))]))
    assert "misses: 2 not-reached, 2 unreadable" in said
    assert "2 samples may be of two moments" in said
    assert "backed off 2 times" in said


def test_where_nobody_was_asked_the_summary_says_why() -> None:
    lines = list(fleet_lines([Standing("a", None, NotPermitted("no")), Standing("b", None, NotPermitted("no"))]))
    assert lines == ["asked   2 targets, and none of them has begun", "", "ended   a: no", "        b: no"]


@given(
    st.lists(st.lists(st.integers(-(2**70), 2**70) | st.floats(allow_nan=False), max_size=6), min_size=1, max_size=6)
)
def test_the_whole_is_of_all_samples_and_never_beyond_those_of_the_members(series: list[list[float]]) -> None:
    standings = [member(str(number), *values) for number, values in enumerate(series)]
    lines = list(fleet_lines(standings))
    count = sum(math.isfinite(value) for values in series for value in values)
    whole = [line.split() for line in lines if re.match(r"all +\S+.* \d", line)]
    if count:
        assert any(f"{count:,}" in cells for cells in whole)


# --- lines, CSV, JSON Lines ------------------------------------------------------------------------------------------


def run(view: FleetView, looks: Mapping[str, Sequence[Look | Event]], errors: Mapping[str, SamplerError]) -> None:
    """A run as the fleet tells it: members in turns, a line each."""
    told = {label: steps(text_of(of)) for label, of in looks.items()}
    with view:
        for label in [*looks, *errors]:
            view.joined(label)
        for turn in zip_longest(*told.values()):
            for label, step in zip(told, turn, strict=True):
                if step is not None:
                    view.show(label, *step)
        view.said("one", "its pod was replaced")
        for label in looks:
            view.ended(label, None)
        for label, error in errors.items():
            view.ended(label, error)


LOOKS: dict[str, Sequence[Look | Event]] = {
    "one": [Event(0, "attach", {"suspended_ns": [0, 0]}), sample(1, 5), sample(2, 2**64 - 1, signed=-1)],
    "number two": [Event(0, "attach", {"suspended_ns": [0, 0]}), sample(1, 7), miss(2)],
}
ERRORS = {"three": NotPermitted("process 3 may not be traced", "the kernel refuses")}


def test_in_a_pipe_each_line_has_its_target_in_front_and_the_summary_comes_last() -> None:
    stream = io.StringIO()
    run(FleetLines(stream), LOOKS, ERRORS)
    above, _, below = stream.getvalue().partition("\n\n")
    lines = above.splitlines()
    assert {line[:10].rstrip() for line in lines} == {"one", "number two", "three"}
    assert len({line.index(" s  ") for line in lines}) == 1
    assert sum(line.endswith("attached; nobody was stopped") for line in lines) == 1  # of all alike
    assert any(line.startswith("one") and "= 5   suspended" in line for line in lines)
    assert any(line.startswith("number two") and "miss: not-reached" in line for line in lines)
    assert any(line.startswith("one") and line.endswith("its pod was replaced") for line in lines)
    assert any(line.startswith("three") and "may not be traced" in line for line in lines)
    assert below.startswith("asked")


def test_csv_has_the_target_in_its_first_column() -> None:
    stream = io.StringIO()
    run(FleetCsv(stream), LOOKS, ERRORS)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [(row["target"], row[X], row[f"signed({X})"], row["miss"]) for row in rows] == [
        ("one", "5", "", ""),
        ("number two", "7", "", ""),
        ("one", str(2**64 - 1), "-1", ""),
        ("number two", "", "", "not-reached"),
    ]


def test_json_lines_are_the_joined_recording(tmp_path: Path) -> None:
    stream, saved = io.StringIO(), Pages()
    run(choose_fleet_view("jsonl", False, stream), LOOKS, ERRORS)
    run(joined.Writer(saved), LOOKS, ERRORS)
    assert stream.getvalue() == "".join(saved)
    file = tmp_path / "run.jsonl"
    file.write_text(stream.getvalue())
    found = joined.load(str(file))
    assert {label: recording.sample_count for label, recording in found.members.items()} == {"one": 2, "number two": 1}
    assert list(found.errors) == ["three"]


def test_a_quiet_view_says_nothing() -> None:
    stream = io.StringIO()
    run(choose_fleet_view("table", True, stream), LOOKS, ERRORS)
    assert stream.getvalue() == ""


# --- the live view ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [40, 80, 160])
def test_at_the_end_the_summary_stays_and_the_picture_goes(width: int) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, height=50, highlight=False)
    live = FleetLive(console)
    run(live, LOOKS, ERRORS)
    lines = screen(stream.getvalue(), width)
    assert lines[0] == f"asked   {X}"
    assert "said    one: its pod was replaced" in lines
    assert not any("Ctrl-C" in line for line in lines)


def test_redrawing_leaves_nothing_of_the_picture_before() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, height=50, highlight=False)
    with FleetLive(console) as live:
        for label in LOOKS:
            live.joined(label)
            live.draw()
        for label, looks in LOOKS.items():
            for step in steps(text_of(looks, ended=None)):
                live.show(label, *step)
                live.draw()
        live.ended("one", TargetEnded("process 1 has ended"))
        live.draw()
        lines = screen(stream.getvalue(), 80)
    assert sum("Ctrl-C" in line for line in lines) == 1
    assert sum(line.startswith("target") for line in lines) == 1
    assert any(line.startswith("one: ") and line.endswith("process 1 has ended") for line in lines)
    assert any(line.split()[:2] == ["one", "gone"] for line in lines)


def test_the_cursor_is_back_when_the_view_is_left() -> None:
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt), FleetLive(Console(file=stream, force_terminal=True, width=80, height=20)):
        raise KeyboardInterrupt
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


# --- tables ----------------------------------------------------------------------------------------------------------

words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z", "M")), max_size=30)


@given(st.lists(st.tuples(words, words, words), max_size=5), st.integers(1, 90))
def test_no_line_of_a_table_is_wider_than_the_terminal(rows: list[tuple[str, str, str]], width: int) -> None:
    columns = [Column("target", 0), Column("b", 2), Column("c", 1)]
    assert all(cell_len(line) <= width for line in laid_out(columns, rows, width))


@given(words, st.integers(1, 40))
def test_a_label_that_is_cut_keeps_its_ends(label: str, width: int) -> None:
    found = middle_cut(label, width)
    assert cell_len(found) <= width
    assert found == label or "…" in found


# --- files -----------------------------------------------------------------------------------------------------------


def saved(folder: Path, cut: int | None = None) -> str:
    """A run that was saved, its last ``cut`` letters lost."""
    pages = Pages()
    run(joined.Writer(pages), LOOKS, ERRORS)
    file = folder / "run.jsonl"
    file.write_text("".join(pages)[:cut])
    return str(file)


def reported(path: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(["report", path]) == 0
    return capsys.readouterr().out


def test_a_report_of_a_file_is_the_summary_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    run(FleetLines(stream), LOOKS, ERRORS)
    said = "\nsaid    one: its pod was replaced\n"
    assert reported(saved(tmp_path), capsys).replace(said, "") == stream.getvalue().partition("\n\n")[2]


def test_a_run_that_was_cut_off_is_reported_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = reported(saved(tmp_path, -600), capsys)
    assert "not yet, or cut off" in said
    assert "number two" in said


@pytest.mark.parametrize("form", ["png", "svg"])
def test_a_picture_has_all_members(tmp_path: Path, form: str) -> None:
    output = tmp_path / f"run.{form}"
    draw_fleet(joined.load(saved(tmp_path)), str(output))
    assert output.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[form])
    if form == "svg":
        assert all(f"<!-- {label} -->" in output.read_text() for label in (*LOOKS, "all"))


def test_a_picture_of_many_members_or_of_no_numbers_is_drawn_too(tmp_path: Path) -> None:
    many = Joined({str(number): recording_of([sample(1, number), miss(2)]) for number in range(40)})
    words_only = Joined({"a": recording_of([sample(1, "[$x$]")]), "$b$": recording_of([sample(1, None)])})
    for number, found in enumerate((many, words_only)):
        draw_fleet(found, str(tmp_path / f"{number}.png"))
        assert (tmp_path / f"{number}.png").stat().st_size


def test_a_run_without_looks_is_not_drawn(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no look was recorded"):
        draw_fleet(Joined({"a": recording_of([])}), str(tmp_path / "run.png"))
    with pytest.raises(RecordingError, match="no look was recorded"):
        draw_fleet(Joined(), str(tmp_path / "run.png"))
