"""A traced process whose threads all run on: breakpoints that one thread meets, and reports served always.

ptrace belongs to one thread: the one that enters a Tracer does all that follows. When that thread
ends, the kernel lets go of the target without stopping it (exit_ptrace, kernel/ptrace.c).
"""

from __future__ import annotations

import select
import signal
from collections.abc import Callable
from contextlib import suppress
from time import monotonic_ns
from types import TracebackType
from typing import Self

from sampler.errors import NotPermitted, TargetEnded
from sampler.linux import procfs, signals, tracing, waiting
from sampler.linux.announcements import drain
from sampler.linux.memory import Memory
from sampler.linux.tracing import Registers, resume, set_instruction_pointer
from sampler.linux.waiting import TRAPPED, Report, What
from sampler.sample import Interval
from sampler.units import NS_PER_SECOND

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
# States of a thread that cannot have met a byte: asleep in the kernel, or ended.
_HARMLESS = ("S", procfs.ZOMBIE, procfs.DEAD, "")
_MOST_REPORTS = 256  # served in one go, before whoever waits is asked again
_LEAVING_NS = NS_PER_SECOND

#: Called with the thread that met a planted byte, and where; it is suspended until right after this returns.
OnHit = Callable[[int, int], None]


class Tracer:
    """``announced``: a descriptor that can be read when there is a report. ``on_hit`` is called for the
    first thread that meets a planted byte; right after it, all bytes are put back.

    ``extra_hits``: how many threads met a byte beside the first; ``ended``: how the process ended.
    """

    def __init__(self, pid: int, name: str, announced: int, on_hit: OnHit) -> None:
        self._pid, self._name, self._announced, self._on_hit = pid, name, announced, on_hit
        self.memory = Memory(pid)
        self.registers = Registers()
        self.extra_hits = 0
        self.ended: str | None = None
        self.known_ns = 0  # when the last trap was heard of
        self.resumed_ns = 0  # when the last thread that had met a byte went on
        self.signals = 0  # passed on to the target, each with a moment's stop of the thread that receives it
        self.leaving_ns = Interval()  # the moments' stops of the threads that ran when we left
        self._threads: set[int] = set()
        self._borrowers: set[int] = set()  # other processes that run in the target's memory: of vfork, mostly
        self._births: set[int] = set()  # told of by the maker and not yet by the born itself, or the other way round
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
        return True

    def clear(self) -> None:
        """Puts every byte back; those that have met one stand before it and are put right when they report."""
        planted, write = self._planted, self.memory.write
        for address in list(planted):
            write(address, planted[address])
            del planted[address]

    def serve(self) -> int:
        """Deals with the reports that are there; how many they were. Raises TargetEnded."""
        for count in range(_MOST_REPORTS):
            if not self.serve_one():
                return count
        return _MOST_REPORTS

    def serve_one(self) -> bool:
        """One report; False if there is none. A thread may be waiting for this: the usual case comes first."""
        tid, status = waiting.next_status()
        if not tid:
            return False
        self._deal_with(tid, status)
        if self.ended is not None:
            raise TargetEnded(f"process {self._pid} ({self._name}) ended", self.ended)
        return True

    # Reports.

    def _deal_with(self, tid: int, status: int) -> None:
        try:
            if status != TRAPPED or not self._is_ours(tid):
                report = waiting.decode(tid, status)
                _HANDLERS[report.what](self, report)
        except ProcessLookupError:
            pass  # it was killed meanwhile, and its end will be reported

    def _exited(self, report: Report) -> None:
        self._threads.discard(report.tid)
        self._borrowers.discard(report.tid)
        self._births.discard(report.tid)
        if report.tid == self._pid:
            self.ended = f"exit status {report.number}"

    def _killed(self, report: Report) -> None:
        self._threads.discard(report.tid)
        self._borrowers.discard(report.tid)
        self._births.discard(report.tid)
        if report.tid == self._pid:
            self.ended = f"killed by {signal.Signals(report.number).name}"

    def _signal(self, report: Report) -> None:
        self.signals += 1
        resume(report.tid, report.number)

    def _is_ours(self, tid: int) -> bool:
        """A thread that has met one of our bytes: it is read if it is the first, and put right.

        All that a suspended thread waits for is in here, in ``on_hit`` and in ``clear``.
        """
        self.known_ns = monotonic_ns()
        address = self.registers.read(tid) - 1
        original = self._original.get(address)
        if original is None or (original in _ONE_BYTE and tracing.signal_code(tid) != _SI_KERNEL):
            return False
        try:
            if address in self._planted:
                try:
                    self._on_hit(tid, address)
                finally:
                    self.clear()
            else:
                self.extra_hits += 1
        finally:
            set_instruction_pointer(tid, address)
            resume(tid)
        self.resumed_ns = monotonic_ns()
        return True

    def _made(self, report: Report) -> None:
        """The thread or process that was made reports for itself; which of the two it is, the event does not tell."""
        self._births ^= {tracing.event_message(report.tid)}
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
            self._births ^= {tid}
            if procfs.is_thread_of(self._pid, tid):
                self._threads.add(tid)
            elif signals.share_memory(tid, self._pid):  # of vfork: until it executes something
                self._borrowers.add(tid)
            else:
                self._release_child(tid)
                return
        resume(tid)

    def _release_child(self, child: int) -> None:
        """A process that the target has made: it goes its own way, without a byte of ours in its memory.

        Its copy of that was made a while ago: what is planted now is not what was planted then.
        """
        with suppress(OSError), Memory(child) as memory:  # OSError: it was killed meanwhile
            for address, byte in self._original.items():
                if memory.read(address, 1) == INT3:
                    memory.write(address, byte)
        tracing.detach(child)

    # In and out.

    def _seize_all(self) -> None:
        """All threads; those that one not yet seized has made meanwhile are found by listing again."""
        while new := [tid for tid in procfs.threads(self._pid) if tid not in self._threads]:
            for tid in new:
                self._seize(tid)
        if not self._threads:
            raise TargetEnded(f"process {self._pid} ({self._name}) ended")

    def _seize(self, tid: int) -> None:
        try:
            tracing.seize(tid)
        except ProcessLookupError:
            return
        except PermissionError as error:
            if _is_ended(self._pid, tid):
                self._threads.add(tid)  # a first thread that has left the others behind
                return
            raise NotPermitted(
                f"process {self._pid} may not be traced", "the kernel refuses to attach",
                "run as root or with CAP_SYS_PTRACE; see `sampler doctor`",
            ) from error  # fmt: skip
        self._threads.add(tid)

    def _leave(self) -> None:
        """Bytes back, and nobody left who has met one: each running thread is stopped once, for a moment.

        A thread that sleeps in the kernel cannot have met one, and is not disturbed.
        """
        with suppress(ProcessLookupError):
            self.clear()
        give_up_ns = monotonic_ns() + _LEAVING_NS
        with suppress(TargetEnded):
            for tid in self._in_doubt():
                self._release(tid, give_up_ns)
            self.serve()

    def _in_doubt(self) -> list[int]:
        if not self._original or self.ended is not None:
            return []
        return [
            tid for tid in procfs.threads(self._pid) if procfs.task_state(self._pid, tid) not in ("S", "Z", "X", "")
        ]

    def _wait(self, until_ns: int) -> None:
        """For a report. No busy loop: at a real-time priority that could keep the target from running."""
        select.select([self._announced], [], [], max(0, until_ns - monotonic_ns()) / NS_PER_SECOND)
        drain(self._announced)

    def _release(self, tid: int, give_up_ns: int) -> None:
        """Serves until the thread has stopped for us, with no trap on its way, and lets go of it there."""
        asked_ns = monotonic_ns()
        with suppress(ProcessLookupError):
            tracing.interrupt(tid)
        while self.ended is None and monotonic_ns() < give_up_ns:
            stopped, status = waiting.next_status()
            if not stopped:
                if procfs.task_state(self._pid, tid) in _HARMLESS:
                    return
                self._wait(give_up_ns)
            elif stopped == tid:
                known_ns = monotonic_ns()
                if self._let_go(waiting.decode(tid, status)):
                    now_ns = monotonic_ns()
                    self.leaving_ns += Interval(now_ns - known_ns, now_ns - asked_ns)
                    return
            else:
                self._deal_with(stopped, status)

    def _trap_is_on_its_way(self, tid: int) -> bool:
        """True for a thread that has met a byte, and was interrupted before it could report that."""
        behind_ours = self.registers.read(tid) - 1 in self._original
        return behind_ours and procfs.pending(self._pid, tid, signal.SIGTRAP)

    def _let_go(self, report: Report) -> bool:
        """Of a thread that was interrupted; False if it has stopped for something else, and runs on."""
        with suppress(ProcessLookupError):
            if report.what is What.TRAP_STOP:
                if not self._trap_is_on_its_way(report.tid):
                    tracing.detach(report.tid)
                    self._threads.discard(report.tid)
                    return True
                resume(report.tid)
                tracing.interrupt(report.tid)
            elif report.what is not What.SIGNAL or report.number != signal.SIGTRAP or not self._is_ours(report.tid):
                _HANDLERS[report.what](self, report)
        return False


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
