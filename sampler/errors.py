"""Every way a run can fail, as a type: what happened, why, and the remedy.

Only ``sampler.cli`` prints an error; everybody else raises one. An error crosses from the recorder
to the front end inside the recording's footer (``to_json`` and ``from_json``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

#: Makes an unexpected error show where it came from.
DEBUG_VARIABLE = "SAMPLER_DEBUG"


# Of several errors, those that are told one by one.
_MOST_TOLD = 3


class SamplerError(Exception):
    """The base of all: one line of text made of ``what``, ``why`` and ``fix``."""

    exit_status: int = 1

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(what, why, fix)
        self.what, self.why, self.fix = what, why, fix

    @property
    def reason(self) -> str:
        """What and why, without the remedy."""
        return f"{self.what}: {self.why}" if self.why else self.what

    def __str__(self) -> str:
        line = f"{self.reason}; {self.fix}" if self.fix else self.reason
        # One line, whatever a user typed or a debugger said; nothing in it steers a terminal.
        return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in line)

    def to_json(self) -> dict[str, Any]:
        return {"kind": type(self).__name__, "what": self.what, "why": self.why, "fix": self.fix}

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> SamplerError:
        """The same error again, of the same type where this version knows it."""
        kinds = {kind.__name__: kind for kind in _descendants(SamplerError)}
        kind = kinds.get(str(fields.get("kind")), SamplerError)
        return kind(*(str(fields.get(part, "")) for part in ("what", "why", "fix")))


def _descendants(kind: type[SamplerError]) -> list[type[SamplerError]]:
    return [kind, *(heir for child in kind.__subclasses__() for heir in _descendants(child))]


class UsageError(SamplerError):
    """The command line asks for something that makes no sense."""

    exit_status = 2


class ExpressionError(UsageError):
    """The expression is not of our grammar; nothing of it reached a debugger."""


class PointError(UsageError):
    """The text of the program point is not of a form that we know."""


class TargetError(SamplerError):
    """The process cannot be asked."""


class NoSuchProcess(TargetError):
    """No process of that PID or name."""


class AmbiguousName(TargetError):
    """Several processes of that name."""


class NotPermitted(TargetError):
    """The kernel does not let us trace that process."""


class NotTraceable(TargetError):
    """A kernel thread, a zombie, a stopped process, or ourselves."""


class AlreadyTraced(TargetError):
    """Another tracer has the process; Linux allows one."""


class BinaryError(TargetError):
    """The executable is not one that this instrument can read."""


class NoDebugInfo(BinaryError):
    """The executable is stripped, and there is no debug file for it."""


class QuestionError(SamplerError):
    """The debugger understood the question and refused it."""


class PointNotFound(QuestionError):
    """No such function, file or line in the target."""


class PointAmbiguous(QuestionError):
    """Several places answer to that name."""


class ExpressionRefused(QuestionError):
    """The expression cannot be evaluated at that point."""


class NoValueHere(ExpressionRefused):
    """The names are right, but the compiler kept no value at that instruction."""


class ExpressionBeyond(ExpressionRefused):
    """The question makes sense, but is of a sort that is not compiled; a debugger may answer it."""


class NotAnswerable(QuestionError):
    """The instrument cannot ask there."""


class DebuggerError(SamplerError):
    """The debugger is missing, unfit, hung, gone or disobedient."""


class DebuggerMissing(DebuggerError):
    """No such program."""


class DebuggerUnfit(DebuggerError):
    """Its version does not know the target's Go version."""


class DebuggerHung(DebuggerError):
    """It did not answer in time; the target was taken back by force."""


class DebuggerEnded(DebuggerError):
    """It ended before we let it go."""


class DebuggerRefused(DebuggerError):
    """It did not do what it was told."""


class TracerError(SamplerError):
    """The tool that sets the probes is missing, unfit, gone or refused."""


class TracerMissing(TracerError):
    """No such tool, or not what it needs."""


class TracerRefused(TracerError):
    """It, or the kernel on its behalf, did not take the program."""


class RecordingError(SamplerError):
    """A recording cannot be read, or not be written."""


class OutputError(RecordingError):
    """A file cannot be written: not there, not ours, or no space left."""


class RecorderLost(SamplerError):
    """The recorder ended without a footer."""


class FleetFailed(SamplerError):
    """Some of several targets did not answer to the end; the others did."""

    @staticmethod
    def of(errors: Mapping[str, SamplerError], members: int) -> FleetFailed:
        """``errors``: what each that failed ended with. The exit status is theirs, where they share one."""
        why = {label: error.reason for label, error in errors.items()}
        told = [f"{label}: {reason}" for label, reason in why.items()][:_MOST_TOLD]
        if len(set(why.values())) == 1:  # said once
            told = [f"{', '.join(why)}: {next(iter(why.values()))}" if len(why) <= _MOST_TOLD else min(why.values())]
        rest = [f"and {len(errors) - len(told)} more"] if len(told) == _MOST_TOLD < len(errors) else []
        fixes = {error.fix for error in errors.values()}
        failed = FleetFailed(
            f"{len(errors)} of {members} targets failed", "; ".join(told + rest), fixes.pop() if len(fixes) == 1 else ""
        )
        statuses = {error.exit_status for error in errors.values()}
        failed.exit_status = statuses.pop() if len(statuses) == 1 else SamplerError.exit_status
        return failed


class CounterLost(SamplerError):
    """How far a target gets cannot be measured any more."""


class LeftUntidy(SamplerError):
    """After an instrument had left, the target was not as before; or somebody else holds it."""


class AgentError(SamplerError):
    """The agent on a node does not do what it is asked for."""


class AgentMissing(AgentError):
    """Nobody serves there, so that nobody would know of the run."""


class AgentExpired(AgentError):
    """The agent's time is over, or it is about to end."""


class AskerSilent(AgentError):
    """Whoever has asked for a run gives no sign of life."""


class AgentBusy(AgentError):
    """It has as many runs as its memory has room for."""


class WrongContainer(TargetError):
    """The process is not of the container that was meant."""


class BudgetExceeded(SamplerError):
    """The target was let go to keep the promise made by ``--max-pause`` and ``--max-suspended``."""

    exit_status = 3


class TargetEnded(SamplerError):
    """The target ended while we looked."""

    exit_status = 4


class LibraryMissing(SamplerError):
    """What compares or draws is not in this installation: the image has what records alone."""


class InternalError(SamplerError):
    """An error of our own, or of the system where none was expected."""

    @staticmethod
    def of(error: Exception) -> InternalError:
        """Anything that is no SamplerError, as one; with $SAMPLER_DEBUG set, its traceback is printed."""
        if os.environ.get(DEBUG_VARIABLE):
            import traceback

            traceback.print_exception(error)
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return InternalError(
            "sampler failed", why, f"if this is no fault of the machine, report it; {DEBUG_VARIABLE}=1 tells more"
        )
