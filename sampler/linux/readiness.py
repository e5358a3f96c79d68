"""What makes a tracer answer fast: its priority, its memory in place, no garbage collection in mid-look.

While it waits for the next look it is an ordinary process, of the highest priority: the kernel wakes it on a
processor that is idle, if there is one. A real-time process would be woken where it slept, whoever runs there now.

Each is asked for and may be refused: a container seldom has the rights. What was refused is said.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from sampler.linux.calls import failure

_REAL_TIME = os.sched_param(1)  # the lowest: above every ordinary process, below the kernel's own
_ORDINARY = os.sched_param(0)
_NICEST = -20
_PR_SET_TIMERSLACK = 29  # include/uapi/linux/prctl.h
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
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, tid, 0)


def allow_descriptors() -> None:
    """As many as may be: a breakpoint in each thread is one each, and where it has a buffer two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def wake_exactly() -> None:
    """The calling thread, and those that it makes, are woken when their time has come, not up to 50 µs later.

    The kernel wakes whom it may together. A sleeping target and a look that waits for its deadline would so come to be
    in step: the look would be taken just after the target has woken, more often than at another moment.
    """
    _libc.prctl(_PR_SET_TIMERSLACK, ctypes.c_ulong(1), 0, 0, 0)


class Urgency:
    """A real-time priority for the calling thread, where that is allowed, in the block: while somebody is held."""

    def __init__(self) -> None:
        self._allowed = _granted(_real_time)

    def __enter__(self) -> None:
        if self._allowed:
            os.sched_setscheduler(0, os.SCHED_FIFO, _REAL_TIME)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._allowed:
            os.sched_setscheduler(0, os.SCHED_OTHER, _ORDINARY)


def _granted(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except OSError:
        return False
    return True


def _real_time() -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, _REAL_TIME)
    os.sched_setscheduler(0, os.SCHED_OTHER, _ORDINARY)


def _high_priority() -> None:
    """All threads of ours: one of a low priority could hold the interpreter's lock for long."""
    for tid in _own_threads():
        os.setpriority(os.PRIO_PROCESS, tid, _NICEST)


def _lock_memory() -> None:
    if _libc.mlockall(_MCL_CURRENT) != 0:
        raise failure()


def _spare_when_memory_is_short() -> None:
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(_OOM_SCORE)


def _own_threads() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/task")]


_ASKED = {
    "high priority": _high_priority,
    "real-time priority": _real_time,
    "locked memory": _lock_memory,
    "protection when memory is short": _spare_when_memory_is_short,
}
