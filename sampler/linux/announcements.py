"""SIGCHLD as a descriptor: readable when a tracee has something to report. signalfd(2)."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sampler.linux.calls import failure

_SFD_NONBLOCK, _SFD_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def announcements() -> Iterator[int]:
    """The descriptor. The calling thread's SIGCHLD is blocked; other threads must block it too, or have none.

    Linux gives a signal that is meant for the process to any thread that does not block it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    mask = ctypes.c_uint64(1 << signal.SIGCHLD - 1)
    descriptor = _libc.signalfd(-1, ctypes.byref((ctypes.c_uint64 * 16)(mask.value)), _SFD_NONBLOCK | _SFD_CLOEXEC)
    if descriptor < 0:
        raise failure()
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def drain(descriptor: int) -> None:
    """Takes what has been announced."""
    try:
        os.read(descriptor, 4096)
    except BlockingIOError:
        pass
