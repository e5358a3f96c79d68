"""What the kernel lets us do to a process, tried without doing it: files and signals have their own rights.

A process of root in a container often has some capabilities only: capabilities(7).
"""

from __future__ import annotations

import os

from sampler.errors import NotPermitted, TargetEnded
from sampler.linux import vector

_ENDED = (FileNotFoundError, ProcessLookupError)
_TO_TRACE = "run as its owner, as root or with CAP_SYS_PTRACE; `sampler doctor` tells what you may do"


def check_readable(pid: int) -> None:
    """Opening the memory asks for the right to attach, Yama's rules included, and uses none of it.

    Raises NotPermitted; TargetEnded.
    """
    try:
        with open(f"/proc/{pid}/mem", "rb"):
            os.readlink(f"/proc/{pid}/exe")
    except PermissionError as error:
        raise _refused(pid, "CAP_DAC_READ_SEARCH") from error
    except _ENDED as error:
        raise _ended(pid) from error


def check_writable(pid: int, what_for: str) -> None:
    """For who puts bytes into its text, or may have to put them right; likewise."""
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC))
    except PermissionError as error:
        raise _refused(pid, "CAP_DAC_OVERRIDE", what_for) from error
    except _ENDED as error:
        raise _ended(pid) from error


def check_signals(pid: int, what_for: str) -> None:
    """For who stops and continues it; likewise."""
    try:
        os.kill(pid, 0)
    except PermissionError as error:
        what = f"process {pid} may not be signalled by user {os.geteuid()}{what_for}"
        raise NotPermitted(what, "it is another user's", "run as its owner, or with CAP_KILL") from error
    except _ENDED as error:
        raise _ended(pid) from error


def _ended(pid: int) -> TargetEnded:
    return TargetEnded(f"process {pid} ended before it was asked")


def _refused(pid: int, capability: str, what_for: str = "") -> NotPermitted:
    """To trace it may be allowed all the same: then it is the file of its memory that is another user's."""
    who = f"by user {os.geteuid()}{what_for}"
    try:
        vector.check_permitted(pid)
    except OSError:
        return NotPermitted(f"process {pid} may not be traced {who}", "the kernel refuses", _TO_TRACE)
    try:
        owner = f"it is the file of user {os.stat(f'/proc/{pid}/mem').st_uid}"
    except OSError:
        owner = "it is another user's file"
    return NotPermitted(f"/proc/{pid}/mem may not be opened {who}", owner, f"run as its owner, or with {capability}")
