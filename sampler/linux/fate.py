"""What has become of a process, in words: said after looking, never from what was meant to happen."""

from __future__ import annotations

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


def _held(pid: int) -> str:
    return "" if procfs.held(pid) is procfs.Held.NONE else " and held by it"
