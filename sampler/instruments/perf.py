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
from sampler.instruments.attempt import Attempt
from sampler.instruments.base import Assignment
from sampler.instruments.breakpoints import NoneFree, not_taken, refusal
from sampler.instruments.compiled import Compiled
from sampler.instruments.hit_cost import HitCost, measured
from sampler.instruments.presence import Presence
from sampler.instruments.spots import Spots
from sampler.instruments.traps import Catch, KernelTraps, PlainTraps, Traps
from sampler.linux import bpf, procfs
from sampler.linux.perf_event import Companion, Where
from sampler.linux.readiness import allow_descriptors
from sampler.placing import PlannedPlace
from sampler.plan.evaluate import Evaluator
from sampler.plan.nodes import Node
from sampler.plan.snapshot import Reader, Snapshot
from sampler.plan.steps import Moment
from sampler.plan.trees import walk
from sampler.planning import QuestionPlan
from sampler.sample import Miss, Sample

#: Debug registers of the processor that hold addresses: Intel SDM, volume 3, 17.2.
MOST_PLACES = 4
# How soon a thread that was made while we wait is watched too: so soon at first, after a long wait more seldom.
_CENSUS_NS = 5_000_000
_CENSUS_SHARE = 10
# Of how long opening took before, so much is still reckoned with at the next look.
_FORGETS = 0.95
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
        in_kernel = bpf.permitted()
        self._hit_cost = self._measured(in_kernel)
        only = self._recognised(in_kernel)
        self._spots = Spots(threads_only=only is None)
        self._traps = self._made_traps(in_kernel, only)
        self._try()
        # Opening breakpoints may take the kernel until all processors have come by its scheduler's tick. Who armed them
        # just then would look in step with that tick, and so with whatever the target does by a timer.
        self._ahead_ns = 0
        self._open = ExitStack()

    def describe(self) -> dict[str, Any]:
        return {"instrument": "perf", "atomic": self._traps.atomic} | self._compiled.describe()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(Companion())
            opened.enter_context(self._traps)
            opened.enter_context(self._presence)
            self._open = opened.pop_all()
        cost = {"suspended_ns": [0, 0]} | self._hit_cost.to_json()
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
        if not self.rest(deadline_ns - self._ahead_ns):
            return None
        self._presence.check()
        attempt = Attempt(deadline_ns, self._given.start_ns, self._hit_cost, self._question.when is not None)
        try:
            self._catch(attempt)
            return self._outcome(attempt)
        finally:
            self._traps.clear()

    def _catch(self, attempt: Attempt) -> None:
        try:
            self._set()
            attempt.opened_ns = attempt.mark("opened")
            took_ns = attempt.opened_ns - attempt.begun_ns
            self._ahead_ns = min(self.period_ns // 2, max(took_ns, round(_FORGETS * self._ahead_ns)))
            if self._rest_until_due(attempt):
                self._arm(attempt)
                self._wait(attempt.armed_ns + self._question.timing.window_ns)
        except NoneFree:
            attempt.full = True
        finally:
            attempt.waited_ns = time.monotonic_ns()
            self._traps.disarm()
            attempt.mark("closed")
        attempt.catch, attempt.interrupted_ns = self._traps.take(), self._traps.interrupted_ns

    def _rest_until_due(self, attempt: Attempt) -> bool:
        """With breakpoints that are open, and not armed. False if asked to stop."""
        if attempt.opened_ns >= attempt.deadline_ns:
            return True
        return self.rest(attempt.deadline_ns)

    def _arm(self, attempt: Attempt) -> None:
        attempt.arming_ns = attempt.mark("arming")
        try:
            self._traps.arm()
        finally:
            attempt.armed_ns = attempt.mark("armed")
        if attempt.arming_ns - attempt.opened_ns > _CENSUS_NS:  # threads may have been made meanwhile
            self._traps.set(self._everywhere())
            self._traps.arm()

    # In and out.

    def _measured(self, in_kernel: bool) -> HitCost:
        """Raises NotAnswerable where there is a condition, and nobody to look at it."""
        conditional = self._question.when is not None
        if conditional and not in_kernel:
            raise _no_condition("that is done by a program in the kernel, which may not be loaded")
        found = measured(in_kernel)
        if conditional and not found.stays:
            raise _no_condition("a hit that does not meet it takes the breakpoint away before Linux 6.10")
        return found

    def _recognised(self, in_kernel: bool) -> int | None:
        """What the kernel calls the target, where it can pass over others: they must leave the breakpoint armed, and
        in a PID namespace of our own we do not know its number."""
        known = in_kernel and self._hit_cost.stays and procfs.pids_are_the_kernels()
        return self._target.pid if known else None

    def _made_traps(self, in_kernel: bool, only: int | None) -> Traps:
        """With programs of the kernel if they may be loaded; else the kernel notes down what it knows."""
        places, bias, most_hits = self._compiled.places, self._compiled.bias, self._most_hits()
        if in_kernel:
            return KernelTraps({at: kernel_program(place, bias, most_hits, only) for at, place in places.items()})
        for place in places.values():
            check_plain(place)
        return PlainTraps(places)

    def _most_hits(self) -> int:
        """So many are tried, and no more than the budget has room for from one look to the next."""
        if self._question.when is None:
            return 1
        budget = self._question.budget
        room_ns = min(budget.max_suspended * self.period_ns, budget.max_pause_ns)
        return max(1, min(self._question.most_hits, round(room_ns / max(1, self._hit_cost.passed_ns.high))))

    def _try(self) -> None:
        """Whether the kernel takes our programs and gives us breakpoints. None is armed."""
        with ExitStack() as opened:
            try:
                opened.enter_context(self._traps)
                self._set()
            except bpf.BpfRefused as error:
                raise not_taken(error) from error
            except NoneFree:
                raise NotAnswerable(
                    f"no hardware breakpoint is free in process {self._target.pid} ({self._target.name})",
                    _NONE_FREE,
                    "end that, or ask with --instrument ptrace",
                ) from None
            except OSError as error:
                raise refusal(error) from error
            finally:
                self._traps.clear()

    # One look.

    def _set(self) -> None:
        self._spots.begin()
        try:
            self._traps.set(self._everywhere())
        except (NoneFree, NotAnswerable):
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
                if traps.has_caught():
                    return
                if self._spots.narrow_for_now():  # so many others come by that processors are watched no more
                    self._spots.narrow()
                    traps.disarm()
            self._presence.check()
            traps.set(self._everywhere())
            traps.arm()
            now_ns = time.monotonic_ns()

    def _outcome(self, attempt: Attempt) -> Sample | Miss | None:
        catch = attempt.catch
        if catch.foreign:
            self._spots.narrow()
        if not (catch.snapshots and self._spots.by_thread):  # a thread's breakpoints are gone when it runs another
            self._presence.check()
        if catch.snapshots:
            return self._answer(catch.snapshots[0].earlier(self._hit_cost.ahead_ns), attempt)
        if attempt.full:
            return attempt.miss("no-breakpoint", _NONE_FREE)
        if self._given.stop.reason is not None:
            return None
        if catch.dropped:
            return attempt.miss("lost", "there was no room for the answer")
        if self._question.when is not None and catch.hits:
            return attempt.miss("no-match", self._no_match(catch))
        unwatched = f"; {catch.full} threads had no breakpoint free" if catch.full else ""
        return attempt.miss("not-reached", f"nobody came by in time{unwatched}")

    def _no_match(self, catch: Catch) -> str:
        most, unread = self._most_hits(), f"; at {catch.unreadable} it could not be read" if catch.unreadable else ""
        enough = "; more would be beyond the budget" if catch.hits >= most < self._question.most_hits else ""
        tried = min(catch.hits, most)
        return f"at none of {tried} hits was {self._question.when} true{unread}{enough}"

    def _answer(self, snapshot: Snapshot, attempt: Attempt) -> Sample | Miss:
        evaluator = self._evaluators[snapshot.instruction_pointer]
        reader = Reader(snapshot, self._presence.memory.read)
        moment = Moment(snapshot.registers, reader.read, 0, self._compiled.bias)
        evaluator.gather(moment)
        cost, t_ns = attempt.cost(snapshot), snapshot.begun_ns - self._given.start_ns
        return self._compiled.answer(evaluator, moment, t_ns, cost, attempt.late_ns, atomic=not reader.later)


def _no_condition(why: str) -> NotAnswerable:
    fix = "run as root or with CAP_BPF and CAP_PERFMON on Linux 6.10 or newer, or ask for the condition beside the rest"
    return NotAnswerable("perf cannot look at a condition here", why, fix)


def kernel_program(place: PlannedPlace, bias: int, most_hits: int, only: int | None) -> Program:
    """Raises NotAnswerable, which names what the kernel's programs cannot do."""
    condition = place.conditions[0] if place.conditions else None
    try:
        return Program(place.plans, bias, condition, most_hits, only)
    except NotExpressible as reason:
        _check_condition(place, bias, condition)
        raise _not_answerable(place, reason) from reason


def _check_condition(place: PlannedPlace, bias: int, condition: Node | None) -> None:
    try:
        Program((), bias, condition)
    except NotExpressible as reason:
        what, why = f"perf cannot look at the condition at {place.where}", _cannot_read(reason)
        raise NotAnswerable(what, why, "leave out --when, or write it without that") from reason


def check_plain(place: PlannedPlace) -> None:
    """NotAnswerable where more is asked for than the kernel notes down by itself."""
    try:
        check_registers(walk(*place.plans))
    except NotExpressible as reason:
        raise _not_answerable(place, reason) from reason


def _not_answerable(place: PlannedPlace, reason: NotExpressible) -> NotAnswerable:
    what, why = f"perf cannot ask that at {place.where}", _cannot_read(reason)
    return NotAnswerable(what, why, "leave out --when, and ask with --instrument ptrace" if place.conditions
                         else "ask with --instrument ptrace")  # fmt: skip


def _cannot_read(reason: NotExpressible) -> str:
    return f"the kernel's programs cannot read {reason}"


def check_number(plan: QuestionPlan, point: str) -> None:
    """NotAnswerable where a point is at more addresses than the processor has breakpoints."""
    if len(plan.places) > MOST_PLACES:
        raise NotAnswerable(
            f"perf cannot ask at {point}, which is inlined at {len(plan.places)} places",
            f"the processor has {MOST_PLACES} breakpoints a thread",
            "name a caller, or a line of one, or ask with --instrument ptrace",
        )
