"""A job done by one thread after another. ptrace belongs to a thread, and the end of that thread is the gentlest
way to let go of a target: nobody is stopped for it (exit_ptrace, kernel/ptrace.c).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from sampler.units import NS_PER_SECOND

_STEP_S = 20e-6  # the end of a thread has no event
_GONE_WITHIN_NS = NS_PER_SECOND


def take_turns(job: Iterator[None]) -> None:
    """A thread goes on with the job until that yields; the next begins when the kernel has done with the last one."""
    going = True
    while going:
        with ThreadPoolExecutor(1, "run") as thread:
            tid, going = thread.submit(_turn, job).result()
        _wait_until_gone(tid)


def _turn(job: Iterator[None]) -> tuple[int, bool]:
    """The thread that has done it, and whether there is more to do."""
    return threading.get_native_id(), next(job, False) is None


def _wait_until_gone(tid: int) -> None:
    """Python's word is not enough: it comes before the kernel lets go of tracees."""
    give_up_ns = time.monotonic_ns() + _GONE_WITHIN_NS
    while os.path.exists(f"/proc/self/task/{tid}") and time.monotonic_ns() < give_up_ns:
        time.sleep(_STEP_S)
