"""How long a stopped thread may have waited until its tracer knew of it.

A stopped thread wakes its tracer. From then on until the tracer runs, Linux counts it as waiting for
a processor (``run_delay``, /proc/PID/task/TID/schedstat; Documentation/scheduler/sched-stats.rst). The
count leaves out the way through the kernel: the trap, the call of the other processor, the switch.
"""

from __future__ import annotations

import os
import threading
from types import TracebackType
from typing import Self

#: The way through the kernel, in or out. Beyond nearly all that was measured (`make bench` tells the share).
KERNEL_PATH_NS = 60_000


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
        """At most so long did a stopped thread wait until we were awake, since ``begin``."""
        return self._run_delay_ns() - self._before_ns + KERNEL_PATH_NS

    def _run_delay_ns(self) -> int:
        return int(os.pread(self._file, 64, 0).split()[1])
