"""What was counted, as people see it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from sampler.errors import UsageError
from sampler.question import Aggregate, CountQuestion, LatencyQuestion
from sampler.recording import Line, Recording
from sampler.sample import Cost, Interval
from sampler.tally import Numbers, Tally
from sampler.view import tallies
from sampler.view.lines import Csv, Lines
from sampler.view.live import picture
from sampler.view.summary import summary_lines
from tests.unit.recordings import header

S = 1_000_000_000


def recording(question: Line, *found: Tally, ended: bool = True) -> Recording:
    sites = [{"address": "0x4010", "where": "main.f at main.go:7", "instruction": "push rbp", "emulated": True}]
    about = header() | {"question": question, "sites": sites, "hit_ns": [900, 1200], "instrument": "bpftrace"}
    made = Recording(about)
    made.add({"type": "event", "t_ns": S, "event": "attach", "probes": 1, "ready_ns": S})
    for tally in found:
        made.add(json.loads(json.dumps(tally.to_json())))
    if ended:
        made.add({"type": "footer", "samples": 0, "misses": 0, "elapsed_ns": 4 * S, "ended": "duration"})
    return made


def tally(at_s: float, **more: Any) -> Tally:
    at_ns = int(at_s * S)
    return Tally(at_ns, Interval(at_ns - 1000, at_ns), cost=Cost(Interval(S // 100, S // 50), hits=1000), **more)


COUNTED = (tally(1.0, counts={"main.f": 0}), tally(2.0, counts={"main.f": 1000}), tally(3.0, counts={"main.f": 2000}))
COUNT = CountQuestion(("main.f",)).to_json()


def test_a_tally_is_written_and_read_alike() -> None:
    for one in (
        tally(1, counts={"a": 1}, histograms={"b": [(None, 0, 1), (4, 8, 2)]}, lost=3, unreadable=4, ends_alone=5),
        tally(2, numbers={"c": Numbers(2, -3, -2, -1), "d": Numbers(0, 0, None, None)}),
    ):
        assert Tally.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_a_count_is_told_once_a_reading_as_a_rate() -> None:
    told = io.StringIO()
    with Lines(told) as view:
        made = recording(COUNT)
        view.show("", made.header | {"type": "header"}, made)
        for one in COUNTED:
            made.add(one.to_json())
            view.show("", one.to_json(), made)
    lines = told.getvalue().splitlines()
    assert "each hit takes 900 ns – 1.20 µs" in lines[0]
    assert "`push rbp`, which the kernel emulates" in lines[1]
    assert lines[2].endswith("main.f 1,000/s")


def test_readings_of_one_moment_make_no_rate() -> None:
    again = Tally(2 * S, Interval(S, 2 * S), {"main.f": 1000})
    made = recording(COUNT, COUNTED[0], again, Tally(2 * S + 5, Interval(S + 5, 2 * S + 5), {"main.f": 1000}))
    assert tallies.line(made) == ""


def test_a_rate_whose_readings_were_late_has_bounds() -> None:
    before, now = Tally(S, Interval(S // 2, S)), Tally(2 * S, Interval(3 * S // 2, 2 * S))
    assert tallies.rate(1000, before, now) == "1,000/s (667 to 2,000)"


def test_the_rates_of_several_are_added_up_with_their_bounds() -> None:
    assert tallies.rate_text([(9, 10, 11), (1, 2, 2.6)]) == "12/s (10 to 14)"
    assert tallies.lately(recording(COUNT, COUNTED[0]), "main.f") is None


@pytest.mark.parametrize(
    ("share", "text"), [(0.1, "< 8.00 µs"), (0.5, "< 8.00 µs"), (0.51, "< 16.0 µs"), (1.0, "≥ 512 µs")]
)
def test_a_quantile_of_a_histogram_is_a_bound(share: float, text: str) -> None:
    assert tallies.below([(4, 8, 50), (8, 16, 49), (512, None, 1)], share, "us") == text
    assert tallies.below([], share, "us") == ""


def test_the_summary_has_the_total_and_the_cost() -> None:
    text = "\n".join(summary_lines(recording(COUNT, *COUNTED, tally(3.0, counts={"main.f": 2000}))))
    assert "counted     2,000 × main.f, 1,000/s on average" in text
    assert "1,000 hits took 10.0–20.0 ms at least: 0.50% to 1.00% of the time" in text


def test_a_latency_is_summed_up_as_a_histogram() -> None:
    question = LatencyQuestion("main.f", "main.f:return", unit="ms").to_json()
    found = tally(2, counts={"main.f": 13}, histograms={"main.f": [(1, 2, 4), (8, 16, 8)]}, ends_alone=2)
    text = "\n".join(summary_lines(recording(question, found)))
    assert "12 measured, 1 starts without an end, 2 ends without a start" in text
    assert "[8, 16) 8 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|" in text
    assert "[4, 8) 0 |" in text


def test_numbers_and_histograms_of_expressions_are_summed_up() -> None:
    question = header("x")["question"] | {"aggregate": "stats"}
    found = tally(2, numbers={"x": Numbers(3, 6, -1, 4)}, unreadable=2)
    text = "\n".join(summary_lines(recording(question, found)))
    assert "least -1   mean 2   most 4   (3 hits)" in text
    assert "2 hits at which something could not be read" in text


@pytest.mark.parametrize(
    ("buckets", "rows"),
    [
        ([], []),
        ([(None, 0, 1), (0, 1, 2), (1, 2, 3)], ["(…, 0)", "[0]", "[1]"]),
        ([(1024, 2048, 1), (4096, 8192, 1)], ["[1K, 2K)", "[2K, 4K)", "[4K, 8K)"]),
        (
            [(0, 10, 1), (30, 40, 1), (50, None, 2)],
            ["[0, 10)", "[10, 20)", "[20, 30)", "[30, 40)", "[40, 50)", "[50, …)"],
        ),
    ],
)
def test_a_histogram_has_the_empty_rows_between(buckets: list[Any], rows: list[str]) -> None:
    step = 10 if (0, 10, 1) in buckets else None
    shown = tallies.histogram(buckets, step=step)
    assert [row.rsplit("|", 2)[0].rsplit(maxsplit=1)[0].strip() for row in shown] == rows


def test_the_live_view_shows_what_was_counted() -> None:
    from rich.console import Console

    console = Console(width=60, file=io.StringIO())
    console.print(picture(recording(COUNT, *COUNTED, ended=False), []))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "main.f 1,000/s" in shown
    assert "2,000 × main.f" in shown


def test_comma_separated_values_are_in_long_form() -> None:
    told = io.StringIO()
    view = Csv(told)
    made = recording(LatencyQuestion("a", "b").to_json())
    view.show("", made.header | {"type": "header"}, made)
    found = tally(2, counts={"a": 5}, histograms={"a": [(1, 2, 4)]}, ends_alone=1)
    made.add(found.to_json())
    view.show("", found.to_json(), made)
    assert told.getvalue().splitlines() == [
        "t_s,of,what,low,high,count", "2.000000,a,hits,,,5", "2.000000,a,bucket,1,2,4", "2.000000,,ends_alone,,,1",
    ]  # fmt: skip


def test_a_sum_that_may_have_had_no_room_makes_no_mean() -> None:
    assert Numbers(3, 6, 1, 1 << 62).mean is None
    assert "no mean, for the sum is beyond 64 bits" in tallies.numbers_text(Numbers(3, 6, 1, 1 << 62))


@pytest.mark.parametrize(
    "text", ["", "sum", "lhist", "lhist:1,0,1", "lhist:0,10,0", "lhist:0,100000,1", "lhist:0,10,3", "lhist:a,b,c"]
)
def test_no_way_to_sum_up_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        Aggregate.parse(text)


@pytest.mark.parametrize("text", ["count", "stats", "hist", "lhist:-5,10,5"])
def test_ways_to_sum_up_are_written_as_they_are_read(text: str) -> None:
    assert Aggregate.parse(text).text == text
