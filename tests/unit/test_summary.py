from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.sample import Event
from sampler.units import span
from sampler.view.summary import summary_lines
from tests.unit.recordings import MS, X, header, miss, recording_of, sample, several


def test_the_summary_says_what_was_asked_the_answer_its_cost_and_how_it_ended() -> None:
    looks = [Event(0, "attach", {"suspended_ns": [60 * MS, 75 * MS]}), *(sample(turn, turn) for turn in range(1, 10))]
    looks += [miss(10), Event(5, "back-off", {"period_ns": 200 * MS}), Event(9, "detach", {"suspended_ns": [MS, MS]})]
    assert list(summary_lines(recording_of(looks, skipped=3))) == [
        "target      tracee (PID 4242, go1.26.8, 6 threads)",
        "asked       at main.write, with dlv 1.27.0",
        f"answer      {X}",
        "            median 5  (95 %: 2 to 9)",
        "            min 1 · p99 9 · max 9",
        "looks       9 samples, 1 misses (1 not-reached), 3 deadlines skipped, backed off 1 times",
        "cost        suspended 8.00–20.0 ms a look (median), 8.00–20.0 ms at worst",
        "            3.70% to 9.25% of the time, 6 threads",
        "            once: attach 60.0–75.0 ms, detach 1.00–1.00 ms",
        "ended       all looks asked for were taken, after 2.00 s",
    ]


def test_a_recording_without_any_look_has_a_summary_without_numbers() -> None:
    lines = list(summary_lines(recording_of([], ended="interrupted")))
    assert lines[2:] == ["looks       0 samples, 0 misses", "ended       interrupted, after 2.00 s"]


def test_a_recording_that_was_cut_off_says_so() -> None:
    assert list(summary_lines(recording_of([sample(1, 5)], ended=None)))[-1].startswith("ended       not yet, or cut")


@pytest.mark.parametrize("ended", ["duration", "count", "interrupted", "budget", "target-ended", "from-the-future"])
def test_every_ending_is_told_even_one_not_known_yet(ended: str) -> None:
    assert "after 2.00 s" in list(summary_lines(recording_of([sample(1, 5)], ended=ended)))[-1]


def test_answers_that_are_no_numbers_are_counted_and_cut_to_the_line() -> None:
    lines = list(summary_lines(recording_of([sample(1, "a" * 500), sample(2, "b"), sample(3, "b")])))
    assert "            2 × b" in lines
    assert max(len(line) for line in lines) <= 100


def test_each_of_several_expressions_has_its_answer() -> None:
    lines = list(summary_lines(recording_of([several(1, {"x": 5, "len(s)": 6})], header("x", "len(s)"))))
    assert [line for line in lines if line.startswith("answer")] == ["answer      x", "answer      len(s)"]


@pytest.mark.parametrize("name", ["a\x1b[2Jb", "a\nb", "a\x07"])
def test_the_name_of_a_process_steers_no_terminal(name: str) -> None:
    lines = list(summary_lines(recording_of([sample(1, 5)], header(name=name))))
    assert all(line.isprintable() for line in lines)


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_two_bounds_name_their_unit_once_if_it_is_the_same(low: int, more: int) -> None:
    text = span(low, low + more)
    assert len([word for word in text.split() if word.isalpha()]) in (1, 2)
    assert "–" in text


def test_bounds_of_different_units_name_both() -> None:
    assert span(8_700_000, 20_900_000) == "8.70–20.9 ms"
    assert span(900_000, 1_500_000) == "900 µs – 1.50 ms"
