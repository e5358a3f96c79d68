"""The rounds of a comparison: each arm once in each, in an order by chance, with untouched windows between.

What an arm's window is held against are the untouched windows just before it and just after: the target's own
ups and downs, and the machine's, are in both.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from sampler.compare import arms, tidy
from sampler.compare.progress import Progress
from sampler.compare.result import UNTOUCHED, Arm, Comparison, Line, Window
from sampler.compare.visit import SLICE_S, Visit
from sampler.errors import LeftUntidy, RecorderLost, SamplerError, TargetEnded
from sampler.question import Question
from sampler.target import Target

#: An arm that has failed so often, and never done otherwise, is not asked again.
_FAILURES = 2


class Watcher(Protocol):
    """Is told of each window before and after, and ticked a few times a second in between."""

    def begins(self, number: int, arm: Arm) -> None: ...

    def done(self, window: Window) -> None: ...

    def tick(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be compared on whom. ``seed``: of the order."""

    question: Question
    target: Target
    arms: tuple[Arm, ...]
    rounds: int
    window_ns: int
    seed: int

    def order(self) -> Iterator[list[Arm]]:
        """Of each round."""
        chance = random.Random(self.seed)
        for _ in range(self.rounds):
            yield chance.sample(self.arms, len(self.arms))


class Rounds:
    """``windows`` gives each as it is done; it ends early where ``halt`` is set. Raises TargetEnded, and
    SamplerError where an arm has not left the target as it was: nothing is asked of it any more.
    """

    def __init__(self, plan: Plan, progress: Progress, watcher: Watcher, halt: threading.Event) -> None:
        self._plan, self._progress, self._watcher, self._halt = plan, progress, watcher, halt
        self._start_ns = time.monotonic_ns()
        self._failed, self._able = Counter[Arm](), set[Arm]()

    def windows(self) -> Iterator[Window]:
        for number, order in enumerate(self._plan.order(), 1):
            yield from self._go(number, Arm(UNTOUCHED), self._leave_alone)
            for arm in order:
                if self._failed[arm] >= _FAILURES and arm not in self._able:
                    continue
                yield from self._go(number, arm, self._visit if arms.asks(arm) else self._leave_alone)
                yield from self._go(number, Arm(UNTOUCHED), self._leave_alone)

    def _go(self, number: int, arm: Arm, window: Callable[[int, Arm], Window]) -> Iterator[Window]:
        if self._halt.is_set():
            return
        tidy.check_there(self._plan.target)
        self._watcher.begins(number, arm)
        done = window(number, arm)
        failed = SamplerError.from_json(done.failed) if done.failed else None
        cut_short = self._halt.is_set() and done.elapsed_ns < self._plan.window_ns // 2
        if not cut_short or done.untidy or isinstance(failed, RecorderLost):
            self._watcher.done(done)
            yield done
        if done.untidy:
            raise LeftUntidy(f"{arm.name} has not left the target as it was", done.untidy,
                             "nothing more is asked; what was measured is kept")  # fmt: skip
        if isinstance(failed, TargetEnded):
            raise failed

    def _leave_alone(self, number: int, arm: Arm) -> Window:
        begun_ns, until = time.monotonic_ns(), time.monotonic() + self._plan.window_ns / 1e9
        self._progress.begin()
        while (left := until - time.monotonic()) > 0 and not self._halt.wait(min(left, SLICE_S)):
            self._watcher.tick()
        found = self._progress.end()
        return Window(number, arm, begun_ns - self._start_ns, found.elapsed_ns, found.progress,
                      found.longest_stall_ns, found.truth)  # fmt: skip

    def _visit(self, number: int, arm: Arm) -> Window:
        plan = self._plan
        words = arms.words(arm, plan.question, plan.target.pid)
        visit = Visit(words, plan.question.expressions[0], plan.window_ns, self._progress, self._halt)
        visit.run(self._watcher.tick)
        if visit.failed is None:
            self._able.add(arm)
        else:
            self._failed[arm] += 1
        found = visit.progressed
        return Window(
            number,
            arm,
            visit.at_ns - self._start_ns,
            found.elapsed_ns if found else 0,
            found.progress if found else None,
            found.longest_stall_ns if found else None,
            found.truth if found else None,
            visit.asked,
            visit.failed.to_json() if visit.failed else None,
            visit.ended,
            tidy.untidy(plan.target),
        )


def begun(plan: Plan, progress: Progress, about: Line) -> Comparison:
    """One of which nothing is measured yet. ``about``: the machine, when it began, and the command."""
    header = {
        "question": plan.question.to_json(),
        "target": plan.target.to_json(),
        **about,
        "arms": [{"instrument": arm.instrument, "rate": arm.rate} for arm in plan.arms],
        "rounds": plan.rounds,
        "round_ns": plan.window_ns,
        "seed": plan.seed,
        "progress": progress.describe(),
    }
    return Comparison(header)
