"""A traced process whose threads all run on: breakpoints that one thread meets, and reports served always.

ptrace belongs to one thread: the one that enters a Tracer does all that follows. When that thread
ends, the kernel lets go of the target without stopping it (exit_ptrace, kernel/ptrace.c).
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic_ns
from types import TracebackType
from typing import Self

from sampler.errors import NotPermitted, TargetEnded
from sampler.instruments.account import Account
from sampler.instruments.leaving import Leaving
from sampler.linux import fate, procfs, signals, text, tracing, waiting
from sampler.linux.memory import Memory
from sampler.linux.tracing import Registers, resume, set_instruction_pointer
from sampler.linux.waiting import TRAPPED, Report, What

INT3 = b"\xcc"
_SI_KERNEL = 0x80  # si_code of the trap that an int3 makes: include/uapi/asm-generic/siginfo.h
# A thread that stands one byte behind an address has met an int3 there, or has executed an instruction of
# one byte before and was sent a SIGTRAP. Only where there is such an instruction need the signal be asked.
# Opcodes of x86-64 that can be a whole instruction: Intel SDM, volume 2, table A-2.
_ONE_BYTE = frozenset(
    bytes([opcode])
    for opcode in [*range(0x50, 0x60), *range(0x6C, 0x70), *range(0x90, 0xA0), *range(0xA4, 0xA8), *range(0xAA, 0xB0),
     0xC3, 0xC9, 0xCB, 0xCC, 0xCF, 0xD7, *range(0xEC, 0xF0), 0xF1, 0xF4, 0xF5, *range(0xF8, 0xFE)]
)  # fmt: skip
_MOST_REPORTS = 256  # served in one go: a target can make them faster than they are served

#: Called with the thread that met a planted byte, and where; it is suspended until right after this returns.
OnHit = Callable[[int, int], None]


class Tracer:
    """``announced``: a descriptor that can be read when there is a report. ``on_hit`` is called for the
    first thread that meets a planted byte; right after it, all bytes are put back.

    ``account``: for how long threads were held. ``extra_hits``: how many met a byte beside the first; ``ended``: how
    the process ended.
    """

    def __init__(self, pid: int, name: str, announced: int, on_hit: OnHit, account: Account) -> None:
        self._pid, self._name, self._announced, self._on_hit = pid, name, announced, on_hit
        self.memory = Memory(pid)
        self.registers = Registers()
        self.extra_hits = 0
        self.ended: str | None = None
        self.account = account
        self.known_ns = 0  # when the report that is dealt with was taken
        self.signals = 0  # passed on to the target, each with a moment's stop of the thread that receives it
        self.leaving: Leaving | None = None  # once it has left
        self._threads: set[int] = set()
        self._borrowers: set[int] = set()  # other processes that run in the target's memory: of vfork, mostly
        self.unborn: set[int] = set()  # whose maker has told of them; they have not reported yet
        self._early: set[int] = set()  # who have reported before their maker told of them
        self._planted: dict[int, bytes] = {}
        self._original: dict[int, bytes] = {}

    def __enter__(self) -> Self:
        self.memory.__enter__()
        try:
            self._seize_all()
        except BaseException:
            self.memory.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._leave()
        finally:
            self.memory.__exit__(None, None, None)

    @property
    def threads(self) -> int:
        return len(self._threads)

    def plant(self, original: dict[int, bytes]) -> bool:
        """Writes a breakpoint at each address; ``original``: the bytes that must stand there now.

        False, and nothing is written, where something else stands there: somebody has changed the program.
        """
        if any(self.memory.read(address, 1) != byte for address, byte in original.items()):
            return False
        self._original |= original
        for address, byte in original.items():
            self._planted[address] = byte
            self.memory.write(address, INT3)
        self.account.marks.append(("armed", monotonic_ns()))
        return True

    def clear(self) -> None:
        """Puts every byte back; those that have met one stand before it and are put right when they report."""
        for address in list(self._planted):
            self._put_back(address)

    def _put_back(self, address: int) -> None:
        """Where ours still stands: a program that has patched itself meanwhile keeps what it wrote."""
        try:
            ours = self.memory.read(address, 1) == INT3
        except OSError:  # it was unmapped, or all the memory is gone
            ours = False
        if ours:
            self.memory.write(address, self._planted[address])
        del self._planted[address]

    def rehearse(self, address: int) -> None:
        """The calls that a hit takes, on ourselves, who are nobody's tracee: the kernel refuses them."""
        for refused in (self.registers.read, resume, lambda tid: set_instruction_pointer(tid, address)):
            with suppress(ProcessLookupError):
                refused(os.getpid())
        self.memory.read(address, 1)

    def serve(self) -> bool:
        """Deals with the reports that are there; True once there are no more. Raises TargetEnded."""
        return not all(self.serve_one() for _ in range(_MOST_REPORTS))

    def serve_one(self) -> bool:
        """One report; False if there is none. A thread may be waiting for this: the usual case comes first."""
        tid, status = waiting.next_status()
        if not tid:
            self.account.quiet_ns = monotonic_ns()
            return False
        self.deal_with(tid, status)
        if self.ended is not None:
            raise TargetEnded(f"process {self._pid} ({self._name}) ended", self.ended)
        return True

    def in_the_memory(self) -> set[int]:
        """All who may have met a byte: threads, and processes that run in the same memory."""
        if not self._original:
            return set()
        return self._borrowers | (self._threads | set(procfs.threads(self._pid)) if self.ended is None else set())

    def trap_is_on_its_way(self, tid: int) -> bool:
        """True for a stopped thread that has met a byte, and has not come to report that."""
        return self.registers.read(tid) - 1 in self._original and procfs.pending(tid, tid, signal.SIGTRAP)

    def release(self, tid: int) -> None:
        """Lets go of a stopped thread."""
        tracing.detach(tid)
        self._forget(tid)

    # Reports.

    def deal_with(self, tid: int, status: int) -> None:
        self.known_ns = monotonic_ns()
        try:
            if status == TRAPPED and self._is_ours(tid):
                return
            if waiting.is_plain_signal(status):
                self._pass_on(tid, status >> 8)
            else:
                report = waiting.decode(tid, status)
                _HANDLERS[report.what](self, report)
                self.account.passed.add(self.account.quiet_ns, self.known_ns, monotonic_ns())
        except ProcessLookupError:
            pass  # it was killed meanwhile, and its end will be reported

    def _forget(self, tid: int) -> None:
        self._threads.discard(tid)
        self._borrowers.discard(tid)
        self.unborn.discard(tid)

    def _exited(self, report: Report) -> None:
        self._forget(report.tid)
        if report.tid == self._pid:
            self.ended = f"exit status {report.number}"

    def _killed(self, report: Report) -> None:
        self._forget(report.tid)
        if report.tid == self._pid:
            self.ended = f"killed by {signals.signal_name(report.number)}"

    def _pass_on(self, tid: int, number: int) -> None:
        """The usual case between looks, and all that a thread waits for in it."""
        resume(tid, number)
        self.account.passed.add(self.account.quiet_ns, self.known_ns, monotonic_ns())
        self.signals += 1

    def _signal(self, report: Report) -> None:
        self.signals += 1
        resume(report.tid, report.number)

    def _is_ours(self, tid: int) -> bool:
        """A thread that has met one of our bytes: it is read if it is the first, and put right.

        All that a suspended thread waits for is in here and in ``on_hit``.
        """
        address = self.registers.read(tid) - 1
        original = self._original.get(address)
        if original is None or (original in _ONE_BYTE and tracing.signal_code(tid) != _SI_KERNEL):
            return False
        first = address in self._planted
        try:
            if first:
                try:
                    self._on_hit(tid, address)
                finally:
                    self._put_back(address)
                self.account.marks.append(("restored", monotonic_ns()))
            else:
                self.extra_hits += 1
        finally:
            try:
                set_instruction_pointer(tid, address)
                resume(tid)
            finally:
                self.account.hits.add(self.account.quiet_ns, self.known_ns, monotonic_ns())
        if first:
            self.account.marks.append(("resumed", self.account.hits.last_ns))
        self.clear()  # the other places: nobody waits for those
        return True

    def _made(self, report: Report) -> None:
        """The thread or process that was made reports for itself; which of the two it is, the event does not tell."""
        born = tracing.event_message(report.tid)
        if born in self._early:
            self._early.discard(born)
        else:
            self.unborn.add(born)
        resume(report.tid)

    def _executed(self, report: Report) -> None:
        tracing.detach(report.tid)
        if report.tid in self._borrowers:
            self._borrowers.discard(report.tid)
            return
        with suppress(OSError):  # the memory that they were in is gone, unless a borrower still runs in it
            self.clear()
        self._planted.clear()
        self.ended = "it runs another program now"

    def _job_stop(self, report: Report) -> None:
        tracing.listen(report.tid)

    def _trap_stop(self, report: Report) -> None:
        """A thread or process that was born, one that was interrupted, or one whose job stop has ended."""
        tid = report.tid
        if tid not in self._threads and tid not in self._borrowers:
            self._note_birth(tid)
            if procfs.is_thread_of(self._pid, tid):
                self._threads.add(tid)
            elif signals.share_memory(tid, self._pid):  # of vfork: until it executes something
                self._borrowers.add(tid)
            else:
                self._release_child(tid)
                return
        resume(tid)

    def _note_birth(self, tid: int) -> None:
        if tid in self.unborn:
            self.unborn.discard(tid)
        else:
            self._early.add(tid)

    def _release_child(self, child: int) -> None:
        """A process that the target has made: it goes its own way, without a byte of ours in its memory.

        Its copy of that was made a while ago: what is planted now is not what was planted then.
        """
        with suppress(OSError):  # it was killed meanwhile
            text.restore_known(child, self._original)
        tracing.detach(child)

    # In and out.

    def _seize_all(self) -> None:
        """All threads; those that one not yet seized has made meanwhile are found by listing again.

        Then the processes that run in the same memory: of a vfork that was under way, mostly.
        """
        seen: set[int] = set()
        while new := [tid for tid in procfs.threads(self._pid) if tid not in seen]:
            seen.update(new)
            for tid in new:
                self._seize(tid)
        if not self._threads:
            raise TargetEnded(f"process {self._pid} ({self._name}) ended")
        for child in procfs.children(self._pid):
            if signals.share_memory(child, self._pid):
                with suppress(OSError):  # it has ended, or somebody else traces it, and sees to its traps
                    tracing.seize(child)
                    self._borrowers.add(child)

    def _seize(self, tid: int) -> None:
        try:
            tracing.seize(tid)
        except ProcessLookupError:
            return
        except PermissionError as error:
            if _is_ended(self._pid, tid):
                self._threads.add(tid)  # a first thread that has left the others behind
                return
            tracer = procfs.tracing_thread(self._pid, tid)
            if tracer == threading.get_native_id():
                return  # one that we have seized already has made it: it will report
            if tracer:
                fate.check_untraced(self._pid)
            raise NotPermitted(
                f"process {self._pid} may not be traced", "the kernel refuses to attach",
                "run as root or with CAP_SYS_PTRACE; see `sampler doctor`",
            ) from error  # fmt: skip
        self._threads.add(tid)

    def _leave(self) -> None:
        """Bytes back, and nobody left who has met one."""
        with suppress(OSError):
            self.clear()
        self.leaving = Leaving(self, self._announced)
        self.leaving.settle()


def _is_ended(pid: int, tid: int) -> bool:
    return procfs.task_state(pid, tid) in (procfs.ZOMBIE, procfs.DEAD, "")


_HANDLERS: dict[What, Callable[[Tracer, Report], None]] = {
    What.EXITED: Tracer._exited,
    What.KILLED: Tracer._killed,
    What.SIGNAL: Tracer._signal,
    What.MADE: Tracer._made,
    What.EXECUTED: Tracer._executed,
    What.JOB_STOP: Tracer._job_stop,
    What.TRAP_STOP: Tracer._trap_stop,
}
