"""Which instrument asks: the one that was named, or the gentlest that can answer here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sampler.errors import BinaryError, DebuggerError, ExpressionBeyond, NotAnswerable, NotPermitted, SamplerError
from sampler.instruments.base import AUTO, Assignment, SamplingInstrument, instrument_class
from sampler.planning import plan_question

#: Those that compile the question, the gentler one first; after them comes the debugger of the language.
COMPILING = ("perf", "ptrace")
#: What one instrument refuses and another may not. Whoever has misspelt a name is told so by the first:
# a debugger would suspend the target to say the same.
ANOTHER_MAY = (BinaryError, NotAnswerable, NotPermitted, ExpressionBeyond, DebuggerError)


@dataclass(frozen=True, slots=True)
class Choice:
    """``passed_over``: the gentler ones, and why they cannot; None where the instrument was named."""

    instrument: SamplingInstrument
    passed_over: Mapping[str, SamplerError] | None = None

    def describe(self) -> dict[str, Any]:
        """For the recording's header."""
        about = self.instrument.describe()
        if self.passed_over is None:
            return about
        return about | {"passed_over": {name: error.reason for name, error in self.passed_over.items()}}


@dataclass(slots=True)
class Attempts:
    """Instruments tried in turn; each that cannot leaves its reason."""

    refused: dict[str, SamplerError] = field(default_factory=dict)

    def make(self, name: str, assignment: Assignment) -> SamplingInstrument | None:
        try:
            return made(name, assignment)
        except ANOTHER_MAY as error:
            self.refused[name] = error
            return None

    def said(self, gentlest: str, debugger: str) -> SamplerError:
        """Why there was none: for that one's reason, unless it is for want of a debugger."""
        reason, wanting = self.refused[gentlest], self.refused.get(debugger)
        if isinstance(wanting, DebuggerError) and isinstance(reason, (ExpressionBeyond, NotAnswerable)):
            return type(wanting)(reason.what, f"{reason.why}, and for a debugger {wanting.reason}", wanting.fix)
        return reason


def choose(name: str, assignment: Assignment) -> Choice:
    """The instrument of that name; by AUTO the gentlest that can answer. Nothing is attached. Raises SamplerError.

    Where the question comes compiled, it is that which is asked, and no debugger could: it would read the text.
    """
    if name != AUTO:
        return Choice(made(name, assignment))
    attempts = Attempts()
    try:
        plan = assignment.plan or plan_question(assignment.question, assignment.target)
        compiled = replace(assignment, plan=plan)
    except ANOTHER_MAY as error:
        attempts.refused |= dict.fromkeys(COMPILING, error)
        compiled = assignment
    debugger = "dlv" if assignment.target.go_version is not None else "gdb"
    for one in (*COMPILING, debugger) if assignment.plan is None else COMPILING:
        instrument = attempts.make(one, compiled) if one not in attempts.refused else None
        if instrument is not None:
            return Choice(instrument, attempts.refused)
    raise attempts.said("perf" if assignment.question.when is not None else "ptrace", debugger)


def made(name: str, assignment: Assignment) -> SamplingInstrument:
    """NotAnswerable also where a condition is given that the instrument would pass over."""
    kind = instrument_class(name)
    if assignment.question.when is not None and not kind.conditional:
        raise NotAnswerable(f"{name} knows no condition", "every hit answers", "leave out --when, or ask with perf")
    return kind(assignment)
