"""Signals to one thread of another process, and processes as descriptors."""

from __future__ import annotations

import ctypes
import os
import select
import signal

_SYS_KCMP, _KCMP_VM = 312, 1  # include/uapi/linux/kcmp.h
_SYS_TGKILL = 234  # arch/x86/entry/syscalls/syscall_64.tbl
_libc = ctypes.CDLL(None, use_errno=True)


def signal_thread(pid: int, tid: int, number: signal.Signals) -> None:
    """tgkill(2); raises OSError."""
    if _libc.syscall(_SYS_TGKILL, pid, tid, int(number)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def unblock_all() -> None:
    """For a process that is about to be started: no signal that we have blocked is blocked there."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def wait_for_end(pid: int, timeout_s: float) -> bool:
    """True once the process has ended (it need not be a child of ours), False after the timeout."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poller = select.poll()
        poller.register(descriptor, select.POLLIN)
        return bool(poller.poll(timeout_s * 1000))
    finally:
        os.close(descriptor)


def share_memory(pid: int, other: int) -> bool:
    """True if two processes run in one memory, as after vfork; False where the kernel does not tell (kcmp(2))."""
    return int(_libc.syscall(_SYS_KCMP, pid, other, _KCMP_VM, 0, 0)) == 0
