"""How much processor time a process has used, to the nanosecond, by its clock; of anybody's process."""

from __future__ import annotations

import time
from contextlib import suppress

from sampler.linux import procfs

# A process's clock is named by its PID: include/linux/posix-timers_types.h, MAKE_PROCESS_CPUCLOCK and CPUCLOCK_SCHED.
_SCHED = 2


def used_ns(pid: int) -> int:
    """User and system time of all its threads, also of those that have ended. ProcessLookupError."""
    try:
        return time.clock_gettime_ns(~pid << 3 | _SCHED)
    except OSError as error:  # EINVAL: no such process
        raise ProcessLookupError(f"no process {pid}") from error


def used_by_family_ns(pid: int) -> int:
    """Its own and that of its children, and theirs, as far as they still are; 0 where it has ended."""
    total, family = 0, [pid]
    for member in family:
        with suppress(OSError):
            total += used_ns(member)
            family += procfs.children(member)
    return total
