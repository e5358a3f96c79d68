"""The way out of a traced process whose bytes are in place again: nobody is left who has met one of them.

A thread that runs may just have met one, and the trap be on its way: it is stopped once, for a moment, to see.
All are asked at once: one after the other, each would wait for its turn on a processor. A thread that sleeps in
the kernel cannot have met one, and is not disturbed. A child that is just being made gets its bytes back first.
"""

from __future__ import annotations

import os
import select
from contextlib import suppress
from time import monotonic_ns
from typing import TYPE_CHECKING

from sampler.linux import procfs, tracing, waiting
from sampler.linux.announcements import drain
from sampler.linux.waiting import What
from sampler.sample import Interval
from sampler.units import NS_PER_SECOND

if TYPE_CHECKING:
    from sampler.instruments.tracer import Tracer

# Only a machine with far more to do than it can needs so long. Who leaves earlier, leaves somebody in a trap.
_LEAVING_NS = 10 * NS_PER_SECOND
_STEP_NS = NS_PER_SECOND // 100  # falling asleep has no event
# A thread that is still in state D after so long came into the kernel by a system call: vfork(2), a dead file server.
_ASLEEP_NS = NS_PER_SECOND // 10
_HARMLESS = ("S", procfs.ZOMBIE, procfs.DEAD, "")


class Leaving:
    """One way out. ``cost``: the moments' stops that it has caused, summed up; ``unsettled``: who was left in doubt."""

    def __init__(self, tracer: Tracer, announced: int) -> None:
        self._tracer, self._announced = tracer, announced
        self._asked_ns = self._quiet_ns = monotonic_ns()
        self._doubtful = {tid for tid in tracer.in_the_memory() if _state(tid) not in _HARMLESS}
        self.cost = Interval()

    def settle(self) -> None:
        """Serves until nobody is in doubt and everybody who is being made was seen."""
        for tid in self._doubtful:
            with suppress(ProcessLookupError):
                tracing.interrupt(tid)
        while self.unsettled:
            tid, status = waiting.next_status()
            if tid:
                self._take(tid, status)
            elif (now_ns := monotonic_ns()) < self._asked_ns + _LEAVING_NS:
                self._quiet_ns = now_ns
                self._wait()
            else:
                return

    @property
    def unsettled(self) -> int:
        return len(self._doubtful) + len(self._tracer.unborn)

    def _take(self, tid: int, status: int) -> None:
        if tid not in self._doubtful:
            self._tracer.deal_with(tid, status)
            return
        known_ns = monotonic_ns()
        if self._is_settled(tid, status):
            now_ns = monotonic_ns()
            self._doubtful.discard(tid)
            # When nobody had anything to report, this one had not stopped yet.
            self.cost += Interval(now_ns - known_ns, now_ns - self._quiet_ns)

    def _is_settled(self, tid: int, status: int) -> bool:
        """Any stop will do, for a trap is reported before everything else; but for a stop of ours or of job control."""
        what = waiting.decode(tid, status).what
        with suppress(ProcessLookupError):
            if what in (What.TRAP_STOP, What.JOB_STOP) and self._tracer.trap_is_on_its_way(tid):
                tracing.resume(tid)  # to the trap; a job stop goes on when we let go (__ptrace_unlink, kernel/ptrace.c)
                return False
            if what is What.TRAP_STOP:
                self._tracer.release(tid)
                return True
        self._tracer.deal_with(tid, status)
        return True

    def _wait(self) -> None:
        """For a report. No busy loop: at a real-time priority that could keep the target from running."""
        harmless = (*_HARMLESS, procfs.UNINTERRUPTIBLE) if self._quiet_ns > self._asked_ns + _ASLEEP_NS else _HARMLESS
        self._doubtful = {tid for tid in self._doubtful if _state(tid) not in harmless}
        unborn = self._tracer.unborn
        unborn -= {tid for tid in unborn if not os.path.exists(f"/proc/{tid}")}
        if self.unsettled:
            select.select([self._announced], [], [], _STEP_NS / NS_PER_SECOND)
            drain(self._announced)


def _state(tid: int) -> str:
    return procfs.task_state(tid, tid)
