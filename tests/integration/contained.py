"""A program as a container runtime starts one: in PID and mount namespaces of its own, below a root of its own.

``python -m tests.integration.contained [--node] ROOT UID PROGRAM ARGUMENT…``; with ``--node`` within another PID
namespace, as on a node that is itself a container. Ends with the program, and takes it along when it is killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_CLONE_NEWNS, _CLONE_NEWPID = 0x00020000, 0x20000000  # include/uapi/linux/sched.h
_MS_BIND, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 1 << 12, 1 << 14, 1 << 18, 2
_PIVOT_ROOT = 155  # arch/x86/entry/syscalls/syscall_64.tbl
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def main(words: list[str]) -> int:
    if words[0] == "--node":
        return _in_new_pids(lambda: _as_node(words[1:]))
    root, user, *program = words
    return _in_new_pids(lambda: _contained(root, int(user), program))


def _in_new_pids(what: Callable[[], int]) -> int:
    """``what`` runs as process 1 of a new PID namespace, which ends with us."""
    _checked(_libc.unshare(_CLONE_NEWPID | _CLONE_NEWNS))
    child = os.fork()
    if child == 0:
        _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
        _checked(_libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None))
        os._exit(what())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF


def _as_node(words: list[str]) -> int:
    _checked(_libc.mount(b"proc", b"/proc", b"proc", 0, None))
    return main(words)


def _contained(root: str, user: int, program: list[str]) -> int:
    _checked(_libc.mount(root.encode(), root.encode(), None, _MS_BIND | _MS_REC, None))
    os.chdir(root)
    os.makedirs("proc", exist_ok=True)
    _checked(_libc.syscall(_PIVOT_ROOT, b".", b"."))  # the old root lies over the new one then: pivot_root(2)
    _checked(_libc.umount2(b".", _MNT_DETACH))
    os.chdir("/")
    _checked(_libc.mount(b"proc", b"/proc", b"proc", 0, None))
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    os.execv(program[0], program)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
