"""The ``perf`` instrument: a hardware breakpoint that fires once, and the question as its handler.

Nothing is written into the target and nobody is stopped: the processor traps once, the kernel reads the
values at that very instruction, and the breakpoint is gone. If we are killed, it is gone too.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sampler.bpf.program import Program
from sampler.bpf.values import NotExpressible
from sampler.errors import NotAnswerable, TargetEnded
from sampler.instruments.base import Assignment
from sampler.instruments.hit_cost import measured
from sampler.instruments.traps import KernelTraps, NoneFree, PlainTraps, Traps
from sampler.linux import bpf, procfs
from sampler.linux.memory import Memory
from sampler.plan.evaluate import Evaluator
from sampler.plan.numbers import NoAnswer
from sampler.plan.snapshot import Snapshot
from sampler.plan.steps import Moment
from sampler.planning import PlannedPlace, QuestionPlan, image_of, load_bias, plan_question
from sampler.sample import Cost, Interval, Miss, Sample, signed_reading

#: Debug registers of the processor that hold addresses: Intel SDM, volume 3, 17.2.
MOST_PLACES = 4
_CENSUS_NS = 5_000_000  # how soon a thread that was made while we wait is watched too


@dataclass(frozen=True, slots=True)
class Watched:
    """One address of the running program, and how the question is answered there."""

    where: str
    evaluator: Evaluator


class Perf:
    """Creating one compiles the question, also for the kernel; the target is not touched before a look."""

    conditional = True

    def __init__(self, assignment: Assignment) -> None:
        self._given, self._target, self._question = assignment, assignment.target, assignment.question
        self._plan = plan_question(self._question, self._target)
        check_number(self._plan, self._question.point)
        with image_of(self._target) as image:
            self._bias = load_bias(self._target.pid, image)
        self._places = {place.address + self._bias: place for place in self._plan.places}
        self._watched = {at: Watched(place.where, Evaluator(place.plans)) for at, place in self._places.items()}
        self._traps = self._made_traps()
        self._program = program_of(self._target.pid)
        self._open = ExitStack()

    def _made_traps(self) -> Traps:
        if bpf.permitted():
            most = self._question.most_hits if self._question.when is not None else 1
            return KernelTraps({at: kernel_program(place, self._bias, most) for at, place in self._places.items()})
        if self._question.when is not None:
            raise NotAnswerable(
                "--when cannot be used here",
                "the condition is looked at by a program in the kernel, which may not be loaded",
                "run as root or with CAP_BPF and CAP_PERFMON, or ask for the condition beside the rest",
            )
        return PlainTraps(self._places)

    def describe(self) -> dict[str, Any]:
        return {
            "instrument": "perf",
            "atomic": self._traps.atomic,
            "places": [[f"{at:#x}", watched.where] for at, watched in self._watched.items()],
            "unanswerable": [[f"{address + self._bias:#x}", why] for address, why in self._plan.unanswerable],
            "types": self._plan.types,
        }

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._traps)
            self._memory = opened.enter_context(Memory(self._target.pid, write=False))
            self._hit_cost = measured(in_kernel=self._traps.atomic)
            self._open = opened.pop_all()
        self._given.report(
            "attach", {"suspended_ns": [0, 0], "threads": len(self._threads()), "hit_ns": self._hit_cost.to_json()}
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._given.report("detach", {"suspended_ns": [0, 0]})

    def rest(self, until_ns: int) -> bool:
        self._given.stop.wait_until(until_ns)
        return self._given.stop.reason is None

    def look(self, deadline_ns: int) -> Sample | Miss | None:
        if not self.rest(deadline_ns):
            return None
        threads = self._threads()
        armed_ns = time.monotonic_ns()
        try:
            self._traps.set(threads)
            armed_ns = time.monotonic_ns()
            self._traps.arm()
            self._wait(armed_ns + self._question.timing.window_ns)
        except NoneFree:
            return self._miss("no-breakpoint", armed_ns, deadline_ns, "all four of a thread are used by somebody else")
        finally:
            self._traps.clear()
        return self._outcome(armed_ns, deadline_ns)

    # One look.

    def _threads(self) -> list[int]:
        threads = procfs.threads(self._target.pid)
        if not threads or program_of(self._target.pid) != self._program:
            ended = "it ended" if not threads else "it runs another program now"
            raise TargetEnded(f"process {self._target.pid} ({self._target.name}) ended", ended)
        return threads

    def _wait(self, until_ns: int) -> None:
        """Until somebody is caught, time is up, or we are asked to stop; a thread that is born meanwhile is watched."""
        stop, traps = self._given.stop, self._traps
        now_ns = time.monotonic_ns()
        while stop.reason is None and now_ns < until_ns:
            if stop.wait_until(min(until_ns, now_ns + _CENSUS_NS), traps.descriptor):
                return
            traps.set(self._threads())
            traps.arm()
            now_ns = time.monotonic_ns()

    def _outcome(self, armed_ns: int, deadline_ns: int) -> Sample | Miss | None:
        caught, hits = self._traps.take()
        self._threads()  # raises if the program is another one now
        if caught:
            return self._answer(caught[0], hits, armed_ns, deadline_ns)
        if self._given.stop.reason is not None:
            return None
        if self._question.when is not None and hits:
            return self._miss("no-match", armed_ns, deadline_ns, f"of {hits} hits none met the condition", hits)
        return self._miss("not-reached", armed_ns, deadline_ns, "", hits)

    def _answer(self, snapshot: Snapshot, hits: int, armed_ns: int, deadline_ns: int) -> Sample | Miss:
        evaluator = self._watched[snapshot.instruction_pointer].evaluator
        reader = Reader(snapshot, None if self._traps.atomic else self._memory)
        moment = Moment(snapshot.registers, reader.read, 0, self._bias)
        evaluator.gather(moment)
        cost = self._cost(snapshot, hits, armed_ns)
        t_ns, late_ns = snapshot.begun_ns - self._given.start_ns, armed_ns - deadline_ns
        try:
            values = dict(zip(self._question.expressions, evaluator.answers(moment), strict=True))
        except NoAnswer as reason:
            return Miss(t_ns, "unreadable", cost, str(reason), late_ns)
        bits = self._plan.unsigned_bits
        readings = {name: signed_reading(value, bits[name]) for name, value in values.items() if name in bits}
        signed = {name: reading for name, reading in readings.items() if reading is not None}
        return Sample(t_ns, values, cost, signed, late_ns, atomic=not reader.later)

    def _cost(self, snapshot: Snapshot, hits: int, armed_ns: int) -> Cost:
        suspended = self._suspended(snapshot.ended_ns - snapshot.begun_ns, hits)
        now_ns, start_ns = time.monotonic_ns(), self._given.start_ns
        return Cost(
            suspended, Interval(armed_ns - start_ns, now_ns - start_ns), snapshot.begun_ns - armed_ns, 0, hits
        )  # fmt: skip

    def _suspended(self, inside_ns: int, hits: int) -> Interval:
        """With a condition, all hits but the last leave the breakpoint as it is; without, each takes its own away."""
        passed = max(0, hits - 1) if self._question.when is not None else 0
        return self._hit_cost.of(inside_ns, hits - passed, passed)

    def _miss(self, reason: str, armed_ns: int, deadline_ns: int, detail: str, hits: int = 0) -> Miss:
        now_ns, start_ns = time.monotonic_ns(), self._given.start_ns
        cost = Cost(
            self._suspended(0, hits), Interval(armed_ns - start_ns, now_ns - start_ns), now_ns - armed_ns, 0, hits
        )
        return Miss(armed_ns - start_ns, reason, cost, detail, armed_ns - deadline_ns)


class Reader:
    """Memory as it was at the hit; where that was not noted, and ``memory`` is given, as it is now."""

    def __init__(self, snapshot: Snapshot, memory: Memory | None) -> None:
        self._snapshot, self._memory = snapshot, memory
        self.later = False  # something was read after the hit

    def read(self, address: int, size: int) -> bytes:
        """All of ``size`` bytes; raises OSError."""
        try:
            return self._snapshot.read(address, size)
        except OSError:
            if self._memory is None:
                raise
            self.later = True
            return self._memory.read(address, size)


def kernel_program(place: PlannedPlace, bias: int, most_hits: int) -> Program:
    """Raises NotAnswerable, which names what the kernel's programs cannot do."""
    try:
        return Program(place.plans, bias, place.condition, most_hits)
    except NotExpressible as reason:
        raise NotAnswerable(
            f"perf cannot ask that at {place.where}",
            f"the kernel's programs cannot read {reason}",
            "ask with --instrument ptrace",
        ) from reason


def check_number(plan: QuestionPlan, point: str) -> None:
    """NotAnswerable where a point is at more addresses than the processor has breakpoints."""
    if len(plan.places) > MOST_PLACES:
        raise NotAnswerable(
            f"perf cannot ask at {point}, which is inlined at {len(plan.places)} places",
            f"the processor has {MOST_PLACES} breakpoints a thread",
            "name a caller, or a line of one, or ask with --instrument ptrace",
        )


def program_of(pid: int) -> tuple[int, int, int] | None:
    """What a process executes: device and inode of its file, and where its code is. It changes with exec."""
    try:
        about = os.stat(procfs.executable(pid))
        return about.st_dev, about.st_ino, procfs.code_start(pid)
    except OSError:
        return None
