"""A thread that a breakpoint stopped, after the breakpoint and its debugger have gone: put right.

Its instruction pointer is one byte behind the address where the int3 was. What tells a trap from a thread
that was stopped there by chance is how the thread came into the kernel: it has not been outside since.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Collection

from sampler.linux import procfs, ptrace, tracing

# The entry of an int3: arch/x86/include/asm/idtentry.h, and before Linux 5.8 entry_64.S.
_INT3_ENTRIES = ("asm_exc_int3", "int3")
_NO_SYSTEM_CALL = (1 << 64) - 1  # orig_rax of every other entry

# struct rt_sigframe, arch/x86/include/asm/sigframe.h: return address, ucontext, siginfo.
_UCONTEXT = 8
_SAVED_RIP = _UCONTEXT + 40 + 16 * 8  # uc_flags, uc_link, uc_stack; then rip is the 17th of sigcontext
_TRAP_NUMBER = _UCONTEXT + 40 + 20 * 8
_INT3_TRAP = 3  # X86_TRAP_BP, arch/x86/include/asm/trapnr.h
# Filled in only for a handler with SA_SIGINFO, as all of Go's are: arch/x86/kernel/signal_64.c.
_SIGINFO = _UCONTEXT + 304
# si_code of a single step and of a hardware breakpoint: include/uapi/asm-generic/siginfo.h. And of kill(2), by which
# Delve stops a process.
_STEP_CODES = (1, 2, 4)  # TRAP_BRKPT, TRAP_TRACE, TRAP_HWBKPT
_KILL_CODE = 0  # SI_USER


def repair(pid: int, tid: int, removed: Collection[int], patience_s: float) -> bool:
    """True if the thread had trapped at one of the addresses ``removed`` and was put right; raises OSError.

    The debugger's single step, if it was in one, ends with our detaching (ptrace_disable, arch/x86).
    """
    entry = procfs.kernel_entry(pid, tid)
    # Where the kernel does not tell, a thread that stands behind a breakpoint is taken for one that has met it:
    # else it must have been stopped just behind an instruction of one byte, which is rarer by far, and to
    # leave out an instruction is no better than to do it twice.
    suspects = removed if entry is None or entry in _INT3_ENTRIES else ()
    with ptrace.stopped(tid, patience_s) as held, open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        undone = _step_back(tid, suspects) or _undo_trap_signal(tid, memory.fileno(), suspects)
        return _drop_trap_signal(pid, held, undone) or undone


def to_come(pid: int, tid: int) -> bool:
    """True if a SIGTRAP waits for the thread, or for whichever of its process."""
    try:
        about = procfs.status(pid, tid)
    except OSError:  # it has ended
        return False
    return bool((int(about["SigPnd"], 16) | int(about["ShdPnd"], 16)) >> (signal.SIGTRAP - 1) & 1)


def _drop_trap_signal(pid: int, held: ptrace.Held, undone: bool) -> bool:
    """True if a SIGTRAP waited for the thread, which will not get it; a SIGSTOP that comes first has done its duty.

    Another signal that comes first it gets, and the next thread has its turn. ``undone``: its trap was.
    """
    while held.number in (0, signal.SIGSTOP) and to_come(pid, held.tid):
        held.go_on()
        if held.number == signal.SIGTRAP:
            if not undone and tracing.signal_code(held.tid) not in (_KILL_CODE, *_STEP_CODES):
                return False  # the program's own
            held.number = 0
            return True
    return False


def _step_back(tid: int, removed: Collection[int]) -> bool:
    """A thread whose trap the debugger had taken in, but not yet answered, stands behind the int3."""
    regs = ptrace.registers(tid)
    if regs.rip - 1 not in removed or regs.orig_rax != _NO_SYSTEM_CALL:
        return False
    regs.rip -= 1
    ptrace.set_registers(tid, regs)
    return True


def _undo_trap_signal(tid: int, memory: int, removed: Collection[int]) -> bool:
    """A trap that nobody took in has become a SIGTRAP, and the thread is about to enter its handler.

    The handler would end the program (in Go: "SIGTRAP: trace trap"). The frame that the kernel laid
    on the stack is valid, so returning from it at once is as if the signal had never come. (A program
    without a handler has been ended by the kernel.) An int3 that is the program's own is left to it.
    """
    regs = ptrace.registers(tid)
    at_handler = regs.rdi == signal.SIGTRAP and regs.rsi == regs.rsp + _SIGINFO and regs.rdx == regs.rsp + _UCONTEXT
    if not at_handler:
        return False
    (rip,) = struct.unpack("<Q", os.pread(memory, 8, regs.rsp + _SAVED_RIP))
    (trap,) = struct.unpack("<Q", os.pread(memory, 8, regs.rsp + _TRAP_NUMBER))
    number, _, code = struct.unpack("<iii", os.pread(memory, 12, regs.rsp + _SIGINFO))
    by_kill = number == signal.SIGTRAP and code == _KILL_CODE
    by_int3 = trap == _INT3_TRAP and rip - 1 in removed and not by_kill
    by_step = trap != _INT3_TRAP and number == signal.SIGTRAP and code in _STEP_CODES
    if not (by_int3 or by_step or by_kill):
        return False
    if by_int3:
        os.pwrite(memory, struct.pack("<Q", rip - 1), regs.rsp + _SAVED_RIP)
    (restorer,) = struct.unpack("<Q", os.pread(memory, 8, regs.rsp))
    regs.rip, regs.rsp = restorer, regs.rsp + 8
    ptrace.set_registers(tid, regs)
    return True
