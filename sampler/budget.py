"""What a run may do to its target: the longest pause, and the largest share of time suspended."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from sampler.errors import BudgetExceeded
from sampler.units import NS_PER_SECOND, format_duration

#: A period may be stretched to this many times what was asked, but at least to the minute below.
MOST_STRETCH = 100
LEAST_PERIOD_LIMIT_NS = 60 * NS_PER_SECOND

#: How many looks the throttle remembers.
MEMORY = 8


@dataclass(frozen=True, slots=True)
class Budget:
    """The promise: no pause beyond ``max_pause_ns``; at most ``max_suspended`` (0..1) of the time."""

    max_pause_ns: int = NS_PER_SECOND
    max_suspended: float = 0.10


class Background:
    """The share that is suspended whatever the looks cost: for the signals that a tracer passes on, and the like."""

    def __init__(self, budget: Budget, now_ns: int) -> None:
        self._share, self._since_ns, self._spent_ns = budget.max_suspended, now_ns, 0

    def exceeded(self, spent_ns: int, now_ns: int) -> bool:
        """Takes in what was spent; True if it was more than the budget's share of the last second or two."""
        self._spent_ns += spent_ns
        elapsed_ns = now_ns - self._since_ns
        if elapsed_ns < NS_PER_SECOND:
            return False
        exceeded = self._spent_ns > self._share * elapsed_ns
        self._since_ns, self._spent_ns = now_ns, 0
        return exceeded


class Throttle:
    """Keeps the share: a look that suspended the target for s needs s / share of time to itself.

    Counted with the high bound of each look, so the truth can only be gentler. The dearest of the
    last looks decides; when all of those are cheap again, the rate recovers.
    """

    def __init__(self, budget: Budget, period_ns: int) -> None:
        self._budget = budget
        self._asked_ns = period_ns
        self._recent: deque[int] = deque(maxlen=MEMORY)
        self.period_ns = period_ns

    def after(self, suspended_high_ns: int) -> str:
        """Takes in a look; ``back-off`` or ``speed-up`` if the period changed (``period_ns`` is the new one), or ""."""
        self._recent.append(suspended_high_ns)
        needed = round(max(self._recent) / self._budget.max_suspended)
        if needed > self.period_ns:
            # A quarter more than needed: one step back rather than one at every look.
            self.period_ns = round(needed * 1.25)
            return "back-off"
        recovered = max(self._asked_ns, round(needed * 1.25))
        if len(self._recent) == MEMORY and recovered * 2 <= self.period_ns:
            self.period_ns = recovered
            return "speed-up"
        return ""

    def check(self, what: str, fix: str) -> None:
        """BudgetExceeded if it is helpless; ``what`` costs too much."""
        if self.helpless:
            raise BudgetExceeded(
                f"{what} cost more than {self._budget.max_suspended * 100:.3g}% of the time",
                f"even one every {format_duration(self.period_ns)} would be too often",
                fix,
            )

    @property
    def helpless(self) -> bool:
        """True if looking so seldom would no longer be what was asked for."""
        return self.period_ns > max(LEAST_PERIOD_LIMIT_NS, MOST_STRETCH * self._asked_ns)
