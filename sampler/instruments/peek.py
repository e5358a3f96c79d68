"""The ``peek`` instrument: memory whose place was found once is read again and again, and nobody notices.

No thread is stopped, trapped or waited for. What is read is not of a moment at which the program stands at the
point; of what is read twice it is told whether it changed meanwhile (``Anchor.copies``).
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Any, Self

from sampler.errors import NotPermitted
from sampler.instruments.anchor import Anchor, Anchoring
from sampler.instruments.base import Assignment
from sampler.instruments.compiled import Compiled
from sampler.instruments.peeked import Peeked
from sampler.instruments.presence import Presence
from sampler.linux import procfs
from sampler.linux.vector import check_permitted
from sampler.plan.numbers import NoAnswer
from sampler.sample import Cost, Interval, Look, Miss, Sample, Samples, Value, signed_reading

#: Samples that are wanted more often are taken several at a time.
_LEAST_PERIOD_NS = 2_000_000


class Peek:
    """Creating one compiles the question and chooses who looks up the addresses."""

    conditional = True  # it is asked where the anchor is
    lets_go = False  # nobody is held

    def __init__(self, assignment: Assignment) -> None:
        self._given, self._target, self._question = assignment, assignment.target, assignment.question
        self._presence = Presence(self._target)
        self._check_permitted()
        self._compiled = Compiled(assignment)
        self._anchoring = Anchoring(assignment, self._compiled.plan)
        asked_ns = self._question.timing.period_ns
        self._at_once = max(1, -(-_LEAST_PERIOD_NS // asked_ns))
        self.period_ns = asked_ns * self._at_once
        self._left = self._question.timing.count
        self._peeked: Peeked | None = None
        self._gone = ""  # why the last one could not be read
        self._open = ExitStack()

    def describe(self) -> dict[str, Any]:
        how = {"instrument": "peek", "at_once": self._at_once, "anchored_by": self._anchoring.by}
        return how | self._compiled.describe()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self._presence)
            opened.enter_context(self._anchoring)
            self._open = opened.pop_all()
        self._given.report("attach", {"suspended_ns": [0, 0]})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._open.__exit__(kind, value, trace)
        finally:
            suspended = self._anchoring.take_suspended().to_json()
            self._given.report("detach", {"suspended_ns": suspended, "anchors": self._anchoring.counts})

    def rest(self, until_ns: int) -> bool:
        """False if asked to stop."""
        return self._presence.rest(self._given.stop, until_ns)

    def look(self, deadline_ns: int) -> Look | None:
        if not self.rest(deadline_ns):
            return None
        found = self._look(deadline_ns)
        if self._left is not None and found is not None:
            self._left -= found.count
        return found

    def _check_permitted(self) -> None:
        target = self._target
        try:
            check_permitted(target.pid)
        except ProcessLookupError as error:
            raise self._presence.ended() from error
        except OSError as error:
            raise NotPermitted(
                f"the memory of process {target.pid} ({target.name}) may not be read",
                f"process_vm_readv: {error.strerror or error}",
                "allow that call (a container's profile may refuse it), or ask by another --instrument",
            ) from error

    # One look.

    def _look(self, deadline_ns: int) -> Look | None:
        begun_ns = time.monotonic_ns()
        peeked = self._placed(begun_ns)
        if self._given.stop.reason is not None:
            return None
        if peeked is None:
            return self._miss(*self._why(), begun_ns, deadline_ns)
        try:
            peeked.read()
            self._check_reader(peeked)
        except ProcessLookupError as error:  # its first thread has ended, and others go on
            self._presence.check()
            self._peeked = self._by_another_thread(peeked.anchor)
            return self._miss("gone", f"the memory cannot be read: {error.strerror}", begun_ns, deadline_ns)
        except OSError as error:
            self._presence.check()
            self._peeked, self._gone = None, f"the memory cannot be read: {error.strerror or error}"
            self._anchoring.forget(peeked.anchor)
            return self._miss("gone", self._gone, begun_ns, deadline_ns)
        self._presence.check()
        return self._answer(peeked, deadline_ns)

    def _placed(self, now_ns: int) -> Peeked | None:
        """What to read: where the last anchor says. If there is none, the next is waited for, or its miss."""
        anchoring, stop = self._anchoring, self._given.stop
        until_ns = now_ns + self._question.timing.window_ns
        while True:
            with suppress(BlockingIOError):
                os.eventfd_read(anchoring.told)
                self._presence.check()
                anchoring.check()
                self._peeked = self._at(anchoring.current)
                return self._peeked
            if self._peeked or stop.reason or not stop.wait_until(until_ns, anchoring.told):
                return self._peeked

    def _at(self, anchor: Anchor | None) -> Peeked | None:
        if anchor is None:
            return None
        if self._peeked is not None and self._peeked.anchor is anchor:
            return self._peeked
        self._gone = ""
        return Peeked(self._target.pid, anchor, self._compiled.bias, self._at_once)

    def _check_reader(self, peeked: Peeked) -> None:
        """ProcessLookupError if it was read by the number of a thread that has ended: it may be another process's."""
        if peeked.tid != self._target.pid and not procfs.task_state(self._target.pid, peeked.tid):
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))

    def _by_another_thread(self, anchor: Anchor) -> Peeked | None:
        """Memory is that of a thread, and the first one, by whose number the process goes, may have ended."""
        alive = [
            tid
            for tid in procfs.threads(self._target.pid)
            if procfs.task_state(self._target.pid, tid) not in ("", "X", "Z")
        ]
        return Peeked(alive[0], anchor, self._compiled.bias, self._at_once) if alive else None

    def _why(self) -> tuple[str, str]:
        """Reason and detail of a look that has nothing to read."""
        missed = self._anchoring.missed
        if missed is not None and missed.detail:
            return missed.reason, missed.detail
        return ("gone", self._gone) if self._gone else ("not-reached", "nobody came by to tell where the memory lies")

    def _answer(self, peeked: Peeked, deadline_ns: int) -> Look:
        cost = self._cost(peeked.begun_ns, peeked.ended_ns)
        late_ns = peeked.begun_ns - deadline_ns
        table = _Table(self._question.expressions)
        for at_ns, (values, torn) in zip(peeked.times_ns()[: self._wanted], peeked.answers(), strict=False):
            table.add(at_ns - self._given.start_ns, values, torn)
        if not table.times_ns:
            t_ns = peeked.begun_ns - self._given.start_ns
            return Miss(t_ns, "unreadable", cost, table.reason, late_ns, table.unanswered)
        return table.samples(cost, late_ns, self._compiled.plan.unsigned_bits)

    def _miss(self, reason: str, detail: str, begun_ns: int, deadline_ns: int) -> Miss:
        now_ns = time.monotonic_ns()
        cost = self._cost(begun_ns, now_ns)
        return Miss(begun_ns - self._given.start_ns, reason, cost, detail, begun_ns - deadline_ns, self._wanted)

    @property
    def _wanted(self) -> int:
        """Samples that are to be taken now."""
        return self._at_once if self._left is None else min(self._at_once, self._left)

    def _cost(self, begun_ns: int, ended_ns: int) -> Cost:
        """What the anchors have cost since the look before stands beside it."""
        during = Interval(begun_ns - self._given.start_ns, ended_ns - self._given.start_ns)
        return Cost(during_ns=during, between_ns=self._anchoring.take_suspended())


