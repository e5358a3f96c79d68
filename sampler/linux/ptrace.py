"""ptrace(2) of single threads, on python-ptrace's binding; SEIZE and INTERRUPT, which it lacks, beside it.

All calls about one tracee must come from the thread that seized it. Errors of the system call are
``OSError``, as everywhere else in this package.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ptrace import PtraceError
from ptrace.binding import func as binding

PTRACE_SEIZE = 0x4206  # include/uapi/linux/ptrace.h
PTRACE_INTERRUPT = 0x4207
_WALL = 0x40000000  # wait for threads too: include/uapi/linux/wait.h


@dataclass
class Held:
    """A thread in a stop of ours. ``number``: the signal that it gets when it is let go, or 0."""

    tid: int
    patience_s: float
    number: int = 0

    def go_on(self) -> None:
        """To its next stop, without the signal of this one; raises OSError if there is none in time."""
        _call(binding.PTRACE_CONT, self.tid)
        self.number = 0
        self.number = _wait_for_stop(self.tid, self.patience_s)


@contextmanager
def stopped(tid: int, patience_s: float = 1.0) -> Iterator[Held]:
    """Holds one thread in a stop of our own for the length of the block; raises OSError.

    The kernel lets a thread that does not stop in time (an uninterruptible sleep, state D) go only when
    the calling thread ends: call this from one that does.
    """
    _call(PTRACE_SEIZE, tid)
    held = Held(tid, patience_s)
    try:
        _call(PTRACE_INTERRUPT, tid)
        held.number = _wait_for_stop(tid, patience_s)
        yield held
    finally:
        with suppress(ProcessLookupError):  # it ended, or did not stop
            _call(binding.PTRACE_DETACH, tid, 0, held.number)


def registers(tid: int) -> Any:
    """The user registers of a stopped tracee: ``struct user_regs_struct`` of <sys/user.h>."""
    regs = binding.ptrace_registers_t()
    _call(binding.PTRACE_GETREGS, tid, 0, ctypes.addressof(regs))
    return regs


def set_registers(tid: int, regs: Any) -> None:
    """Writes all of them."""
    _call(binding.PTRACE_SETREGS, tid, 0, ctypes.addressof(regs))


def _call(request: int, tid: int, address: int = 0, data: int = 0) -> None:
    try:
        binding.ptrace(request, tid, address, data)
    except PtraceError as error:
        number = error.errno or 0
        raise OSError(number, os.strerror(number)) from error


def _wait_for_stop(tid: int, patience_s: float) -> int:
    """The signal that the stop was for, which the thread must still get; 0 if it was for us."""
    give_up = time.monotonic() + patience_s
    while (found := os.waitpid(tid, os.WNOHANG | _WALL))[0] == 0:
        if time.monotonic() > give_up:
            raise TimeoutError(f"thread {tid} does not stop")
        time.sleep(0.0002)  # waitpid has no timeout; the stop is a matter of microseconds
    status = found[1]
    # PTRACE_EVENT_STOP, in the third byte, is the answer to PTRACE_INTERRUPT: ptrace(2).
    return os.WSTOPSIG(status) if os.WIFSTOPPED(status) and not status >> 16 else 0
