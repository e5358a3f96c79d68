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
from sampler.instruments.base import Assignment
from sampler.instruments.tracer import INT3, Tracer
from sampler.instruments.wakeups import KERNEL_PATH_NS, Wakeups
from sampler.linux.announcements import drain
from sampler.linux.memory import Memory
from sampler.linux.processors import Elsewhere, processor_of
from sampler.linux.readiness import ready
from sampler.plan.evaluate import Evaluator
from sampler.plan.nodes import Register
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment
from sampler.plan.trees import walk
from sampler.planning import PlannedPlace, QuestionPlan, image_of, load_bias, plan_question
from sampler.sample import Cost, Interval, Miss, Sample, signed_reading

MOST_PLACES = 256
_CLOSE_WATCH_NS = 50_000
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
    """What one suspended thread has given; made before there is one, for it takes time."""

    moment: Moment
    tid: int
    place: Armed


class Ptrace:
    """Creating one compiles the question; nothing is attached before the ``with`` block."""

    def __init__(self, assignment: Assignment) -> None:
        self._given, self._target = assignment, assignment.target
        self._question = assignment.question
        self._plan = plan_question(self._question, self._target)
        check_number(self._plan, self._question.point)
        with image_of(self._target) as image:
            self._bias = load_bias(self._target.pid, image)
        self._open = ExitStack()
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
        self._tracer = Tracer(self._target.pid, self._target.name, self._given.stop.announced, self._taken)
        self._places = {place.address: place for place in self._armed_places()}
        self._bytes = {address: place.byte for address, place in self._places.items()}
        self._refused = self._open.enter_context(ready())
        self._wakeups = self._open.enter_context(Wakeups())
        self._elsewhere = self._open.enter_context(Elsewhere())
        self._open.enter_context(self._tracer)
        self._given.report(
            "attach", {"suspended_ns": [0, 0], "threads": self._tracer.threads, "without": self._refused}
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        tracer = self._tracer
        self._given.report(
            "detach",
            {"suspended_ns": tracer.leaving_ns.to_json(), "extra_hits": tracer.extra_hits, "signals": tracer.signals},
        )

    def rest(self, until_ns: int) -> bool:
        """Serves the target's signals, threads and children meanwhile."""
        stop, tracer = self._given.stop, self._tracer
        while True:
            while tracer.serve():
                pass
            if stop.reason is not None:
                return False
            if time.monotonic_ns() >= until_ns:
                return True
            stop.wait_until(until_ns, stop.announced)
            drain(stop.announced)

    def look(self, deadline_ns: int) -> Sample | Miss | None:
        if not self.rest(deadline_ns):
            return None
        self._hit, extra_before = None, self._tracer.extra_hits
        self._rehearse()
        armed_ns = time.monotonic_ns()
        if not self._plant():
            return self._miss("changed", armed_ns, deadline_ns, "somebody else has changed the program there")
        hit = self._await_hit(armed_ns + self._question.timing.window_ns)
        extra = self._tracer.extra_hits - extra_before
        if hit is None:
            if self._given.stop.reason is not None:
                return None
            return self._miss("not-reached", armed_ns, deadline_ns, "", extra)
        return self._answer(hit, armed_ns, deadline_ns, extra)

    # One look.

    def _plant(self) -> bool:
        try:
            return self._tracer.plant(self._bytes)
        except OSError:
            self._wait_for_end()
            raise

    def _wait_for_end(self) -> None:
        """A target whose memory is gone is ending, and says so."""
        give_up_ns = time.monotonic_ns() + self._question.budget.max_pause_ns
        while time.monotonic_ns() < give_up_ns:
            self._tracer.serve()
            self._given.stop.wait_until(give_up_ns, self._given.stop.announced)
            drain(self._given.stop.announced)
        raise TargetEnded(f"process {self._target.pid} ({self._target.name}) ended", "its memory is gone")

    def _await_hit(self, until_ns: int) -> Hit | None:
        stop, tracer = self._given.stop, self._tracer
        try:
            self._watch_closely(min(until_ns, time.monotonic_ns() + _CLOSE_WATCH_NS))
            while self._hit is None and stop.reason is None and time.monotonic_ns() < until_ns:
                stop.wait_until(until_ns, stop.announced)
                tracer.serve()
                drain(stop.announced)
                tracer.serve()
        finally:
            with suppress(OSError):
                tracer.clear()
        tracer.serve()
        return self._hit

    def _watch_closely(self, until_ns: int) -> None:
        """At a point that is reached all the time the hit is there at once: going to sleep would take longer,
        and being woken longer still, with a thread suspended meanwhile.
        """
        serve_one, now_ns = self._tracer.serve_one, time.monotonic_ns
        while self._hit is None and (serve_one() or now_ns() < until_ns):
            pass

    def _rehearse(self) -> None:
        """Goes through the reading of a hit once more, with the last one's registers, while nobody waits for it:
        the processor has what it needs at hand then. It is read, and nothing else.
        """
        read, last = self._tracer.memory.read, self._last
        if last is not None:
            self._elsewhere.keep_off(processor_of(self._target.pid, last.tid))
            last.place.evaluator.gather(Moment(last.moment.registers, read, last.moment.thread_pointer, self._bias))
        self._next = Hit(Moment((), read, 0, self._bias), 0, next(iter(self._places.values())))
        self._wakeups.begin()

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
        hit.tid = tid
        self._hit = self._last = hit

    def _answer(self, hit: Hit, armed_ns: int, deadline_ns: int, extra: int) -> Sample | Miss:
        cost = self._cost(hit, armed_ns, extra)
        t_ns, late_ns = self._tracer.known_ns - self._given.start_ns, armed_ns - deadline_ns
        try:
            values = dict(zip(self._question.expressions, hit.place.evaluator.answers(hit.moment), strict=True))
        except NoAnswer as reason:
            return Miss(t_ns, "unreadable", cost, str(reason), late_ns)
        bits = self._plan.unsigned_bits
        readings = {name: signed_reading(value, bits[name]) for name, value in values.items() if name in bits}
        signed = {name: reading for name, reading in readings.items() if reading is not None}
        return Sample(t_ns, values, cost, signed, late_ns)

    def _miss(self, reason: str, armed_ns: int, deadline_ns: int, detail: str, hits: int = 0) -> Miss:
        now_ns, start_ns = time.monotonic_ns(), self._given.start_ns
        cost = Cost(Interval(), Interval(armed_ns - start_ns, now_ns - start_ns), now_ns - armed_ns, hits, hits)
        return Miss(armed_ns - start_ns, reason, cost, detail, armed_ns - deadline_ns)

    def _cost(self, hit: Hit, armed_ns: int, extra: int) -> Cost:
        resumed_ns, start_ns = self._tracer.resumed_ns, self._given.start_ns
        low = resumed_ns - self._tracer.known_ns
        # From then on it is for the scheduler when the thread runs, as after any wait of its own.
        high = min(resumed_ns - armed_ns, low + self._wakeups.longest_ns()) + KERNEL_PATH_NS
        return Cost(
            Interval(low, high),
            Interval(armed_ns - start_ns, resumed_ns - start_ns),
            self._tracer.known_ns - armed_ns,
            1 + extra,
            1 + extra,
        )

    def _armed_places(self) -> list[Armed]:
        with Memory(self._target.pid) as memory:
            return [self._armed(place, memory.read(place.address + self._bias, 1)) for place in self._plan.places]

    def _armed(self, place: PlannedPlace, byte: bytes) -> Armed:
        if byte == INT3:
            raise NotAnswerable(
                f"there is a breakpoint already at {place.where}", "the program's own, or one that somebody left",
                "ask one line further on",
            )  # fmt: skip
        registers = [node.number for plan in place.plans for node in walk(plan) if isinstance(node, Register)]
        vectors = any(number >= _FIRST_VECTOR for number in registers)
        return Armed(place.address + self._bias, place.where, byte, Evaluator(place.plans), vectors)


def check_number(plan: QuestionPlan, point: str) -> None:
    """PointAmbiguous where a point is at more addresses than may be changed at once."""
    if len(plan.places) > MOST_PLACES:
        raise PointAmbiguous(
            f"{point} is inlined at {len(plan.places)} places", f"at most {MOST_PLACES} can be watched at once",
            "name a caller, or a line of one",
        )  # fmt: skip
