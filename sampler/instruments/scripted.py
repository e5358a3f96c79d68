"""A look by a scripted debugger, as a state machine over its prompts.

What the debugger prints decides the next step; nothing is sent because of time alone. What differs
between debuggers is a ``Language``; how the target is taken and given back is ``Custody``.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from sampler.errors import DebuggerError, ExpressionRefused, QuestionError, TargetEnded
from sampler.expression.syntax import is_difference
from sampler.instruments.base import Assignment
from sampler.instruments.custody import Custody
from sampler.instruments.language import AskAgain, Breakpoint, Language, Stop, Unreadable
from sampler.linux import procfs, rights
from sampler.sample import Cost, Interval, Miss, Sample, Value, marks_since, signed_readings


class ScriptedDebugger:
    """The sampling instrument made of a debugger that speaks ``language``."""

    conditional = False
    lets_go = False  # to attach anew would cost more than any look

    def __init__(self, assignment: Assignment, language: Language) -> None:
        self._given, self._language = assignment, language
        self.period_ns = assignment.question.timing.period_ns
        self._question, self._target = assignment.question, assignment.target
        rights.check_writable(self._target.pid, " for a debugger")
        rights.check_signals(self._target.pid, " for a debugger")
        self._custody = Custody(assignment, language)
        self._types: dict[str, str | None] = {}
        self._answered = False
        # Now and not at a look: to parse takes longer than to ask.
        self._differences = [text for text in self._question.expressions if is_difference(text)]

    def __enter__(self) -> Self:
        self._custody.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._custody.__exit__(kind, value, trace)

    def look(self, deadline_ns: int) -> Sample | Miss | None:
        """Waits for the deadline, then one look; None when asked to stop. Raises SamplerError."""
        try:
            return self._look_once(deadline_ns) if self.rest(deadline_ns) else None
        except (QuestionError, DebuggerError) as error:
            # A target that ends in mid-dialogue makes the debugger say all sorts of things.
            if procfs.is_same_process(self._target.pid, self._target.start_ticks):
                raise
            raise TargetEnded(f"process {self._target.pid} ({self._target.name}) ended") from error

    def _look_once(self, deadline_ns: int) -> Sample | Miss | None:
        begun_ns = time.monotonic_ns()
        talk = self._custody.talk
        talk.marks.clear()
        self._halt()
        found = self._arm()
        armed_ns = time.monotonic_ns()
        stop = self._run_until_hit(armed_ns + self._question.timing.window_ns, found)
        hit_ns = time.monotonic_ns()
        threads = len(procfs.threads(self._target.pid))
        outcome = self._read_values() if found.number in stop.hits else self._why_missed(stop)
        self._clear(found)
        self._custody.resume()
        ended_ns = time.monotonic_ns()
        if outcome is None:
            self._custody.report("abandoned")
            return None
        during = Interval(self._since_start(begun_ns), self._since_start(ended_ns))
        hits, spent = stop.hits.count(found.number), talk.suspension.take(time.monotonic_ns())
        marks = marks_since(self._given.start_ns, [*talk.marks, ("resumed", ended_ns)])
        cost = Cost(spent, during, hit_ns - armed_ns, threads, hits, marks=marks)
        return self._result(outcome, self._since_start(hit_ns), cost, max(0, begun_ns - deadline_ns))

    def _since_start(self, monotonic_ns: int) -> int:
        return monotonic_ns - self._given.start_ns

    def _result(
        self, outcome: dict[str, Value] | tuple[str, str], t_ns: int, cost: Cost, late_ns: int
    ) -> Sample | Miss:
        if isinstance(outcome, tuple):
            return Miss(t_ns, outcome[0], cost, outcome[1], late_ns)
        self._answered = True
        return Sample(t_ns, outcome, cost, self._signed(outcome), late_ns)

    def rest(self, until_ns: int) -> bool:
        """Lets the target run until the deadline; whatever stops it meanwhile is passed on at once."""
        while (text := self._custody.talk.wait(until_ns, stoppable=True)) is not None:
            self._custody.take_note(self._language.parse_stop(text))
            self._custody.resume()
        return self._given.stop.reason is None

    def _halt(self) -> None:
        stop = self._custody.halt()
        self._custody.talk.mark("stopped")
        self._custody.take_note(stop)

    def _arm(self) -> Breakpoint:
        point, talk = self._question.point, self._custody.talk
        found = self._language.parse_breakpoint(talk.ask(self._language.set_breakpoint(point)), point)
        talk.mark("set")
        return found

    def _clear(self, found: Breakpoint) -> None:
        talk = self._custody.talk
        self._language.check_cleared(talk.ask(self._language.clear(found)), found)
        talk.mark("cleared")

    def _run_until_hit(self, until_ns: int, found: Breakpoint) -> Stop:
        """Runs until the breakpoint is met, something else stops the target, or time is up."""
        while True:
            self._custody.talk.resume(self._language.resume, armed=True)
            text = self._custody.talk.wait(until_ns, stoppable=True)
            stop = self._custody.halt() if text is None else self._language.parse_stop(text)
            self._custody.talk.mark("hit" if found.number in stop.hits else "stopped")
            self._custody.take_note(stop)
            # An interrupt that was asked for twice stops the target once more: that is nobody's stop.
            stale = text is not None and not stop.hits and not stop.named
            if not stale or time.monotonic_ns() >= until_ns:
                return stop

    def _why_missed(self, stop: Stop) -> tuple[str, str] | None:
        """A reason and its detail; None if we were asked to stop before the window was over."""
        if stop.named:
            return "stopped-by-target", stop.named
        if self._given.stop.reason:
            return None
        return "not-reached", f"{self._question.point} was not called in time"

    def _read_values(self) -> dict[str, Value] | tuple[str, str]:
        """All values, or the reason and detail of a miss: a sample is whole or none."""
        values: dict[str, Value] = {}
        for expression in self._question.expressions:
            try:
                values[expression] = self._read_value(expression)
            except Unreadable as error:
                return "unreadable", f"{expression}: {error}"
        self._custody.talk.mark("answered")
        return values

    def _read_value(self, expression: str) -> Value:
        talk = self._custody.talk
        try:
            value = self._asked(self._language.show(expression), expression)
        except ExpressionRefused as error:
            if self._answered:  # it was well before: one of several places of an inlined function, say
                raise Unreadable(error.why) from error
            raise
        if expression not in self._types:
            self._types[expression] = self._language.parse_type(talk.ask(self._language.show_type(expression)))
            self._given.report("type", {"expression": expression, "value_type": self._types[expression]})
        return value

    def _asked(self, command: str, expression: str) -> Value:
        try:
            return self._language.parse_value(self._custody.talk.ask(command), expression)
        except AskAgain as first:
            try:
                return self._language.parse_value(self._custody.talk.ask(first.command), expression)
            except AskAgain:  # what has a name and no number, as an empty struct of Rust
                return first.shown

    def _signed(self, values: dict[str, Value]) -> dict[str, int]:
        """The second reading of differences that wrapped; no other large unsigned value has one."""
        widths = {name: self._language.unsigned_bits(self._types.get(name)) for name in self._differences}
        return signed_readings(values, {name: bits for name, bits in widths.items() if bits})
