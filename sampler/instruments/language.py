"""What differs between debuggers: how one is started, spoken to and understood."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sampler.errors import DebuggerEnded, SamplerError
from sampler.sample import Value

if TYPE_CHECKING:
    from sampler.instruments.dialogue import Dialogue


#: Names, in the environment of the recorder and of its debugger, the run that they belong to.
RUN_VARIABLE = "SAMPLER_RUN"


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start, its arguments, and all of its environment.

    ``stop_signal``: sent to the target, it makes the debugger stop it; None where the debugger itself is
    sent SIGINT for that.
    """

    program: str
    arguments: list[str]
    environment: dict[str, str]
    stop_signal: signal.Signals | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the debugger shows its prompt. ``hits``: the breakpoints met, one entry a thread.

    ``named``: a stop of the debugger's own making (a panic, a fatal signal) or None.
    ``exit_status``: of a target that has ended, else None.
    """

    hits: tuple[int, ...] = ()
    named: str | None = None
    exit_status: int | None = None


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """The debugger's number for it, and where it stands: one point may be several addresses."""

    number: int
    addresses: tuple[int, ...]


class Unreadable(Exception):
    """An expression has no value at this moment: the look is a miss."""


class AskAgain(Exception):
    """The answer may not be the value itself: another command gives that. ``shown``: the answer, if it does not."""

    def __init__(self, command: str, shown: str) -> None:
        super().__init__(command)
        self.command, self.shown = command, shown


class Language(Protocol):
    """How one debugger is started, spoken to and understood."""

    prompt: str
    resume: str
    clear_all: str

    def start(self, target_pid: int) -> Command:
        """The command that attaches."""

    def discard_files(self) -> None:
        """What was made for ``start`` is needed no more: the debugger is at its first prompt, or has ended."""

    def set_breakpoint(self, point: str) -> str: ...

    def clear(self, found: Breakpoint) -> str: ...

    def show(self, expression: str) -> str: ...

    def show_type(self, expression: str) -> str: ...

    def parse_stop(self, text: str) -> Stop: ...

    def parse_breakpoint(self, text: str, point: str) -> Breakpoint: ...

    def check_cleared(self, text: str, found: Breakpoint) -> None:
        """Raises DebuggerRefused if the answer to ``clear`` does not say so."""

    def check_all_cleared(self, text: str) -> None:
        """Raises DebuggerRefused if the answer to ``clear_all`` tells of a failure."""

    def parse_value(self, text: str, expression: str) -> Value: ...

    def parse_type(self, text: str) -> str | None: ...

    def unsigned_bits(self, type_name: str | None) -> int | None: ...

    def explain_end(self, error: DebuggerEnded) -> SamplerError:
        """A better error for a debugger that ended while attaching."""

    def quit(self, dialogue: Dialogue) -> None:
        """From a prompt to the debugger's end, the target going on."""
