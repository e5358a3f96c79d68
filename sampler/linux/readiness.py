"""What makes a tracer answer fast: a real-time priority, its memory in place, no garbage collection in mid-look.

Each is asked for and may be refused: a container seldom has the rights. What was refused is said.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PRIORITY = 1  # the lowest of the real-time ones: above every ordinary process, below the kernel's own
_MCL_CURRENT = 1  # include/uapi/asm-generic/mman-common.h
_OOM_SCORE = "-900"
_SWITCH_S = 50e-6  # the thread that writes the recording lets go of the interpreter when it is asked to
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def ready() -> Iterator[list[str]]:
    """For the length of the block; gives what was refused."""
    refused = [name for name, ask in _ASKED.items() if not _granted(ask)]
    gc.collect()
    gc.freeze()
    gc.disable()
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield refused
    finally:
        sys.setswitchinterval(switch_s)
        gc.enable()
        gc.unfreeze()
        for tid in _own_threads():
            with suppress(ProcessLookupError):
                os.sched_setscheduler(tid, os.SCHED_OTHER, os.sched_param(0))


def _granted(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except OSError:
        return False
    return True


def _real_time() -> None:
    """All threads of ours: one of an ordinary priority could hold the interpreter's lock for long."""
    for tid in _own_threads():
        os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(_PRIORITY))


def _lock_memory() -> None:
    if _libc.mlockall(_MCL_CURRENT) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _spare_when_memory_is_short() -> None:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(_OOM_SCORE)


def _own_threads() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/task")]


_ASKED = {
    "real-time priority": _real_time,
    "locked memory": _lock_memory,
    "protection when memory is short": _spare_when_memory_is_short,
}
