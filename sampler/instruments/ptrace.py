"""The ``ptrace`` instrument: one byte is changed, the first thread to meet it is read and goes on.

The one that is read is suspended for one register set, one memory read and one restored byte. Between looks
the target is traced or not, by what is gentler: see ``letting_go``.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any, Self

from sampler.errors import NotAnswerable
from sampler.instruments.account import Account
from sampler.instruments.attachment import Armed, Attachment, Hit
from sampler.instruments.base import Assignment
from sampler.instruments.compiled import Compiled
from sampler.instruments.letting_go import LettingGo
from sampler.instruments.presence import Presence
from sampler.instruments.tracer import INT3
from sampler.linux import procfs, rights
from sampler.linux.readiness import Urgency, ready
from sampler.placing import PlannedPlace
from sampler.plan.evaluate import Evaluator
from sampler.plan.nodes import FIRST_VECTOR, Register
from sampler.plan.trees import walk
from sampler.planning import QuestionPlan
from sampler.sample import Cost, Interval, Miss, Sample, marks_since

MOST_PLACES = 256
# How long before its deadline a look attaches, if that takes so long as the last time.
_LEAST_LEAD_NS = 300_000


class Ptrace:
    """Creating one compiles the question; nothing is attached before the ``with`` block."""

    conditional = False

    def __init__(self, assignment: Assignment) -> None:
        self._given, self._target = assignment, assignment.target
        self._question = assignment.question
        self.period_ns = self._question.timing.period_ns
        rights.check_writable(self._target.pid, " to set a breakpoint there")
        self._presence = Presence(self._target)
        self._compiled = Compiled(assignment)
        check_number(self._compiled.plan, self._question.point)
        self._letting_go = LettingGo(self._question.timing.period_ns, lambda: _running(self._target.pid))
        self.lets_go = False
        self._open = ExitStack()
        self._attachment: Attachment | None = None
        self._places: dict[int, Armed] = {}
        self._last: Hit | None = None
        self._took_ns = 0
        self._counts = {"extra_hits": 0, "signals": 0, "unsettled": 0}

    def describe(self) -> dict[str, Any]:
        return {"instrument": "ptrace"} | self._compiled.describe()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._presence)
            refused = opened.enter_context(ready())
            self._urgency, self._account = Urgency(), Account(self._question.budget)
            opened.callback(self._leave)
            attachment = self._attach()
            read = attachment.tracer.memory.read
            places = self._compiled.places
            self._places = {address: _armed(address, place, read(address, 1)) for address, place in places.items()}
            self._open = opened.pop_all()
        threads = attachment.tracer.threads
        self._given.report("attach", {"suspended_ns": [0, 0], "threads": threads, "without": refused})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._open:
            left = self._leave()
        bounds = {"suspended_ns": left.to_json(), "between_ns": self._account.take_between().to_json()}
        self._given.report("detach", bounds | self._counts)

    def rest(self, until_ns: int) -> bool:
        """Where the target is traced, its signals, threads and children are served meanwhile."""
        return self._attachment.rest(until_ns) if self._attachment else self._presence.rest(self._given.stop, until_ns)

    def look(self, deadline_ns: int) -> Sample | Miss | None:
        if self._attachment is None:
            if not self.rest(deadline_ns - max(_LEAST_LEAD_NS, self._took_ns * 3 // 2)):
                return None
            self._attach()
        assert self._attachment is not None
        if not self._attachment.rest(deadline_ns):
            return None
        found = self._look(self._attachment, deadline_ns)
        return self._let_go(found) if found is not None and self._is_gentler_away() else found

    # In and out.

    def _attach(self) -> Attachment:
        self._presence.check()
        begun_ns = time.monotonic_ns()
        attachment = Attachment(self._target, self._given.stop, self._account, self._compiled.bias)
        self._attachment = attachment.__enter__()
        self._presence.check_program()  # from now on we hear of it when it executes something else
        self._took_ns = time.monotonic_ns() - begun_ns
        return attachment

    def _leave(self) -> Interval:
        """The stops that it has caused. Who sleeps is let go by the end of our thread: for the caller to see to."""
        attachment, self._attachment = self._attachment, None
        if attachment is None:
            return Interval()
        attachment.__exit__(None, None, None)
        tracer, leaving = attachment.tracer, attachment.tracer.leaving
        assert leaving is not None, "it has left"
        found = {"extra_hits": tracer.extra_hits, "signals": tracer.signals, "unsettled": leaving.unsettled}
        self._counts = {name: self._counts[name] + number for name, number in found.items()}
        return leaving.cost

    def _is_gentler_away(self) -> bool:
        if not self.lets_go and self._letting_go.is_due(self._account.stops, self._took_ns, time.monotonic_ns()):
            self.lets_go = True
            if self._letting_go.reason is not None:
                self._given.report("let-go", asdict(self._letting_go.reason))
        return self.lets_go

    def _let_go(self, found: Sample | Miss) -> Sample | Miss:
        """Until the next look; what that costs is this one's."""
        left = self._leave()
        between = found.cost.between_ns + left + self._account.take_between()
        return replace(found, cost=replace(found.cost, between_ns=between))

    # One look.

    def _look(self, attachment: Attachment, deadline_ns: int) -> Sample | Miss | None:
        attachment.rehearse(self._places, self._last)
        self._account.marks.clear()
        with self._urgency:
            armed_ns = time.monotonic_ns()
            planted = attachment.plant()
            hit = attachment.await_hit(armed_ns + self._question.timing.window_ns) if planted else None
        if not planted:
            return self._miss("changed", armed_ns, deadline_ns, "somebody else has changed the program there")
        if hit is not None:
            self._last = hit
            return self._answer(hit, armed_ns, deadline_ns)
        if self._given.stop.reason is not None:
            return None
        return self._miss("not-reached", armed_ns, deadline_ns, "")

    def _answer(self, hit: Hit, armed_ns: int, deadline_ns: int) -> Sample | Miss:
        cost = self._cost(armed_ns, hit.known_ns)
        t_ns, late_ns = hit.known_ns - self._given.start_ns, armed_ns - deadline_ns
        return self._compiled.answer(hit.place.evaluator, hit.moment, t_ns, cost, late_ns)

    def _miss(self, reason: str, armed_ns: int, deadline_ns: int, detail: str) -> Miss:
        cost = self._cost(armed_ns, time.monotonic_ns())
        return Miss(armed_ns - self._given.start_ns, reason, cost, detail, armed_ns - deadline_ns)

    def _cost(self, armed_ns: int, hit_ns: int) -> Cost:
        """Of the look that has just ended, and of what was passed on before it and meanwhile."""
        account, start_ns = self._account, self._given.start_ns
        hits, suspended = account.take_hits(armed_ns)
        account.book()
        during = Interval(armed_ns - start_ns, (hits.last_ns or time.monotonic_ns()) - start_ns)
        between, marks = account.take_between(), marks_since(start_ns, account.marks)
        return Cost(suspended, during, hit_ns - armed_ns, hits.count, hits.count, between, marks=marks)


def _armed(address: int, place: PlannedPlace, byte: bytes) -> Armed:
    if byte == INT3:
        raise NotAnswerable(
            f"there is a breakpoint already at {place.where}", "the program's own, or one that somebody left",
            "ask one line further on",
        )  # fmt: skip
    vectors = any(isinstance(node, Register) and node.number >= FIRST_VECTOR for node in walk(*place.plans))
    return Armed(address, place.where, byte, Evaluator(place.plans), vectors)


def check_number(plan: QuestionPlan, point: str) -> None:
    """NotAnswerable where a point is at more addresses than may be changed at once."""
    if len(plan.places) > MOST_PLACES:
        raise NotAnswerable(
            f"{point} is inlined at {len(plan.places)} places", f"at most {MOST_PLACES} can be watched at once",
            "name a caller, or a line of one",
        )  # fmt: skip


def _running(pid: int) -> int:
    return [procfs.task_state(pid, tid) for tid in procfs.threads(pid)].count(procfs.RUNNABLE)
