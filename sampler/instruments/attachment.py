"""One attachment: the calling thread traces the target, and breakpoints stand until the first thread meets one.

Nobody is stopped to attach or to arm. Who may just have met a breakpoint is stopped for a moment to leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from time import monotonic_ns
from types import TracebackType
from typing import Self

from sampler.errors import NotAnswerable
from sampler.instruments.account import Account
from sampler.instruments.tracer import Tracer
from sampler.linux.announcements import drain
from sampler.linux.wakeup import StopRequest
from sampler.plan.evaluate import Evaluator
from sampler.plan.steps import Moment
from sampler.target import Target
from sampler.units import NS_PER_SECOND

_CLOSE_WATCH_NS = 50_000
_REHEARSALS = 3
_ENDS_WITHIN_NS = NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Armed:
    """One address of the running program, what stands there, and how the question is answered there."""

    address: int
    where: str
    byte: bytes
    evaluator: Evaluator
    vectors: bool


@dataclass(slots=True)
class Hit:
    """What one suspended thread has given; made before there is one, for it takes time.

    ``known_ns``: monotonic, when we knew that it was suspended.
    """

    moment: Moment
    place: Armed
    tid: int = 0
    known_ns: int = 0


class Attachment:
    """``account`` goes on from one attachment to the next; ``bias``: where the program was loaded."""

    def __init__(self, target: Target, stop: StopRequest, account: Account, bias: int) -> None:
        self._target, self._stop, self._account, self._bias = target, stop, account, bias
        self.tracer = Tracer(target.pid, target.name, stop.announced, self._taken, account)
        self._places: Mapping[int, Armed] = {}
        self._hit: Hit | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._account)
            opened.enter_context(self.tracer)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def rest(self, until_ns: int) -> bool:
        """Serves the target's signals, threads and children until then; False if asked to stop."""
        while True:
            all_served = self.tracer.serve()
            self._account.book()
            self._account.check()
            if self._stop.reason is not None:
                return False
            if monotonic_ns() >= until_ns:
                return True
            self._account.sleep()
            self._wait_and_serve(until_ns if all_served else 0)

    def rehearse(self, places: Mapping[int, Armed], last: Hit | None) -> None:
        """Goes through a hit, with the registers of the last one, while nobody waits for it: the processor has
        what it needs at hand then. Memory is read, and nothing else.
        """
        read, self._places = self.tracer.memory.read, places
        if last is not None:
            for _ in range(_REHEARSALS):
                self.tracer.rehearse(last.place.address)
                moment = Moment(last.moment.registers, read, last.moment.thread_pointer, self._bias)
                last.place.evaluator.gather(moment)
        self._hit, self._next = None, Hit(Moment((), read, 0, self._bias), next(iter(places.values())))
        self._account.sleep()

    def plant(self) -> bool:
        """At the places that were rehearsed; False where somebody has changed the program."""
        try:
            return self.tracer.plant({address: place.byte for address, place in self._places.items()})
        except OSError as error:
            self._wait_for_end()
            raise NotAnswerable(
                f"no breakpoint can be set in process {self._target.pid} ({self._target.name})",
                f"the kernel refuses to write there ({error.strerror}), as in text that is mapped as shared",
                "allow it by proc_mem.force_override, or ask elsewhere",
            ) from error

    def await_hit(self, until_ns: int) -> Hit | None:
        """The first; None if there was none until then, or we were asked to stop. The bytes are back after it."""
        try:
            self._watch_closely(min(until_ns, monotonic_ns() + _CLOSE_WATCH_NS))
            all_served = True
            while self._hit is None and self._stop.reason is None and monotonic_ns() < until_ns:
                self._wait_and_serve(until_ns if all_served else 0)
                all_served = self.tracer.serve()
        finally:
            with suppress(OSError):
                self.tracer.clear()
                if self._hit is None:
                    self._account.marks.append(("restored", monotonic_ns()))
        self.tracer.serve()
        return self._hit

    def _wait_for_end(self) -> None:
        """A target whose memory is gone is ending, and says so: raises TargetEnded then."""
        give_up_ns = monotonic_ns() + _ENDS_WITHIN_NS
        while monotonic_ns() < give_up_ns:
            self.tracer.serve()
            self._stop.wait_until(give_up_ns, self._stop.announced)
            drain(self._stop.announced)

    def _wait_and_serve(self, until_ns: int) -> None:
        """Somebody who is held is served before the announcement is taken; what comes between, the next time."""
        self._stop.wait_until(until_ns, self._stop.announced)
        self._account.quiet_ns = monotonic_ns()
        self.tracer.serve()
        drain(self._stop.announced)

    def _watch_closely(self, until_ns: int) -> None:
        """At a point that is reached all the time the hit is there at once: going to sleep would take longer,
        and being woken longer still, with a thread suspended meanwhile.
        """
        serve_one = self.tracer.serve_one
        while self._hit is None and (serve_one() or monotonic_ns() < until_ns):
            pass

    def _taken(self, tid: int, address: int) -> None:
        """The thread is suspended from before this until right after it."""
        hit, registers = self._next, self.tracer.registers
        hit.place = place = self._places[address]
        moment = hit.moment
        moment.registers = registers.general()
        moment.thread_pointer = registers.thread_pointer
        if place.vectors:
            moment.registers += registers.vector(tid)
        place.evaluator.gather(moment)
        hit.tid, hit.known_ns = tid, self.tracer.known_ns
        self._hit = hit
        self._account.marks += (("hit", hit.known_ns), ("read", monotonic_ns()))
