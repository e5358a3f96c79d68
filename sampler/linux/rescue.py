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
import struct
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass

from sampler.linux import procfs, ptrace, signals, text
from sampler.linux.signals import ProcessHandle

_SETTLE_S = 1.0
_POLL_S = 0.0005  # a task's state has no descriptor to wait on

# struct rt_sigframe, arch/x86/include/asm/sigframe.h: return address, ucontext, siginfo.
_UCONTEXT = 8
_SAVED_RIP = _UCONTEXT + 40 + 16 * 8  # uc_flags, uc_link, uc_stack; then rip is the 17th of sigcontext
_SIGINFO = _UCONTEXT + 304
_SI_KERNEL = 0x80  # si_code of an int3; those of a single step and a hardware breakpoint follow
_TRAP_CODES = (1, 2, 4)  # TRAP_BRKPT, TRAP_TRACE, TRAP_HWBKPT: include/uapi/asm-generic/siginfo.h


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

    A debugger that does not trace the target is only ended, unless it is known to have ``held`` it.
    Safe to call when the debugger or the target has ended meanwhile.
    """
    freeze(debugger)
    if not held and procfs.tracer(pid) != debugger.pid:
        return end_debugger(debugger)
    try:
        _queue_stops(pid)
        restored = restore_text(pid, as_found)
        end_debugger(debugger)
        repaired = _repair_threads(pid, restored)
    finally:  # whatever went wrong: no target stays in a stop of our making
        let_go_ns = time.monotonic_ns()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return Rescue(len(restored), repaired, True, let_go_ns)


def freeze(debugger: ProcessHandle) -> None:
    """SIGSTOP, and waits until it is stopped: from then on it changes nothing."""
    debugger.send(signal.SIGSTOP)
    give_up = time.monotonic() + _SETTLE_S
    while not debugger.has_ended and not _all_in(debugger.pid, procfs.JOB_STOPPED + procfs.ZOMBIE):
        if time.monotonic() > give_up:
            return
        time.sleep(_POLL_S)


def end_debugger(debugger: ProcessHandle) -> Rescue:
    """SIGKILL, and waits for the end. On its own only where it does not hold the target."""
    debugger.send(signal.SIGKILL)
    debugger.wait_for_end(_SETTLE_S)
    return Rescue()


def tidy(pid: int, as_found: Collection[int] = ()) -> Rescue:
    """After a debugger has gone: puts back what it forgot, and resumes a target left stopped."""
    restored = restore_text(pid, as_found)
    stopped = _left_stopped(pid)
    if stopped:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return Rescue(len(restored), 0, stopped)


def restore_text(pid: int, as_found: Collection[int]) -> list[int]:
    """Removes the breakpoints that were not there before; the addresses of those removed."""
    try:
        ours = [byte for byte in text.planted(text.differences(pid)) if byte.address not in as_found]
        if ours:
            text.restore(pid, ours)
    except (OSError, ValueError):  # the target is gone: nothing is left to put right
        return []
    return [byte.address for byte in ours]


def _queue_stops(pid: int) -> None:
    for tid in procfs.settled_threads(pid):
        with suppress(OSError):
            signals.signal_thread(pid, tid, signal.SIGSTOP)


def _repair_threads(pid: int, restored: Collection[int]) -> int:
    """Waits until the stops queued before are met, then looks at where each thread stands."""
    give_up = time.monotonic() + _SETTLE_S
    while not _all_in(pid, procfs.JOB_STOPPED + procfs.ZOMBIE) and time.monotonic() < give_up:
        time.sleep(_POLL_S)
    return sum(_repair_thread(pid, tid, restored) for tid in procfs.threads(pid))


def _repair_thread(pid: int, tid: int, restored: Collection[int]) -> bool:
    try:
        with ptrace.stopped(tid, _SETTLE_S), open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            return _step_back(tid, restored) or _undo_trap_signal(tid, memory.fileno(), restored)
    except OSError:  # the thread ended, or the system refuses: the others still get their turn
        return False


def _step_back(tid: int, restored: Collection[int]) -> bool:
    """A thread whose trap the debugger had taken in, but not yet answered, stands behind the int3."""
    regs = ptrace.registers(tid)
    if regs.rip - 1 not in restored:
        return False
    regs.rip -= 1
    ptrace.set_registers(tid, regs)
    return True


def _undo_trap_signal(tid: int, memory: int, restored: Collection[int]) -> bool:
    """A trap that nobody took in has become a SIGTRAP, and the thread is about to enter its handler.

    The handler would end the program (in Go: "SIGTRAP: trace trap"). The frame that the kernel laid
    on the stack is valid, so returning from it at once is as if the signal had never come.
    """
    regs = ptrace.registers(tid)
    at_handler = regs.rdi == signal.SIGTRAP and regs.rsi == regs.rsp + _SIGINFO and regs.rdx == regs.rsp + _UCONTEXT
    if not at_handler:
        return False
    number, _, code = struct.unpack("<iii", os.pread(memory, 12, regs.rsp + _SIGINFO))
    if number != signal.SIGTRAP or code not in (_SI_KERNEL, *_TRAP_CODES):
        return False
    (rip,) = struct.unpack("<Q", os.pread(memory, 8, regs.rsp + _SAVED_RIP))
    if code == _SI_KERNEL and rip - 1 in restored:
        os.pwrite(memory, struct.pack("<Q", rip - 1), regs.rsp + _SAVED_RIP)
    (restorer,) = struct.unpack("<Q", os.pread(memory, 8, regs.rsp))
    regs.rip, regs.rsp = restorer, regs.rsp + 8
    ptrace.set_registers(tid, regs)
    return True


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
