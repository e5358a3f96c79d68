"""The ``ptrace`` instrument: one byte is changed, the first thread to meet it is read and goes on.

No thread is stopped to attach, to arm or to leave (but for a moment those that may just have met the
byte), and the one that is read is suspended for one register set, one memory read and one restored byte.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sampler.errors import NotAnswerable, PointAmbiguous, TargetEnded
from sampler.instruments.account import Account
from sampler.instruments.base import Assignment
from sampler.instruments.tracer import INT3, Tracer
from sampler.linux import procfs
from sampler.linux.announcements import drain
from sampler.linux.readiness import Urgency, ready
from sampler.plan.evaluate import Evaluator
from sampler.plan.nodes import Register
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment
from sampler.plan.trees import walk
from sampler.planning import PlannedPlace, QuestionPlan, image_of, load_bias, plan_question
from sampler.sample import Cost, Interval, Miss, Sample, signed_reading
from sampler.units import NS_PER_SECOND

MOST_PLACES = 256
_CLOSE_WATCH_NS = 50_000
_REHEARSALS = 3
_ENDS_WITHIN_NS = NS_PER_SECOND
_FIRST_VECTOR = 17


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


class Ptrace:
    """Creating one compiles the question; nothing is attached before the ``with`` block."""

    def __init__(self, assignment: Assignment) -> None:
        self._given, self._target = assignment, assignment.target
        self._question = assignment.question
        self._program = procfs.program(self._target.pid)
        self._plan = plan_question(self._question, self._target)
        check_number(self._plan, self._question.point)
        with image_of(self._target) as image:
            self._bias = load_bias(self._target.pid, image)
        self._open = ExitStack()
        self._account = Account(self._question.budget)
        self._hit: Hit | None = None
        self._last: Hit | None = None
        self._refused: list[str] = []

    def describe(self) -> dict[str, Any]:
        return {
            "instrument": "ptrace",
            "places": [[f"{place.address + self._bias:#x}", place.where] for place in self._plan.places],
            "unanswerable": [[f"{address + self._bias:#x}", why] for address, why in self._plan.unanswerable],
            "types": self._plan.types,
        }

    def __enter__(self) -> Self:
        self._tracer = Tracer(
            self._target.pid, self._target.name, self._given.stop.announced, self._taken, self._account
        )
        self._refused = self._open.enter_context(ready())
        self._open.enter_context(self._account)
        self._urgency = Urgency()
        self._open.enter_context(self._tracer)
        try:
            self._places = {place.address: place for place in self._armed_places()}
        except BaseException:
            self._open.close()
            raise
        self._bytes = {address: place.byte for address, place in self._places.items()}
        self._given.report(
            "attach", {"suspended_ns": [0, 0], "threads": self._tracer.threads, "without": self._refused}
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        tracer = self._tracer
        assert tracer.leaving is not None, "closed above"
        counts = {"extra_hits": tracer.extra_hits, "signals": tracer.signals, "unsettled": tracer.leaving.unsettled}
        bounds = {"suspended_ns": tracer.leaving.cost.to_json(), "between_ns": self._account.take_between().to_json()}
        self._given.report("detach", bounds | counts)

    def rest(self, until_ns: int) -> bool:
        """Serves the target's signals, threads and children meanwhile."""
        stop, tracer = self._given.stop, self._tracer
        while True:
            all_served = tracer.serve()
            self._account.book()
            if stop.reason is not None:
                return False
            if time.monotonic_ns() >= until_ns:
                return True
            self._account.sleep()
            self._wait_and_serve(until_ns if all_served else 0)

    def look(self, deadline_ns: int) -> Sample | Miss | None:
        if not self.rest(deadline_ns):
            return None
        self._hit = None
        self._rehearse()
        with self._urgency:
            armed_ns = time.monotonic_ns()
            planted = self._plant()
            hit = self._await_hit(armed_ns + self._question.timing.window_ns) if planted else None
        if not planted:
            return self._miss("changed", armed_ns, deadline_ns, "somebody else has changed the program there")
        if hit is not None:
            return self._answer(hit, armed_ns, deadline_ns)
        if self._given.stop.reason is not None:
            return None
        return self._miss("not-reached", armed_ns, deadline_ns, "")

    # One look.

    def _plant(self) -> bool:
        try:
            return self._tracer.plant(self._bytes)
        except OSError as error:
            self._wait_for_end()
            raise NotAnswerable(
                f"no breakpoint can be set in process {self._target.pid} ({self._target.name})",
                f"the kernel refuses to write there ({error.strerror}), as in text that is mapped as shared",
                "allow it by proc_mem.force_override, or ask elsewhere",
            ) from error

    def _wait_for_end(self) -> None:
        """A target whose memory is gone is ending, and says so: raises TargetEnded then."""
        give_up_ns = time.monotonic_ns() + _ENDS_WITHIN_NS
        while time.monotonic_ns() < give_up_ns:
            self._tracer.serve()
            self._given.stop.wait_until(give_up_ns, self._given.stop.announced)
            drain(self._given.stop.announced)

    def _await_hit(self, until_ns: int) -> Hit | None:
        stop, tracer = self._given.stop, self._tracer
        try:
            self._watch_closely(min(until_ns, time.monotonic_ns() + _CLOSE_WATCH_NS))
            all_served = True
            while self._hit is None and stop.reason is None and time.monotonic_ns() < until_ns:
                self._wait_and_serve(until_ns if all_served else 0)
                all_served = tracer.serve()
        finally:
            with suppress(OSError):
                tracer.clear()
        tracer.serve()
        return self._hit

    def _wait_and_serve(self, until_ns: int) -> None:
        """Somebody who is held is served before the announcement is taken; what comes between, the next time."""
        self._given.stop.wait_until(until_ns, self._given.stop.announced)
        self._account.quiet_ns = time.monotonic_ns()
        self._tracer.serve()
        drain(self._given.stop.announced)

    def _watch_closely(self, until_ns: int) -> None:
        """At a point that is reached all the time the hit is there at once: going to sleep would take longer,
        and being woken longer still, with a thread suspended meanwhile.
        """
        serve_one, now_ns = self._tracer.serve_one, time.monotonic_ns
        while self._hit is None and (serve_one() or now_ns() < until_ns):
            pass

    def _rehearse(self) -> None:
        """Goes through a hit once more, with the last one's registers, while nobody waits for it: the processor has
        what it needs at hand then. Memory is read, and nothing else.
        """
        read, last = self._tracer.memory.read, self._last
        if last is not None:
            for _ in range(_REHEARSALS):
                moment = Moment(last.moment.registers, read, last.moment.thread_pointer, self._bias)
                self._tracer.rehearse(last.place.address)
                last.place.evaluator.gather(moment)
        self._next = Hit(Moment((), read, 0, self._bias), next(iter(self._places.values())))
        self._account.sleep()

    def _taken(self, tid: int, address: int) -> None:
        """The thread is suspended from before this until right after it."""
        hit, registers = self._next, self._tracer.registers
        hit.place = place = self._places[address]
        moment = hit.moment
        moment.registers = registers.general()
        moment.thread_pointer = registers.thread_pointer
        if place.vectors:
            moment.registers += registers.vector(tid)
        place.evaluator.gather(moment)
        hit.tid, hit.known_ns = tid, self._tracer.known_ns
        self._hit = self._last = hit

    def _answer(self, hit: Hit, armed_ns: int, deadline_ns: int) -> Sample | Miss:
        cost = self._cost(armed_ns, hit.known_ns)
        t_ns, late_ns = hit.known_ns - self._given.start_ns, armed_ns - deadline_ns
        try:
            values = dict(zip(self._question.expressions, hit.place.evaluator.answers(hit.moment), strict=True))
        except NoAnswer as reason:
            return Miss(t_ns, "unreadable", cost, str(reason), late_ns)
        bits = self._plan.unsigned_bits
        readings = {name: signed_reading(value, bits[name]) for name, value in values.items() if name in bits}
        signed = {name: reading for name, reading in readings.items() if reading is not None}
        return Sample(t_ns, values, cost, signed, late_ns)

    def _miss(self, reason: str, armed_ns: int, deadline_ns: int, detail: str) -> Miss:
        cost = self._cost(armed_ns, time.monotonic_ns())
        return Miss(armed_ns - self._given.start_ns, reason, cost, detail, armed_ns - deadline_ns)

    def _cost(self, armed_ns: int, hit_ns: int) -> Cost:
        """Of the look that has just ended, and of what was passed on before it and meanwhile."""
        account, start_ns = self._account, self._given.start_ns
        hits, suspended = account.take_hits(armed_ns)
        account.book()
        during = Interval(armed_ns - start_ns, (hits.last_ns or time.monotonic_ns()) - start_ns)
        return Cost(suspended, during, hit_ns - armed_ns, hits.count, hits.count, account.take_between())

    def _armed_places(self) -> list[Armed]:
        """Once it is traced, for from now on we hear of it when it executes something else."""
        self._check_program()
        read = self._tracer.memory.read
        return [self._armed(place, read(place.address + self._bias, 1)) for place in self._plan.places]

    def _check_program(self) -> None:
        """To compile the question takes its time: what is planted must be for the program that runs now."""
        pid, start_ticks = self._target.pid, self._target.start_ticks
        if not procfs.is_same_process(pid, start_ticks) or procfs.program(pid) != self._program:
            raise TargetEnded(f"process {pid} ({self._target.name}) ended", "it runs another program now")

    def _armed(self, place: PlannedPlace, byte: bytes) -> Armed:
        if byte == INT3:
            raise NotAnswerable(
                f"there is a breakpoint already at {place.where}", "the program's own, or one that somebody left",
                "ask one line further on",
            )  # fmt: skip
        registers = [node.number for node in walk(*place.plans) if isinstance(node, Register)]
        vectors = any(number >= _FIRST_VECTOR for number in registers)
        return Armed(place.address + self._bias, place.where, byte, Evaluator(place.plans), vectors)


def check_number(plan: QuestionPlan, point: str) -> None:
    """PointAmbiguous where a point is at more addresses than may be changed at once."""
    if len(plan.places) > MOST_PLACES:
        raise PointAmbiguous(
            f"{point} is inlined at {len(plan.places)} places", f"at most {MOST_PLACES} can be watched at once",
            "name a caller, or a line of one",
        )  # fmt: skip
