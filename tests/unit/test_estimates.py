"""Moments and calls: two estimates from the same looks, on programs whose truth is known because they are made up.

The looks are those that a recorder takes: by the real schedule, with the jitter that `compare` has.
"""

from __future__ import annotations

import bisect
import random
from itertools import accumulate

import pytest

from sampler.compare.estimates import Estimates, estimates
from sampler.compare.result import Taken
from sampler.compare.within import Within, with_ticks
from sampler.question import Timing
from sampler.sample import Cost, Interval, Miss, Sample
from sampler.schedule import Schedule
from sampler.units import NS_PER_SECOND

MS = 1_000_000
WINDOW_NS = Timing().window_ns
DEAD_NS = 100_000  # from a hit until an instrument is ready again
Call = tuple[int, int]  # the time before it, in ns, and the value that it finds
PULSE: list[Call] = [(MS if value else 21 * MS, value) for value in range(20)]


@pytest.mark.parametrize("period_ms", [1, 5, 20, 40, 51])
def test_a_pulse_is_told_right_for_moments_and_for_calls(period_ms: int) -> None:
    """20 calls a millisecond apart find 0 to 19, after a rest of 21 ms before the first."""
    found = _estimated(PULSE * 800, period_ms * MS, seed=period_ms)
    assert found.moment.value == pytest.approx(4.75, abs=0.35)
    assert found.call is not None
    assert found.call.value == pytest.approx(9.5, abs=1)
    assert found.within_ns <= MS


def test_pauses_longer_than_a_look_waits_are_not_forgotten() -> None:
    """A look that gives up after a second has the call that comes at last."""
    chance = random.Random(3)
    calls: list[Call] = []
    for _ in range(120):
        calls += [(2500 * MS, 100), *((2 * MS, chance.randrange(10)) for _ in range(500))]
    assert _estimated(calls, 50 * MS, seed=1).moment.value == pytest.approx(_moment(calls), rel=0.05)


@pytest.mark.parametrize("seed", range(5))
def test_long_pauses_that_have_their_own_values(seed: int) -> None:
    chance = random.Random(seed)
    calls = [_either(chance) for _ in range(20_000)]
    found = _estimated(calls, 37 * MS, seed)
    truth = sum(value for _, value in calls) / len(calls)
    assert found.call is not None
    assert found.moment.value - truth > 20  # the pause is what is met
    assert abs(found.call.value - truth) < 6


def test_calls_that_come_at_an_even_pace_leave_nothing_to_correct() -> None:
    calls = [(2 * MS, value % 7) for value in range(30_000)]
    found = _estimated(calls, 23 * MS, seed=3)
    assert found.call is not None
    assert found.moment.value == pytest.approx(3, abs=0.3)
    assert found.call.value == pytest.approx(3, abs=0.3)


def test_intervals_hold_both_truths() -> None:
    """Not in each case: in nearly all."""
    held = [0, 0]
    for seed in range(20):
        found = _estimated(PULSE * 400, 29 * MS, seed)
        assert found.call is not None
        held[0] += found.moment.holds(4.75)
        held[1] += found.call.holds(9.5)
    assert min(held) >= 17


def test_calls_that_come_too_often_are_not_told_apart() -> None:
    found = estimates([[Taken(1, (30_000 + number,), Interval()) for number in range(50)]] * 5)
    assert found is not None
    assert found.call is None
    assert "so often" in found.why_not


def test_few_looks_tell_nothing_of_calls() -> None:
    found = estimates([[Taken(1, (MS,), Interval())]])
    assert found is not None
    assert found.call is None
    assert found.why_not


def test_texts_have_no_mean_and_what_waits_for_nobody_has_no_estimates() -> None:
    assert estimates([[Taken("a", (MS,), Interval())]]) is None
    assert estimates([[Taken(1, (), Interval())]]) is None


def test_a_look_stands_for_each_tick_of_its_wait() -> None:
    turns = Turns()
    turns.sample(hit_ns=100, wait_ns=60)
    turns.sample(hit_ns=300, wait_ns=20, skipped_at=(30, 50, 99, 110))  # one before it was armed, one after its hit
    assert turns.waits == [(60, 50, 1), (20,)]


def test_a_window_without_looks_has_none() -> None:
    asked = Within("v", {"started_monotonic_ns": 0}).asked(0, 100, 1, 1)
    assert (asked.samples, asked.hits, asked.looks) == (0, 0, ())


def test_ticks_at_which_nobody_came_have_the_next_call() -> None:
    turns = Turns()
    turns.miss(begun_ns=0, ended_ns=100)
    turns.sample(hit_ns=250, wait_ns=100, skipped_at=(40, 120))
    assert turns.waits == [(), (250, 210, 100)]


class Turns:
    """Lines of a recording, and what is made of them."""

    def __init__(self) -> None:
        self._within = Within("v", {"started_monotonic_ns": 0})

    def sample(self, hit_ns: int, wait_ns: int, value: int = 1, skipped_at: tuple[int, ...] = ()) -> None:
        cost = Cost(during_ns=Interval(hit_ns - wait_ns, hit_ns), wait_ns=wait_ns, hits=1)
        self._add(Sample(hit_ns, {"v": value}, cost).to_json(), skipped_at)

    def miss(self, begun_ns: int, ended_ns: int, skipped_at: tuple[int, ...] = ()) -> None:
        cost = Cost(during_ns=Interval(begun_ns, ended_ns), wait_ns=ended_ns - begun_ns)
        self._add(Miss(begun_ns, "not-reached", cost).to_json(), skipped_at)

    def _add(self, line: dict[str, object], skipped_at: tuple[int, ...]) -> None:
        self._within.add(line | {"skipped": len(skipped_at), "skipped_at": list(skipped_at)})

    @property
    def waits(self) -> list[tuple[int, ...]]:
        return [waits for _, waits in with_ticks(self._within._turns)]

    @property
    def taken(self) -> list[Taken]:
        return [
            Taken(turn.look.values["v"], waits, Interval())
            for turn, waits in with_ticks(self._within._turns)
            if isinstance(turn.look, Sample)
        ]


def _either(chance: random.Random) -> Call:
    """Nine calls in ten come a millisecond or two after the one before; the tenth after 30 ms, and finds 100."""
    if chance.random() < 0.9:
        return chance.randrange(MS, 2 * MS), chance.randrange(10)
    return 30 * MS, 100


def _moment(calls: list[Call]) -> float:
    """Each value weighs as long as was waited for its call."""
    return sum(gap * value for gap, value in calls) / sum(gap for gap, _ in calls)


def _estimated(calls: list[Call], period_ns: int, seed: int) -> Estimates:
    """Of five rounds in which looks were taken as a recorder takes them."""
    times = list(accumulate(gap for gap, _ in calls))
    schedule, turns, now_ns = Schedule(0, period_ns, 1.0, seed), Turns(), 0
    while True:
        deadline = schedule.next(now_ns)
        place = bisect.bisect_left(times, deadline.at_ns)
        if place == len(times) or times[place] + NS_PER_SECOND > times[-1]:
            break
        wait_ns = times[place] - deadline.at_ns
        if wait_ns > WINDOW_NS:
            now_ns = deadline.at_ns + WINDOW_NS
            turns.miss(deadline.at_ns, now_ns, deadline.skipped_at_ns)
        else:
            turns.sample(times[place], wait_ns, calls[place][1], deadline.skipped_at_ns)
            now_ns = times[place] + DEAD_NS
    taken = turns.taken
    size = -(-len(taken) // 5)
    found = estimates([taken[start : start + size] for start in range(0, len(taken), size)])
    assert found is not None
    return found
