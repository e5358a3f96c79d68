"""Comparisons that are made up: of a program of which all is known."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sampler.compare.result import CONTROL, UNTOUCHED, Arm, Asked, Comparison, Line, Taken, Window
from sampler.sample import Interval
from sampler.units import NS_PER_SECOND

HEADER: Line = {
    "question": {"point": "work", "expressions": ["gap"], "max_suspended": 1.0, "max_pause_ns": NS_PER_SECOND},
    "target": {"pid": 7, "name": "made-up", "language": "native", "go_version": None, "threads": 2},
    "machine": {"cpu": "a processor", "cores": 2, "kernel": "6.18", "sampler": "0.1.0", "python": "3.11"},
    "started": "2026-11-29T00:00:00Z",
    "command": "sampler compare 7 gap --at work",
    "rounds": 5,
    "round_ns": NS_PER_SECOND,
    "seed": 1,
    "progress": {"by": "counter", "expression": "done", "point": "work"},
}
ARMS = (Arm(CONTROL), Arm("perf", 10.0), Arm("perf", 100.0), Arm("perf", 1000.0), Arm("bcc"))


@dataclass(frozen=True)
class Program:
    """``calls`` a second untouched; a look takes ``look_ns`` of progress, a hit makes a call ``hit_ns`` longer."""

    calls: float = 200_000
    look_ns: int = 60_000
    hit_ns: int = 1_000
    noise: float = 0.002
    seed: int = 1

    def compared(self, arms: Sequence[Arm] = ARMS, rounds: int = 5) -> Comparison:
        chance = random.Random(self.seed)
        windows: list[Window] = []
        for number in range(1, rounds + 1):
            windows.append(self._window(number, Arm(UNTOUCHED), chance))
            for arm in chance.sample(arms, len(arms)):
                windows += [self._window(number, arm, chance), self._window(number, Arm(UNTOUCHED), chance)]
        about = {"arms": [{"instrument": arm.instrument, "rate": arm.rate} for arm in arms]}
        return Comparison(HEADER | about, tuple(windows), "done")

    def kept(self, arm: Arm) -> float:
        if arm.instrument in (UNTOUCHED, CONTROL):
            return 1.0
        if arm.rate is None:
            return 1 / (1 + self.calls * self.hit_ns / NS_PER_SECOND)
        return 1 - arm.rate * self.look_ns / NS_PER_SECOND

    def _window(self, number: int, arm: Arm, chance: random.Random) -> Window:
        progress = self.calls * self.kept(arm) * chance.lognormvariate(0, self.noise)
        asked = None if arm.instrument in (UNTOUCHED, CONTROL) else self._asked(arm, progress, chance)
        return Window(number, arm, 0, NS_PER_SECOND, progress, 1_000_000, None, asked)

    def _asked(self, arm: Arm, progress: float, chance: random.Random) -> Asked:
        if arm.rate is None:
            hits = round(progress)
            each, total = Interval(self.hit_ns, self.hit_ns), Interval(hits * self.hit_ns, hits * self.hit_ns)
            buckets = ((0, 1, hits // 2), (1, 2, hits // 2))
            return Asked(hits=hits, hit_ns=each, buckets=buckets, suspended_ns=total, over_ns=NS_PER_SECOND)
        bounds = Interval(self.look_ns * 9 // 10, self.look_ns * 11 // 10)
        looks = tuple(Taken(chance.randrange(2), (5_000,), bounds) for _ in range(round(arm.rate)))
        total = Interval(bounds.low * len(looks), bounds.high * len(looks))
        values = Counter(look.value for look in looks)
        return Asked(
            samples=len(looks),
            hits=len(looks),
            over_ns=NS_PER_SECOND,
            values=values,
            looks=looks,
            suspended_ns=total,
            cpu_ns=10_000_000,
            cpu_elapsed_ns=NS_PER_SECOND,
        )
