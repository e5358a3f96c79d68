"""What a sampling instrument is, and which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from sampler.errors import UsageError
from sampler.linux.wakeup import StopRequest
from sampler.question import Question
from sampler.sample import Look
from sampler.target import Target

if TYPE_CHECKING:  # the list of names is wanted by the command line, which is to start at once
    from sampler.planning import QuestionPlan

Report = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an instrument is given: what is asked of whom, when to stop, and where to report events.

    ``start_ns``: the monotonic time that a run's times count from.
    ``lifeline``: a socket to the front end that may keep descriptors alive beyond our own end.
    ``text_check_s``: how long comparing the target's text with its file took, for the time that a
    rescue needs. ``plan``: the question, where it is compiled already.
    """

    question: Question
    target: Target
    stop: StopRequest
    report: Report
    start_ns: int
    lifeline: int | None = None
    text_check_s: float = 0.0
    plan: QuestionPlan | None = None


class SamplingInstrument(Protocol):
    """Attaches on entry and leaves the target as found on exit, however the block ended.

    Creating one checks all that can be checked without touching the target, and raises SamplerError.
    ``lets_go``: after a look nobody holds the target any more, once the thread that looked has ended; the
    next look is to be another thread's. ``conditional``: it understands ``--when``. ``period_ns``: from one
    look to the next, as asked; a look that gives several samples takes the place of several.
    """

    lets_go: bool
    period_ns: int
    conditional: ClassVar[bool]

    def __init__(self, assignment: Assignment) -> None: ...

    def describe(self) -> dict[str, Any]:
        """For the recording's header: the instrument's name and its tool's version."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def rest(self, until_ns: int) -> bool:
        """Lets the target run until then (monotonic), serving whatever stops it; False if asked to stop."""

    def look(self, deadline_ns: int) -> Look | None:
        """Waits for the deadline (monotonic) and looks once; None if asked to stop before it was done."""


#: Stands for the gentlest instrument that can answer.
AUTO = "auto"
# Modules are named here and imported when chosen, so that no tool's imports are paid by another.
INSTRUMENTS = {
    "dlv": ("sampler.instruments.dlv", "Delve"),
    "gdb": ("sampler.instruments.gdb", "Gdb"),
    "ptrace": ("sampler.instruments.ptrace", "Ptrace"),
    "perf": ("sampler.instruments.perf", "Perf"),
    "peek": ("sampler.instruments.peek", "Peek"),
}
#: Of these, the ones that are programs of others, driven through a dialogue.
DEBUGGERS = ("dlv", "gdb")
#: Tools that set probes which every hit pays for: ``sampler/tracing``.
TRACING = ("bpftrace", "bcc")


def instrument_class(name: str) -> type[SamplingInstrument]:
    """The instrument of that name; UsageError if there is none."""
    if name not in INSTRUMENTS:
        raise UsageError(f"no instrument {name!r}", fix=f"choose one of {', '.join(INSTRUMENTS)}")
    module, kind = INSTRUMENTS[name]
    chosen: type[SamplingInstrument] = getattr(import_module(module), kind)
    return chosen
