"""Where the breakpoints of one look are set: on each thread, or on each processor."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.linux import procfs
from sampler.linux.perf_event import Breakpoint, Where


class Spots:
    """A breakpoint on a thread interrupts the processor where that was last, though it sleeps. So where there are more
    threads than processors, those are watched instead. Whoever else comes by there is passed over; after a look in
    which somebody did, or in one in which many do, as in a server of many processes, the threads are watched again.
    """

    def __init__(self, threads_only: bool = False) -> None:
        self._processors = [Where(cpu=number) for number in procfs.processors()]
        self._threads_only = threads_only or not _may_watch(self._processors[0])
        self._by_thread: bool | None = None  # in this look; None: not decided yet

    def begin(self) -> None:
        """Another look."""
        self._by_thread = None

    def of(self, threads: Sequence[int]) -> list[Where]:
        """What was decided at the begin of a look holds for all of it, however many threads there are then."""
        if self._by_thread is None:
            self._by_thread = self._threads_only or len(threads) <= len(self._processors)
        return [Where(tid) for tid in threads] if self._by_thread else self._processors

    @property
    def by_thread(self) -> bool:
        """Whether threads are watched in this look."""
        return bool(self._by_thread)

    def narrow(self) -> None:
        """From the next look on threads only."""
        self._threads_only = True

    def narrow_for_now(self) -> bool:
        """Threads only in this look: a breakpoint that any thread of the machine has takes one of each processor's,
        but not of another thread. False if that is so already.
        """
        changed, self._by_thread = not self._by_thread, True
        return changed


def _may_watch(processor: Where) -> bool:
    """Tried with a breakpoint that is never armed."""
    try:
        Breakpoint(processor, 0).close()
    except OSError:
        return False
    return True
