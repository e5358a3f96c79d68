"""What wait(2) says of a traced thread, decoded once. Source: ptrace(2), "Stopped states"; wait(2)."""

from __future__ import annotations

import os
import signal
from enum import Enum
from typing import NamedTuple

_WALL = 0x40000000  # threads too: include/uapi/linux/wait.h
_WNOTHREAD = 0x20000000  # of this thread only
_FLAGS = os.WNOHANG | _WALL | _WNOTHREAD
_EVENTS_FROM = 1 << 16
_JOB_STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)

# PTRACE_EVENT_*: include/uapi/linux/ptrace.h
_FORK, _VFORK, _CLONE, _EXEC, _STOP = 1, 2, 3, 4, 128


class What(Enum):
    """Why a thread is reported."""

    EXITED = "exited"
    KILLED = "killed by a signal"
    SIGNAL = "about to receive a signal"
    MADE = "has made a thread or a process"
    EXECUTED = "runs another program"
    JOB_STOP = "was stopped by a signal"
    TRAP_STOP = "stopped for its tracer: new, interrupted, or resumed after a job stop"


# Which of the three clone(2) reports depends on its flags, and does not tell a thread from a process.
_EVENTS = {_FORK: What.MADE, _VFORK: What.MADE, _CLONE: What.MADE, _EXEC: What.EXECUTED}


class Report(NamedTuple):
    """One thread's report. ``number``: the exit status, or the signal."""

    tid: int
    what: What
    number: int


#: The status of a thread that is about to receive SIGTRAP: what a breakpoint makes.
TRAPPED = signal.SIGTRAP << 8 | 0x7F


def next_status() -> tuple[int, int]:
    """The next of this thread's tracees that has something to report, with its wait status; 0 if none has."""
    try:
        return os.waitpid(-1, _FLAGS)
    except ChildProcessError:  # the last of them has ended
        return 0, 0


def is_plain_signal(status: int) -> bool:
    """A thread that is about to receive a signal, other than SIGTRAP: told without decoding it."""
    return status < _EVENTS_FROM and status & 0xFF == 0x7F and status != TRAPPED


def decode(tid: int, status: int) -> Report:
    """From a wait status."""
    if os.WIFEXITED(status):
        return Report(tid, What.EXITED, os.WEXITSTATUS(status))
    if os.WIFSIGNALED(status):
        return Report(tid, What.KILLED, os.WTERMSIG(status))
    number, event = os.WSTOPSIG(status) & 0x7F, status >> 16
    if event == _STOP:
        return Report(tid, What.JOB_STOP if number in _JOB_STOPS else What.TRAP_STOP, number)
    if event in _EVENTS:
        return Report(tid, _EVENTS[event], number)
    return Report(tid, What.SIGNAL, number)
