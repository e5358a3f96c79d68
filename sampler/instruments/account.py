"""The account of a tracer: for how long threads were held, for looks and for everything else.

A tracer serves one report after another, so what it knows of the stops does not overlap. How long a
thread had been waiting before is bounded by the last moment at which nobody had anything to report, or
by how long the tracer itself has waited for a processor.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic_ns
from types import TracebackType
from typing import Self

from sampler.budget import Background, Budget
from sampler.errors import BudgetExceeded
from sampler.instruments.wakeups import KERNEL_PATH_NS, Wakeups
from sampler.sample import Interval


@dataclass(slots=True)
class Held:
    """Stops of single threads, added up. ``quiet_ns``: when there had been none yet; ``last_ns``: when the last one
    went on (both monotonic).
    """

    count: int = 0
    total_ns: int = 0
    quiet_ns: int = 0
    last_ns: int = 0

    def add(self, quiet_ns: int, known_ns: int, resumed_ns: int) -> None:
        if not self.count:
            self.quiet_ns = quiet_ns
        self.count += 1
        self.total_ns += resumed_ns - known_ns
        self.last_ns = resumed_ns

    def bounds(self, woken_ns: int) -> Interval:
        """For how long at least one thread was held. Behind ``KERNEL_PATH_NS`` it is for the scheduler when a thread
        runs, as after any wait of its own. ``woken_ns``: at most so long it took us to wake up.
        """
        if not self.count:
            return Interval()
        return Interval(self.total_ns, self.last_ns - self.quiet_ns + woken_ns + KERNEL_PATH_NS)


class Account:
    """Of the thread that enters it; it may be entered again. ``hits``: stops by a byte, since the last one was planted;
    ``passed``: all others; ``stops``: how many were booked.

    ``quiet_ns``: to be set whenever nobody has anything to report, and when somebody wakes us.
    ``marks``: what the present look has come to, on the monotonic clock; whoever begins one empties it.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget, self._background = budget, Background(budget, monotonic_ns())
        self._between = Interval()
        self._wakeups = Wakeups()
        self._open = ExitStack()
        self.hits, self.passed = Held(), Held()
        self.quiet_ns = 0
        self.marks: list[tuple[str, int]] = []
        self.stops = self._unchecked_ns = 0

    def __enter__(self) -> Self:
        self._open.enter_context(self._wakeups)
        self.quiet_ns = monotonic_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.book()
        self._open.close()

    def sleep(self) -> None:
        """Before we wait for a report."""
        self._wakeups.begin()

    def take_hits(self, armed_ns: int) -> tuple[Held, Interval]:
        """The hits since ``armed_ns``, and their bounds: nobody met a byte before it was there."""
        hits, self.hits = self.hits, Held()
        if not hits.count:
            return hits, Interval()
        bounds = hits.bounds(self._wakeups.longest_ns())
        return hits, Interval(bounds.low, min(bounds.high, hits.last_ns - armed_ns + KERNEL_PATH_NS))

    def book(self) -> None:
        """What was passed on since. A thread that met a byte in a look and came to report after it is among them."""
        for held in (self.passed, self.hits):
            if held.count:
                bounds = held.bounds(self._wakeups.longest_ns())
                self._between += bounds
                self._unchecked_ns += bounds.low
                self.stops += held.count
        if self.passed.count or self.hits.count:
            self.passed, self.hits = Held(), Held()

    def check(self) -> None:
        """BudgetExceeded if what was passed on was surely too much by itself."""
        spent_ns, self._unchecked_ns = self._unchecked_ns, 0
        if spent_ns and self._background.exceeded(spent_ns, monotonic_ns()):
            raise BudgetExceeded(
                f"the target's own signals and threads cost more than {self._budget.max_suspended:.3g} of the time",
                "each is a stop while the target is traced",
                "allow more with --max-suspended, or ask with an instrument that does not trace",
            )

    def take_between(self) -> Interval:
        """What was booked since this was asked last."""
        between, self._between = self._between, Interval()
        return between
