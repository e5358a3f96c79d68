"""The ``perf`` instrument: a hardware breakpoint that fires once, and the question as its handler.

Nothing is written into the target and nobody is stopped: the processor traps once, the kernel reads the
values at that very instruction, and the breakpoint is gone. If we are killed, it is gone too.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from sampler.bpf.program import Program, check_registers
from sampler.bpf.values import NotExpressible
from sampler.errors import NotAnswerable
from sampler.instruments.base import Assignment
from sampler.instruments.compiled import Compiled
from sampler.instruments.hit_cost import Look, measured
from sampler.instruments.presence import Presence
from sampler.instruments.spots import Spots
from sampler.instruments.traps import KernelTraps, NoneFree, PlainTraps, Traps
from sampler.linux import bpf, procfs
from sampler.linux.perf_event import Companion, Where
from sampler.linux.readiness import allow_descriptors
from sampler.plan.evaluate import Evaluator
from sampler.plan.snapshot import Reader, Snapshot
from sampler.plan.steps import Moment
from sampler.plan.trees import walk
from sampler.planning import PlannedPlace, QuestionPlan
from sampler.sample import Miss, Sample

#: Debug registers of the processor that hold addresses: Intel SDM, volume 3, 17.2.
MOST_PLACES = 4
# How soon a thread that was made while we wait is watched too: so soon at first, after a long wait more seldom.
_CENSUS_NS = 5_000_000
_CENSUS_SHARE = 10
_NONE_FREE = "all four of a thread are in use, by a debugger or another tool"


class Perf:
    """Creating one compiles the question, also for the kernel, and tries whether breakpoints can be had."""

    conditional = True
    lets_go = False  # nobody is held

    def __init__(self, assignment: Assignment) -> None:
        self._given, self._target, self._question = assignment, assignment.target, assignment.question
        self.period_ns = self._question.timing.period_ns
        self._presence = Presence(self._target)
        self._compiled = compiled = Compiled(assignment)
        check_number(compiled.plan, self._question.point)
        self._evaluators = {address: Evaluator(place.plans) for address, place in compiled.places.items()}
        allow_descriptors()
        self._spots = Spots()
        self._traps = self._made_traps()
        self._try()
        self._open = ExitStack()

    def describe(self) -> dict[str, Any]:
        return {"instrument": "perf", "atomic": self._traps.atomic} | self._compiled.describe()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(Companion())
            opened.enter_context(self._traps)
            opened.enter_context(self._presence)
            self._hit_cost = measured(in_kernel=self._traps.atomic)
            self._open = opened.pop_all()
        cost = {"suspended_ns": [0, 0], "hit_ns": self._hit_cost.to_json()}
        self._given.report("attach", cost | {"threads": len(procfs.threads(self._target.pid))})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._given.report("detach", {"suspended_ns": [0, 0]})

    def rest(self, until_ns: int) -> bool:
        return self._presence.rest(self._given.stop, until_ns)

    def look(self, deadline_ns: int) -> Sample | Miss | None:
        if not self.rest(deadline_ns):
            return None
        self._presence.check()
        look = Look(deadline_ns, self._given.start_ns, self._hit_cost, self._question.when is not None)
        try:
            self._set()
            self._traps.arm()
            look.armed_ns = time.monotonic_ns()
            self._wait(look.armed_ns + self._question.timing.window_ns)
            look.waited_ns = time.monotonic_ns()
        except NoneFree:
            look.full = True
        finally:
            self._traps.clear()
        return self._outcome(look)

    # In and out.

    def _made_traps(self) -> Traps:
        """With programs of the kernel if they may be loaded; else the kernel notes down what it knows."""
        places = self._compiled.places
        if bpf.permitted():
            return KernelTraps({address: self._program(place) for address, place in places.items()})
        self._spots.narrow()
        for place in places.values():
            check_plain(place)
        if self._question.when is not None:
            raise NotAnswerable(
                "perf cannot look at a condition here",
                "that is done by a program in the kernel, which may not be loaded",
                "run as root or with CAP_BPF and CAP_PERFMON, or ask for the condition beside the rest",
            )
        return PlainTraps(places)

    def _program(self, place: PlannedPlace) -> Program:
        most = self._question.most_hits if self._question.when is not None else 1
        # In a PID namespace of our own we do not know what the kernel calls the target.
        only = self._target.pid if procfs.pids_are_the_kernels() else None
        if only is None:
            self._spots.narrow()
        return kernel_program(place, self._compiled.bias, most, only)

    def _try(self) -> None:
        """Whether the kernel takes our programs and gives us breakpoints. None is armed."""
        with ExitStack() as opened:
            try:
                opened.enter_context(self._traps)
                self._set()
            except bpf.BpfRefused as error:
                raise NotAnswerable(
                    "the kernel does not take the question", error.why, "ask with --instrument ptrace"
                ) from error
            except NoneFree:
                raise NotAnswerable(
                    f"no hardware breakpoint is free in process {self._target.pid} ({self._target.name})",
                    _NONE_FREE,
                    "end that, or ask with --instrument ptrace",
                ) from None
            finally:
                self._traps.clear()

    # One look.

    def _set(self) -> None:
        self._spots.begin()
        try:
            self._traps.set(self._everywhere())
        except NoneFree:
            if not self._spots.narrow_for_now():
                raise
            self._traps.clear()
            self._traps.set(self._everywhere())

    def _everywhere(self) -> list[Where]:
        return self._spots.of(procfs.threads(self._target.pid))

    def _wait(self, until_ns: int) -> None:
        """Until somebody is caught, time is up, or we are asked to stop; a thread that is born meanwhile is watched."""
        stop, traps = self._given.stop, self._traps
        begun_ns = now_ns = time.monotonic_ns()
        while stop.reason is None and now_ns < until_ns:
            census_ns = max(_CENSUS_NS, (now_ns - begun_ns) // _CENSUS_SHARE)
            if stop.wait_until(min(until_ns, now_ns + census_ns), traps.descriptor):
                return
            self._presence.check()
            traps.set(self._everywhere())
            traps.arm()
            now_ns = time.monotonic_ns()

    def _outcome(self, look: Look) -> Sample | Miss | None:
        catch = self._traps.take()
        look.hits = catch.hits
        if catch.foreign:
            self._spots.narrow()
        self._presence.check()
        if catch.snapshots:
            return self._answer(catch.snapshots[0], look)
        if look.full:
            return self._miss(look, "no-breakpoint", _NONE_FREE)
        if self._given.stop.reason is not None:
            return None
        if self._question.when is not None and look.hits:
            unread = f"; at {catch.unreadable} it could not be read" if catch.unreadable else ""
            return self._miss(look, "no-match", f"at none of {look.hits} hits was {self._question.when} true{unread}")
        return self._miss(look, "not-reached", "nobody came by in time")

    def _miss(self, look: Look, reason: str, detail: str) -> Miss:
        return look.miss(reason, detail, self._traps.interrupted_ns)

    def _answer(self, snapshot: Snapshot, look: Look) -> Sample | Miss:
        evaluator = self._evaluators[snapshot.instruction_pointer]
        reader = Reader(snapshot, self._presence.memory.read)
        moment = Moment(snapshot.registers, reader.read, 0, self._compiled.bias)
        evaluator.gather(moment)
        cost = look.cost(snapshot, self._traps.interrupted_ns)
        t_ns = snapshot.begun_ns - self._given.start_ns
        return self._compiled.answer(evaluator, moment, t_ns, cost, look.late_ns, atomic=not reader.later)


def kernel_program(place: PlannedPlace, bias: int, most_hits: int, only: int | None) -> Program:
    """Raises NotAnswerable, which names what the kernel's programs cannot do."""
    try:
        condition = place.conditions[0] if place.conditions else None
        return Program(place.plans, bias, condition, most_hits, only)
    except NotExpressible as reason:
        raise _not_answerable(place, reason) from reason


def check_plain(place: PlannedPlace) -> None:
    """NotAnswerable where more is asked for than the kernel notes down by itself."""
    try:
        check_registers(walk(*place.plans))
    except NotExpressible as reason:
        raise _not_answerable(place, reason) from reason


def _not_answerable(place: PlannedPlace, reason: NotExpressible) -> NotAnswerable:
    what, why = f"perf cannot ask that at {place.where}", f"the kernel's programs cannot read {reason}"
    fix = "ask with --instrument ptrace" if not place.conditions else "ask for it beside the rest, without --when"
    return NotAnswerable(what, why, fix)


def check_number(plan: QuestionPlan, point: str) -> None:
    """NotAnswerable where a point is at more addresses than the processor has breakpoints."""
    if len(plan.places) > MOST_PLACES:
        raise NotAnswerable(
            f"perf cannot ask at {point}, which is inlined at {len(plan.places)} places",
            f"the processor has {MOST_PLACES} breakpoints a thread",
            "name a caller, or a line of one, or ask with --instrument ptrace",
        )
