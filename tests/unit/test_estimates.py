"""Moments and calls: two estimates from the same looks, on programs whose truth is known because they are made up."""

from __future__ import annotations

import bisect
import random
from itertools import accumulate

import pytest

from sampler.compare.estimates import estimates, ticks
from sampler.compare.result import Taken
from sampler.sample import Interval

MS = 1_000_000
Call = tuple[int, int]  # the time before it, in ns, and the value that it finds


def test_a_pulse_is_told_right_for_moments_and_for_calls() -> None:
    """20 calls a millisecond apart find 0 to 19, after a rest of 21 ms before the first."""
    calls = [(MS if value else 21 * MS, value) for value in range(20)] * 100
    found = estimates(_rounds(calls, period_ns=51 * MS, seed=1), 51 * MS)
    assert found is not None
    assert found.call is not None
    assert _holds(found.moment, _moment(calls))
    assert _holds(found.call, 9.5)
    assert not _holds(found.moment, 9.5)
    assert found.within_ns <= 1.1 * MS


@pytest.mark.parametrize("seed", range(5))
def test_long_pauses_that_have_their_own_values(seed: int) -> None:
    chance = random.Random(seed)
    calls = [_either(chance) for _ in range(4000)]
    found = estimates(_rounds(calls, period_ns=37 * MS, seed=seed), 37 * MS)
    assert found is not None
    assert found.call is not None
    truth = sum(value for _, value in calls) / len(calls)
    assert found.moment.value - truth > 20  # the pause is what is met
    assert abs(found.call.value - truth) < 8


def test_asking_often_does_not_hide_long_pauses() -> None:
    """A look that waits takes several ticks; each of them would have found that call."""
    calls = [(MS if value else 21 * MS, value) for value in range(20)] * 100
    found = estimates(_rounds(calls, period_ns=5 * MS, seed=2), 5 * MS)
    assert found is not None
    assert found.call is not None
    assert found.moment.value == pytest.approx(_moment(calls), abs=0.4)
    assert found.call.value == pytest.approx(9.5, abs=1)


def test_calls_that_come_at_an_even_pace_leave_nothing_to_correct() -> None:
    calls = [(2 * MS, value % 7) for value in range(3000)]
    found = estimates(_rounds(calls, period_ns=23 * MS, seed=3), 23 * MS)
    assert found is not None
    assert found.call is not None
    assert found.moment.value == pytest.approx(3, abs=0.3)
    assert found.call.value == pytest.approx(3, abs=0.3)
    assert found.within_ns > 1.5 * MS


def test_calls_that_come_too_often_are_not_told_apart() -> None:
    rounds = [[Taken(1, 30_000 + number, Interval()) for number in range(50)]] * 5
    found = estimates(rounds, MS)
    assert found is not None
    assert found.call is None
    assert "so often" in found.why_not


def test_few_looks_tell_nothing_of_calls() -> None:
    found = estimates([[Taken(1, MS, Interval())]], MS)
    assert found is not None
    assert found.call is None
    assert found.why_not


def test_texts_have_no_mean() -> None:
    assert estimates([[Taken("a", MS, Interval())]], MS) is None


def test_a_look_stands_for_each_tick_of_its_wait() -> None:
    waits = [tick.wait_ns for tick in ticks(Taken(1, 12, Interval()), 5)]
    assert waits == [12, 7, 2]
    assert ticks(Taken(1, None, Interval()), 5) == [Taken(1, None, Interval())]


def _either(chance: random.Random) -> Call:
    """Nine calls in ten come a millisecond or two after the one before; the tenth after 30 ms, and finds 100."""
    if chance.random() < 0.9:
        return chance.randrange(MS, 2 * MS), chance.randrange(10)
    return 30 * MS, 100


def _moment(calls: list[Call]) -> float:
    """Each value weighs as long as was waited for its call."""
    return sum(gap * value for gap, value in calls) / sum(gap for gap, _ in calls)


def _rounds(calls: list[Call], period_ns: int, seed: int) -> list[list[Taken]]:
    """What looks see: at each tick, unless one is under way, the next call. In five rounds."""
    chance = random.Random(seed)
    times = list(accumulate(gap for gap, _ in calls))
    taken, free_ns = [], 0
    for number in range(1, times[-1] // period_ns):
        tick_ns = number * period_ns + round((chance.random() - 0.5) * period_ns)
        if tick_ns < free_ns:
            continue
        place = bisect.bisect_left(times, tick_ns)
        if place == len(times):
            break
        taken.append(Taken(calls[place][1], times[place] - tick_ns, Interval()))
        free_ns = times[place]
    size = -(-len(taken) // 5)
    return [taken[start : start + size] for start in range(0, len(taken), size)]


def _holds(found: object, truth: float) -> bool:
    return found.holds(truth)  # type: ignore[attr-defined]
