"""What a tracing tool is given and must do, and which there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, Protocol

from sampler.errors import SamplerError, UsageError
from sampler.sample import Interval
from sampler.tracing.events import Event, Failed, Reading
from sampler.tracing.process import Command
from sampler.tracing.tasks import Task


@dataclass(frozen=True, slots=True)
class Order:
    """A task for the probes of one process. ``every_ns``: how often is read what was counted.

    ``only``: whose hits count, by the number that the kernel has for the process; None where that is not known.
    ``bias``: what was added to the addresses of its executable.
    """

    task: Task
    pid: int
    only: int | None
    bias: int
    every_ns: int


class Tool(Protocol):
    """Creating one writes the program, ``text``, and checks what can be checked without setting a probe.

    Raises TracerError, NotPermitted, NotAnswerable, NotExpressible.
    """

    #: Whether it sets probes, other than static ones, in every process that runs the file.
    everywhere: ClassVar[bool]
    name: str
    text: str

    def __init__(self, order: Order) -> None: ...

    def describe(self) -> dict[str, Any]:
        """Name and version, for the recording's header."""

    def command(self) -> Command: ...

    def events(self, line: str) -> Iterator[Event]:
        """What a line of its output tells."""

    def last(self, at_ns: Interval) -> Iterator[Reading]:
        """After its end: what is still to be told. ``at_ns``: from when it was asked to end to when it had."""

    def explain(self, complaints: Sequence[str], failed: Failed | None) -> SamplerError:
        """Why it has ended before it was asked to. ``complaints``: what it wrote to its standard error."""


# The first is taken where none is named: BCC's probes are met by nobody but the target.
TOOLS = {
    "bcc": ("sampler.tracing.bcc", "Bcc"),
    "bpftrace": ("sampler.tracing.bpftrace", "Bpftrace"),
}


def tool_class(name: str) -> type[Tool]:
    """The tool of that name; UsageError if there is none."""
    if name not in TOOLS:
        raise UsageError(f"no tool {name!r}", fix=f"choose one of {', '.join(TOOLS)}")
    module, kind = TOOLS[name]
    chosen: type[Tool] = getattr(import_module(module), kind)
    return chosen
