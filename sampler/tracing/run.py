"""One run that traces: which tool, its results as the recording has them, the budget, and why it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from sampler.errors import BudgetExceeded, NotAnswerable, NotPermitted, SamplerError, TracerMissing
from sampler.instruments.base import AUTO, Report
from sampler.linux.wakeup import StopRequest
from sampler.question import AnyQuestion, Question
from sampler.resolve import find_pid, resolve
from sampler.sample import Cost, Interval, Look, Miss
from sampler.tally import Tally
from sampler.target import Target
from sampler.tracing.base import TOOLS
from sampler.tracing.events import Hit
from sampler.tracing.questions import task_of
from sampler.tracing.samples import Answering
from sampler.tracing.tasks import Watching
from sampler.tracing.tracer import Assignment, Tracer
from sampler.units import NS_PER_SECOND, format_duration

#: So long hits are met before it is said that they take too much: the first ones may come in a crowd.
_JUDGED_AFTER_NS = NS_PER_SECOND // 4
_LATE_NS = NS_PER_SECOND // 20  # a tool's timer is no clock


class TracingRun:
    """Creating one finds the points and writes the program; nothing is set. Raises SamplerError."""

    def __init__(
        self, question: AnyQuestion, tool: str, target: Target, stop: StopRequest, report: Report, start_ns: int
    ) -> None:
        self._question, self._target, self._stop = question, target, stop
        self._task = task_of(question, target)
        self._passed_over: Mapping[str, SamplerError] | None = None
        self._tracer = self._made(tool, report, start_ns)
        self._answering = Answering(self._task, start_ns) if isinstance(self._task, Watching) else None
        self._hits = 0
        self._already = {"unreadable": 0, "lost": 0}
        self._over: BudgetExceeded | None = None
        self._first: Tally | None = None
        self._untold: Tally | None = None
        self._due_ns: int | None = None

    @property
    def text(self) -> str:
        """The program."""
        return self._tracer.text

    @property
    def hit_ns(self) -> Interval:
        """What a hit takes, without its handler."""
        return self._tracer.costs.each

    def describe(self) -> dict[str, Any]:
        """For the recording's header."""
        about = self._tracer.describe()
        if self._passed_over is None:
            return about
        return about | {"passed_over": {name: error.reason for name, error in self._passed_over.items()}}

    @property
    def ended(self) -> str:
        return self._stop.reason or "duration"

    def results(self) -> Iterator[Look | Tally]:
        """Raises BudgetExceeded, TargetEnded and others, after all that was found was given."""
        ended: SamplerError | None = None
        with self._tracer as tracer:
            try:
                for result in tracer.results(self._question.timing.duration_ns):
                    if isinstance(result, Tally):
                        yield from self._told(result)
                        self._judge(result)
                    elif self._answering is not None and (hits := self._wanted(result)):
                        yield from self._answering.looks(hits, tracer.costs.each)
            except SamplerError as error:
                ended = error
            if self._untold is not None:
                yield self._untold
        if ended := ended or self._over:
            raise ended

    def _told(self, tally: Tally) -> Iterator[Look | Tally]:
        """Where each hit is an answer, only those that are none are still to be told."""
        if self._answering is None or self._question_sums_up:
            yield from self._due(tally)
            return
        for reason, detail, count in (
            (
                "unreadable",
                "something on the way is nil or out of bounds",
                tally.unreadable - self._already["unreadable"],
            ),
            ("lost", "there was no room for the answer", tally.lost - self._already["lost"]),
        ):
            if count > 0:
                self._already[reason] += count
                yield Miss(tally.t_ns, reason, Cost(self._tracer.costs.total(count), hits=count), detail, count=count)

    def _due(self, tally: Tally) -> Iterator[Tally]:
        """It is read more often than it is told, so that the last is not old."""
        period_ns = self._question.timing.period_ns
        if self._due_ns is None or tally.read_ns.low >= self._due_ns:
            self._due_ns = (self._due_ns or tally.read_ns.low - _LATE_NS) + period_ns
            self._untold = None
            yield tally
        else:
            self._untold = tally

    @property
    def _question_sums_up(self) -> bool:
        return isinstance(self._question, Question) and self._question.aggregate is not None

    def _made(self, tool: str, report: Report, start_ns: int) -> Tracer:
        """The tool that was named, else the first that is there."""
        given = (self._target, self._stop, report, start_ns, self._question.timing.period_ns)
        if tool != AUTO:
            return Tracer(Assignment(self._task, tool, *given))
        refused: dict[str, SamplerError] = {}
        for name in TOOLS:
            try:
                made = Tracer(Assignment(self._task, name, *given))
            except (TracerMissing, NotPermitted, NotAnswerable) as error:
                refused[name] = error
                continue
            self._passed_over = refused or None
            return made
        raise next(iter(refused.values()))

    def _wanted(self, hits: list[Hit]) -> list[Hit]:
        """As many as were asked for, no more."""
        count = self._question.timing.count
        left = len(hits) if count is None else count - self._hits
        self._hits += min(left, len(hits))
        if count is not None and self._hits >= count:
            self._stop.request("count")
        return hits[: max(0, left)]

    def _judge(self, tally: Tally) -> None:
        """Asks for the end if hits surely take more than the budget. Those of several threads may well take more than
        the time there is: all of it is no limit.
        """
        if self._first is None:
            self._first = tally  # there were hits before all probes were set
        budget, first = self._question.budget, self._first
        elapsed_ns, hits = tally.read_ns.high - first.read_ns.low, tally.cost.hits - first.cost.hits
        if self._stop.reason is not None or budget.max_suspended >= 1 or elapsed_ns < _JUDGED_AFTER_NS:
            return
        each_ns = self._tracer.costs.each
        if hits * each_ns.low > budget.max_suspended * elapsed_ns:
            self._over = _too_much(self._question, hits, elapsed_ns, each_ns)
            self._stop.request("budget")


def program_of(question: AnyQuestion, tool: str, target: str | None) -> str:
    """The text of what would run; nothing is set. Raises SamplerError."""
    stop = StopRequest()
    try:
        found = resolve(find_pid(target))
        return TracingRun(question, tool, found, stop, lambda *_: None, time.monotonic_ns()).text
    finally:
        stop.close()


def _too_much(question: AnyQuestion, hits: int, elapsed_ns: int, each_ns: Interval) -> BudgetExceeded:
    point = question.point if isinstance(question, Question) else question.to_json()["point"]
    rate = hits * NS_PER_SECOND / elapsed_ns
    share = hits * each_ns.low / elapsed_ns
    return BudgetExceeded(
        f"{point} is met {rate:,.0f} times a second, at {format_duration(each_ns.low)} or more a hit",
        f"that is {share:.0%} of the time, more than the {question.budget.max_suspended * 100:.3g}% of --max-suspended",
        "allow more with --max-suspended 100%, or sample: sampler watch … --instrument perf",
    )
