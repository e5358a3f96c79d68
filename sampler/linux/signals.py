"""Signals to one thread of another process, and processes held by a descriptor."""

from __future__ import annotations

import ctypes
import os
import select
import signal
from contextlib import suppress
from types import TracebackType
from typing import Self

from sampler.linux.calls import failure

_SYS_KCMP, _KCMP_VM = 312, 1  # include/uapi/linux/kcmp.h
_SYS_TGKILL = 234  # arch/x86/entry/syscalls/syscall_64.tbl
_libc = ctypes.CDLL(None, use_errno=True)


class ProcessHandle:
    """A process by its pidfd: once it was reaped its PID may be another's, which nobody means.

    Opening one raises ProcessLookupError when the process is gone. To hold the right one, open it while
    the PID is certain (a child not yet waited for), or look at the process again afterwards.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Readable once the process has ended: pidfd_open(2)."""
        return self._descriptor

    @property
    def has_ended(self) -> bool:
        """True once its last thread has ended, reaped or not."""
        return self.wait_for_end(0)

    def send(self, number: signal.Signals) -> None:
        """pidfd_send_signal(2); nothing where the process has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def wait_for_end(self, timeout_s: float) -> bool:
        """True once it has ended (it need not be a child of ours), False after the timeout."""
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        return bool(poller.poll(max(0.0, timeout_s) * 1000))

    def close(self) -> None:
        """Once is enough; nothing else may be called after it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def signal_thread(pid: int, tid: int, number: signal.Signals) -> None:
    """tgkill(2); raises OSError."""
    if _libc.syscall(_SYS_TGKILL, pid, tid, int(number)) != 0:
        raise failure()


def signal_name(number: int) -> str:
    """SIGSEGV; SIGRTMIN+3 for the real-time ones, which Python names only the ends of."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN{number - signal.SIGRTMIN:+}"


def unblock_all() -> None:
    """For a process that is about to be started: no signal that we have blocked is blocked there."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def share_memory(pid: int, other: int) -> bool:
    """True if two processes run in one memory, as after vfork; False where the kernel does not tell (kcmp(2))."""
    return int(_libc.syscall(_SYS_KCMP, pid, other, _KCMP_VM, 0, 0)) == 0
