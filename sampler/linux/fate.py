"""What has become of a process, in words: said after looking, never from what was meant to happen."""

from __future__ import annotations

from sampler.errors import AlreadyTraced
from sampler.linux import procfs


def describe(pid: int, start_ticks: int, name: str = "the target") -> str:
    """One clause about the process of that PID and start."""
    if not procfs.is_same_process(pid, start_ticks):
        return f"{name} has ended"
    tracer = procfs.tracer(pid)
    if tracer:
        return f"{name} is traced by process {tracer}" + _held(pid)
    try:
        state = procfs.stat(pid).state
    except OSError:
        return f"{name} has ended"
    if state == procfs.JOB_STOPPED:
        return f"{name} is stopped by a signal: kill -CONT {pid} resumes it"
    return f"{name} runs on"


def check_untraced(pid: int) -> None:
    """Raises AlreadyTraced, naming the tracer; OSError where the process is gone."""
    tracer = procfs.tracer(pid)
    if tracer:
        try:
            who = f"{procfs.stat(tracer).name}, PID {tracer}"
        except OSError:
            who = f"PID {tracer}"
        raise AlreadyTraced(
            f"process {pid} is already traced by {who}", "Linux allows one tracer", "end that one first"
        )


def _held(pid: int) -> str:
    return "" if procfs.held(pid) is procfs.Held.NONE else " and held by it"
