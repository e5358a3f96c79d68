"""Whether a target is as it was before an instrument came: there, running, untraced, its text unchanged."""

from __future__ import annotations

from sampler.errors import LeftUntidy, TargetEnded
from sampler.linux import procfs, text
from sampler.target import Target


def check_there(target: Target) -> None:
    """TargetEnded if it is not, or if another process has its PID; LeftUntidy if somebody else holds it."""
    if not procfs.is_same_process(target.pid, target.start_ticks):
        raise TargetEnded(f"process {target.pid} ({target.name}) has ended")
    if held := _held(target):
        raise LeftUntidy(f"process {target.pid} ({target.name}) is held", held, "what was measured is kept")


def untidy(target: Target) -> str:
    """What is not as it was, as a phrase; empty where all is. One that has ended is no less tidy for that."""
    try:
        return _changed(target) if procfs.is_same_process(target.pid, target.start_ticks) else ""
    except OSError:  # it has ended meanwhile
        return ""


def _changed(target: Target) -> str:
    if held := _held(target):
        return held
    try:
        changed = {found.address for found in text.differences(target.pid)} - set(target.patched)
    except ValueError:  # its file has gone: nothing to compare with
        return ""
    return f"its text differs from its file at {min(changed):#x}" if changed else ""


def _held(target: Target) -> str:
    if tracer := procfs.tracer(target.pid):
        return f"process {tracer} traces it"
    if procfs.task_state(target.pid, None) == procfs.JOB_STOPPED:
        return f"it is stopped by a signal: kill -CONT {target.pid} resumes it"
    return ""
