"""What asking takes from a program: calls a second in each arm, over those of untouched rounds beside it."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from typing import Any

from bench.arms import UNTOUCHED, Program, Run, run
from bench.loads import busy
from bench.looks import ratio_of
from bench.tracee import Tracee

Result = dict[str, Any]
#: A way of asking, and how often a second; what is there all the time has 0.
Arm = tuple[str, float]
Turn = dict[str, Run]

_BESIDE: tuple[Arm, Arm] = ((UNTOUCHED, 0), (UNTOUCHED, 1))


def slowdown(program: Program, load: str, arms: Sequence[Arm], rounds: int, seconds: float) -> Result:
    with busy(program, load) as target:
        return ratios(turns(program, target, arms, rounds, seconds))


def turns(program: Program, target: Tracee, arms: Sequence[Arm], rounds: int, seconds: float) -> list[Turn]:
    """All arms and two untouched rounds on one running target, each turn in an order of its own."""
    everybody = [*_BESIDE, *arms]
    return [
        {
            name_of((arm, rate)): run(program, target, arm, rate, seconds)
            for arm, rate in random.sample(everybody, len(everybody))
        }
        for _ in range(rounds)
    ]


def name_of(arm: Arm) -> str:
    how, rate = arm
    return f"{how} {rate:g}" if rate else how


def ratios(found: list[Turn]) -> Result:
    """``noise``: one untouched round over the other one; the rest over the mean of the two."""
    rates = [{name: float(one.report["writes_per_s"]) for name, one in turn.items()} for turn in found]
    first, second = map(name_of, _BESIDE)
    beside = [statistics.mean([turn[first], turn[second]]) for turn in rates]
    names = sorted(name for name in rates[0] if name not in (first, second))
    arms = {name: ratio_of([(turn[name], mean) for turn, mean in zip(rates, beside, strict=True)]) for name in names}
    return {"turns": rates, "arms": {"noise": ratio_of([(turn[first], turn[second]) for turn in rates])} | arms}


def print_slowdown(title: str, arms: Result) -> None:
    print(f"\n{title}: calls a second, of untouched (95 %)")
    for arm, one in arms.items():
        print(f"  {arm:<22} {with_interval(one)}")


def with_interval(found: dict[str, float]) -> str:
    """Of a program that is all but stopped, more places."""
    places = 3 if found["high"] >= 0.05 else 5
    ratio, low, high = (f"{found[key]:.{places}f}" for key in ("ratio", "low", "high"))
    return f"{ratio} ({low} to {high})"