class _Table:
    """The samples of one turn, by columns."""

    def __init__(self, expressions: Sequence[str]) -> None:
        self._columns: dict[str, list[Value]] = {expression: [] for expression in expressions}
        self.times_ns: list[int] = []
        self._torn: list[int] = []
        self.unanswered, self.reason = 0, ""

    def add(self, at_ns: int, values: list[Value] | NoAnswer, torn: bool) -> None:
        if isinstance(values, NoAnswer):
            self.unanswered, self.reason = self.unanswered + 1, str(values)
            return
        if torn:
            self._torn.append(len(self.times_ns))
        self.times_ns.append(at_ns)
        for column, value in zip(self._columns.values(), values, strict=True):
            column.append(value)

    def samples(self, cost: Cost, late_ns: int, bits: Mapping[str, int]) -> Samples | Sample:
        """``bits``: the widths of unsigned differences, by expression."""
        columns = {name: [signed_reading(value, bits[name]) for value in self._columns[name]] for name in bits}
        signed = {name: column for name, column in columns.items() if any(one is not None for one in column)}
        found = Samples(
            self.times_ns, self._columns, cost, signed, late_ns, frozenset(self._torn), self.unanswered, self.reason
        )
        return found if len(found) + self.unanswered > 1 else found.sample(0)
