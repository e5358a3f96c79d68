"""Taking a target back from a debugger that cannot let go by itself: hung, orphaned or ended.

When a tracer dies, Linux lets its tracees run on from wherever they are. For a thread that has just
met a breakpoint this is fatal twice over: the byte 0xCC may still be there, and the thread stands one
byte behind it with a SIGTRAP on the way. So the order is: freeze the debugger; give every thread of
the target a SIGSTOP of its own, which it will meet before its next instruction; put the text right;
kill the debugger; put right each thread that had trapped; let the target go on with SIGCONT.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from sampler.linux import procfs, signals, text, trapped
from sampler.linux.signals import ProcessHandle

_WHOLE_S = 1.0  # a rescue takes no longer, but for the comparing of the text
_FREEZE_S = 0.25
_THREAD_S = 0.1
# A thread that is still in state D after so long is not on its way to a stop: vfork(2), a dead file server.
_ASLEEP_S = 0.1
_POLL_S = 0.0005  # a task's state has no descriptor to wait on


@dataclass(frozen=True, slots=True)
class Rescue:
    """What was done: bytes of text put back, threads stepped back, and whether SIGCONT was sent.

    ``let_go_ns``: just before that, on the monotonic clock; None if the target was not stopped for it.
    """

    bytes_restored: int = 0
    threads_repaired: int = 0
    continued: bool = False
    let_go_ns: int | None = None

    @property
    def needed(self) -> bool:
        return bool(self.bytes_restored or self.threads_repaired or self.continued)


def take_back(pid: int, debugger: ProcessHandle, as_found: Collection[int] = (), held: bool = False) -> Rescue:
    """Ends the debugger so that the target runs on; ``as_found``: addresses that already differed before.

    A debugger that does not trace the target is only ended, unless it is known to have ``held`` it: whoever
    stopped a target that we never held wants it so. Safe to call when either has ended meanwhile. Raises
    OSError where the text cannot be put right: then the debugger lives, for its end would be the target's.
    """
    give_up = time.monotonic() + _WHOLE_S
    freeze(debugger)
    if not held and procfs.tracer(pid) != debugger.pid:
        return end_debugger(debugger)
    try:
        _queue_stops(pid)
        removed = _put_right(pid, as_found, debugger)
        end_debugger(debugger, give_up)
        _wait_for_stops(pid, give_up)
        repaired = _repair_threads(pid, removed, give_up)
    finally:  # whatever went wrong: no target stays in a stop of our making
        let_go_ns = time.monotonic_ns()
        _resume(pid)
    return Rescue(len(removed), repaired, True, let_go_ns)


def freeze(debugger: ProcessHandle) -> None:
    """SIGSTOP, and waits until it is stopped: from then on it changes nothing."""
    debugger.send(signal.SIGSTOP)
    give_up = time.monotonic() + _FREEZE_S
    while not debugger.has_ended and not _all_in(debugger.pid, procfs.JOB_STOPPED + procfs.ZOMBIE):
        if time.monotonic() > give_up:
            return
        time.sleep(_POLL_S)


def end_debugger(debugger: ProcessHandle, give_up: float | None = None) -> Rescue:
    """SIGKILL, and waits for the end. On its own only where it does not hold the target."""
    debugger.send(signal.SIGKILL)
    debugger.wait_for_end(_WHOLE_S if give_up is None else give_up - time.monotonic())
    return Rescue()


def tidy(pid: int, as_found: Collection[int] = (), held: bool = False) -> Rescue:
    """After a debugger has gone: puts back what it forgot, and resumes a target that it ``held`` and left stopped."""
    restored = restore_text(pid, as_found)
    stopped = held and _left_stopped(pid)
    if stopped:
        _resume(pid)
    return Rescue(len(restored), 0, stopped)


def restore_text(pid: int, as_found: Collection[int]) -> list[int]:
    """Removes the breakpoints that were not there before; the addresses of those removed. Raises OSError."""
    try:
        ours = [byte for byte in text.planted(text.differences(pid)) if byte.address not in as_found]
        if ours:
            text.restore(pid, ours)
    except (FileNotFoundError, ProcessLookupError):  # the target is gone: nothing is left to put right
        return []
    return [byte.address for byte in ours]


def _put_right(pid: int, as_found: Collection[int], debugger: ProcessHandle) -> list[int]:
    try:
        return restore_text(pid, as_found)
    except BaseException:
        debugger.send(signal.SIGCONT)  # it may yet do better than we
        raise


def _queue_stops(pid: int) -> None:
    for tid in procfs.settled_threads(pid):
        with suppress(ProcessLookupError):
            signals.signal_thread(pid, tid, signal.SIGSTOP)


def _wait_for_stops(pid: int, give_up: float) -> None:
    """Until the stops queued before are met; those asleep in the kernel will meet theirs before they leave it."""
    enough = procfs.JOB_STOPPED + procfs.ZOMBIE + procfs.DEAD
    asleep = time.monotonic() + _ASLEEP_S
    while not _all_in(pid, enough) and (now := time.monotonic()) < give_up:
        if now > asleep:
            enough += procfs.UNINTERRUPTIBLE
        time.sleep(_POLL_S)


def _repair_threads(pid: int, removed: Collection[int], give_up: float) -> int:
    # In a thread of its own: with its end the kernel lets go of every thread that it still has.
    with ThreadPoolExecutor(1, "rescue") as helper:
        turns = [helper.submit(_repair_thread, pid, tid, removed, give_up) for tid in procfs.threads(pid)]
        return sum(turn.result() for turn in turns)


def _repair_thread(pid: int, tid: int, removed: Collection[int], give_up: float) -> bool:
    try:
        if procfs.stat(pid, tid).state == procfs.UNINTERRUPTIBLE:
            return False  # inside the kernel of its own will: it has met no breakpoint
        return trapped.repair(pid, tid, removed, min(_THREAD_S, give_up - time.monotonic()))
    except OSError:  # the thread ended, or the system refuses: the others still get their turn
        return False


def _resume(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _left_stopped(pid: int) -> bool:
    """True if the process is stopped by a signal, or has a SIGSTOP on the way in any thread."""
    for tid in procfs.threads(pid):
        with suppress(OSError):
            about = procfs.status(pid, tid)
            pending = int(about["SigPnd"], 16) | int(about["ShdPnd"], 16)
            if about["State"].startswith(procfs.JOB_STOPPED) or pending >> (signal.SIGSTOP - 1) & 1:
                return True
    return False


def _all_in(pid: int, states: str) -> bool:
    found = []
    for tid in procfs.threads(pid):
        with suppress(OSError):
            found.append(procfs.stat(pid, tid).state)
    return all(state in states for state in found)
