"""How long a tracer may have been waited for: the time between a thread's stop and our knowing of it.

A stopped thread wakes its tracer. From then on until the tracer runs, Linux counts the tracer as
waiting for a processor (``run_delay``, /proc/PID/task/TID/schedstat; Documentation/scheduler/
sched-stats.rst). What the count leaves out is the way through the kernel, from the trap to the wake-up
and from the switch to our first instruction.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Self

#: The way through the kernel. Beyond nearly all that was measured (`make bench` tells the share).
KERNEL_PATH_NS = 100_000


class Wakeups:
    """Of the thread that enters it."""

    def __enter__(self) -> Self:
        self._file = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        self._before_ns = 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def begin(self) -> None:
        self._before_ns = self._run_delay_ns()

    def longest_ns(self) -> int:
        """At most so long did a stopped thread wait for us since ``begin``."""
        return self._run_delay_ns() - self._before_ns + KERNEL_PATH_NS

    def _run_delay_ns(self) -> int:
        return int(os.pread(self._file, 64, 0).split()[1])
