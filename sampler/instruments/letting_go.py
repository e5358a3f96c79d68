"""Whether a traced target is let go between two looks.

While it is traced, each signal that it receives and each thread that it makes is a stop of a thread. To let go of
it stops each thread that runs just then. A Go program that collects garbage sends itself a thousand signals a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sampler.units import NS_PER_SECOND

#: So seldom asked, it is always let go: nothing is gentler between two looks than nobody there.
ALWAYS_FROM_NS = NS_PER_SECOND
#: A period must be so many times as long as it takes to attach, which costs a processor's time.
LEAST_PERIODS = 10
JUDGED_EACH_NS = NS_PER_SECOND // 2
_WORTH_IT = 2  # times the stops of letting go


@dataclass(frozen=True, slots=True)
class Reason:
    """``stops``: a look, while it was traced; ``running``: threads."""

    stops: float
    running: int


class LettingGo:
    """Asked after each look, until it is due once. ``running``: how many threads run just now; it may take a while."""

    def __init__(self, period_ns: int, running: Callable[[], int]) -> None:
        self._period_ns, self._running = period_ns, running
        self.reason: Reason | None = None
        self._since_ns, self._passed, self._looks = 0, 0, 0

    def is_due(self, passed: int, attach_ns: int, now_ns: int) -> bool:
        """``passed``: the stops between looks so far, as a sum. ``attach_ns``: how long it takes."""
        if self._period_ns < LEAST_PERIODS * attach_ns:
            return False
        if self._period_ns >= ALWAYS_FROM_NS:
            return True
        self._since_ns = self._since_ns or now_ns
        self._looks += 1
        if now_ns - self._since_ns < JUDGED_EACH_NS:
            return False
        stops = (passed - self._passed) / self._looks
        self._since_ns, self._passed, self._looks = now_ns, passed, 0
        if stops <= _WORTH_IT:  # one thread at least runs: the one that was hit
            return False
        running = max(1, self._running())
        self.reason = Reason(stops, running) if stops > _WORTH_IT * running else None
        return self.reason is not None
