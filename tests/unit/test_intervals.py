"""The bootstrap over rounds: how often its interval holds the truth."""

from __future__ import annotations

import random

import pytest

from sampler.compare.intervals import LEAST_ROUNDS, Estimate, mean
from sampler.compare.result import CONTROL, UNTOUCHED, Arm, Comparison, Window

REPETITIONS = 400


@pytest.mark.parametrize("rounds", [5, 10])
def test_intervals_hold_the_truth_in_93_of_100_cases(rounds: int) -> None:
    chance = random.Random(rounds)
    held = sum(_held(mean([chance.gauss(7, 1) for _ in range(rounds)]), 7) for _ in range(REPETITIONS))
    assert held >= 0.93 * REPETITIONS


def test_two_untouched_arms_differ_by_chance_only() -> None:
    """A/A: whole comparisons, simulated with a machine that is now faster and now slower."""
    from sampler.compare.findings import finding

    chance = random.Random(8)
    held = 0
    for _ in range(REPETITIONS):
        found = finding(_untouched_only(chance, rounds=5), Arm(CONTROL))
        held += _held(found.kept, 1)
    assert held >= 0.93 * REPETITIONS


def test_a_target_that_stood_still_in_one_round_has_lost_that_round_only() -> None:
    found = mean([1.0, 1.0, 1.0, 1.0, 0.0])
    assert found is not None
    assert found.value == pytest.approx(0.8)


def test_few_rounds_give_no_interval() -> None:
    assert mean([]) is None
    assert mean([1.0] * (LEAST_ROUNDS - 1)) == Estimate(1.0)


def test_rounds_that_are_all_alike_leave_no_doubt() -> None:
    assert mean([3.0] * 5) == Estimate(3.0, 3.0, 3.0)


def test_one_bad_round_does_not_make_the_interval_endless() -> None:
    found = mean([1.0, 1.01, 0.99, 1.0, 0.2])
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low > -2
    assert found.high < 4


def test_the_same_rounds_give_the_same_interval() -> None:
    rounds = [0.9, 1.1, 1.0, 0.95, 1.2]
    assert mean(rounds) == mean(rounds)


def _held(found: Estimate | None, truth: float) -> bool:
    assert found is not None
    return found.holds(truth)


def _untouched_only(chance: random.Random, rounds: int) -> Comparison:
    """Each window's speed is the machine's own, which drifts, times what chance does to one window."""
    windows, drift = [], 1.0
    for number in range(1, rounds + 1):
        for arm in (UNTOUCHED, CONTROL, UNTOUCHED):
            drift *= chance.lognormvariate(0, 0.02)
            speed = 1e6 * drift * chance.lognormvariate(0, 0.05)
            windows.append(Window(number, Arm(arm), 0, 1_000_000_000, progress=speed))
    header = {"arms": [{"instrument": CONTROL, "rate": None}], "progress": {"by": "counter"}}
    return Comparison(header, tuple(windows))
