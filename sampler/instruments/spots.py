"""Where the breakpoints of one look are set: on each thread, or on each processor."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.linux import procfs
from sampler.linux.perf_event import Breakpoint, Where


class Spots:
    """A breakpoint on a thread interrupts the processor where that was last, though it sleeps. So where there are more
    threads than processors, those are watched instead: whoever else comes by there is passed over, and after the first
    of them, as in a server of many processes, the threads are watched again.
    """

    def __init__(self) -> None:
        self._processors = [Where(cpu=number) for number in procfs.processors()]
        self._narrow = not _may_watch(self._processors[0])

    def of(self, threads: Sequence[int]) -> list[Where]:
        if self._narrow or len(threads) <= len(self._processors):
            return [Where(tid) for tid in threads]
        return self._processors

    def narrow(self) -> None:
        """From now on threads only."""
        self._narrow = True


def _may_watch(processor: Where) -> bool:
    """Tried with a breakpoint that is never armed."""
    try:
        Breakpoint(processor, 0).close()
    except OSError:
        return False
    return True
