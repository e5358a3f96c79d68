"""One attempt of ``perf``: what it has come to, and what it has cost."""

from __future__ import annotations

import time

from sampler.instruments.hit_cost import HitCost
from sampler.instruments.traps import Catch
from sampler.plan.snapshot import Snapshot
from sampler.sample import Cost, Interval, Miss, marks_since


class Attempt:
    """Times on the monotonic clock: ``begun_ns``, when the breakpoints were open, when arming began and was done, and
    when the wait was over. They are opened ahead of the deadline, if that takes long, and armed at it.

    ``full``: no breakpoint could be had. ``interrupted_ns``: how long at most one thread was, to set and clear them.
    """

    def __init__(self, deadline_ns: int, start_ns: int, hit_cost: HitCost, conditional: bool) -> None:
        self.deadline_ns, self._start_ns = deadline_ns, start_ns
        self._hit_cost, self._conditional = hit_cost, conditional
        self.begun_ns = self.opened_ns = self.arming_ns = self.armed_ns = self.waited_ns = time.monotonic_ns()
        self.catch, self.full, self.interrupted_ns = Catch([], 0), False, 0
        self._marks = [("opening", self.begun_ns)]

    def mark(self, phase: str) -> int:
        """Of this moment, which it returns."""
        now_ns = time.monotonic_ns()
        self._marks.append((phase, now_ns))
        return now_ns

    @property
    def late_ns(self) -> int:
        return max(0, self.arming_ns - self.deadline_ns)

    def cost(self, snapshot: Snapshot) -> Cost:
        """Of one that has an answer.

        ``hit`` and ``read`` are by its record: when the handler began, and, of a program of the kernel, when it had
        read everything. ``hit`` may come before ``armed``: breakpoints are armed one after another.
        """
        inside_ns = snapshot.ended_ns - snapshot.begun_ns
        caught = [("hit", snapshot.begun_ns), *([("read", snapshot.ended_ns)] if inside_ns else [])]
        marks = [*self._marks, *caught, ("noticed", self.waited_ns)]
        return self._cost(inside_ns, max(0, snapshot.begun_ns - self.armed_ns), marks)

    def miss(self, reason: str, detail: str) -> Miss:
        cost = self._cost(0, max(0, self.waited_ns - self.armed_ns), self._marks)
        return Miss(self.armed_ns - self._start_ns, reason, cost, detail, self.late_ns)

    def _cost(self, inside_ns: int, wait_ns: int, marks: list[tuple[str, int]]) -> Cost:
        now_ns = time.monotonic_ns()
        setup_ns = self.opened_ns - self.begun_ns + self.armed_ns - self.arming_ns
        return Cost(
            self._suspended(inside_ns) + Interval(0, self.interrupted_ns),
            Interval(self.begun_ns - self._start_ns, now_ns - self._start_ns),
            wait_ns,
            0,
            self.catch.hits,
            setup_ns=Interval(setup_ns, now_ns - self.waited_ns),
            marks=marks_since(self._start_ns, marks),
        )

    def _suspended(self, inside_ns: int) -> Interval:
        """With a condition, all hits but the last leave the breakpoint as it is; without, each takes its own away."""
        hits = self.catch.hits
        passed = max(0, hits - 1) if self._conditional else 0
        return self._hit_cost.of(inside_ns + self.catch.passed_ns, hits - passed, passed)
