"""The ``dlv`` instrument: Delve, driven as a person would: interrupt, break, continue, print, clear, continue.

Every thread of the target is suspended from the interrupt to the first continue, and from the hit to
the second.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from sampler.debuginfo.executable import Executable
from sampler.errors import BinaryError, DebuggerEnded, NotPermitted, PointNotFound, SamplerError
from sampler.expression.syntax import check_expression
from sampler.instruments import dlv_text
from sampler.instruments.base import Assignment
from sampler.instruments.dialogue import Dialogue
from sampler.instruments.dlv_tool import DelveTool, find_delve
from sampler.instruments.language import RUN_VARIABLE, Breakpoint, Command
from sampler.instruments.scripted import ScriptedDebugger
from sampler.linux import procfs
from sampler.question import Question
from sampler.target import Target

# Delve prints sources and folds long values by its user's configuration; ours is its own.
_SETTINGS = {
    "dlv/config.yml": "source-list-line-count: 0\nmax-string-len: 256\nmax-array-values: 16\n",
    # Else it starts a second process that writes statistics into the home folder.
    "go/telemetry/mode": "off\n",
}
_CLOSEST_NAMES = 3


class Delve(ScriptedDebugger):
    """Delve as an instrument; creating it checks the tool, the binary and the question."""

    def __init__(self, assignment: Assignment) -> None:
        for expression in assignment.question.expressions:
            check_expression(expression)
        self._tool = check_binary(assignment.target)
        check_point(assignment.question, assignment.target)
        super().__init__(assignment, DelveLanguage(self._tool))

    def describe(self) -> dict[str, Any]:
        return {"instrument": "dlv", "tool": {"path": self._tool.path, "version": self._tool.version_text}}


class DelveLanguage:
    """Delve's terminal client."""

    prompt = dlv_text.PROMPT
    resume = "continue"
    clear_all = "clearall"
    parse_stop = staticmethod(dlv_text.parse_stop)
    parse_breakpoint = staticmethod(dlv_text.parse_breakpoint)
    check_cleared = staticmethod(dlv_text.check_cleared)
    check_all_cleared = staticmethod(dlv_text.check_all_cleared)
    parse_value = staticmethod(dlv_text.parse_value)
    parse_type = staticmethod(dlv_text.parse_type)
    unsigned_bits = staticmethod(dlv_text.unsigned_bits)

    def __init__(self, tool: DelveTool) -> None:
        self._tool = tool
        self._home: str | None = None

    def start(self, target_pid: int) -> Command:
        # A home of its own: Delve moves and reads its user's configuration, and writes a history.
        # No PATH: with debuginfod-find on it, Delve would ask the network for sources, target suspended.
        self._home = tempfile.mkdtemp(prefix="sampler-dlv-")
        for name, text in _SETTINGS.items():
            file = Path(self._home, name)
            file.parent.mkdir(parents=True)
            file.write_text(text)
        environment = {
            "TERM": "dumb",
            "HOME": self._home,
            "XDG_CONFIG_HOME": self._home,
            "PATH": "",
            RUN_VARIABLE: os.environ.get(RUN_VARIABLE, ""),
        }
        return Command(self._tool.path, ["attach", str(target_pid)], environment)

    def discard_files(self) -> None:
        # At its prompt it has read its configuration and opened its history.
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    def set_breakpoint(self, point: str) -> str:
        return f"break *{point}" if point.startswith("0x") else f"break {point}"

    def clear(self, found: Breakpoint) -> str:
        return f"clear {found.number}"

    def show(self, expression: str) -> str:
        return f"print {expression}"

    def show_type(self, expression: str) -> str:
        return f"whatis {expression}"

    def explain_end(self, error: DebuggerEnded) -> SamplerError:
        if "not permitted" in error.why:
            return NotPermitted("Delve may not attach", error.why, "run as root or with CAP_SYS_PTRACE")
        return error

    def quit(self, dialogue: Dialogue) -> None:
        dialogue.send("quit")
        dialogue.answer(dlv_text.KILL_QUESTION)
        dialogue.resume("n")
        dialogue.wait_for_end()


def check_binary(target: Target) -> DelveTool:
    """The Delve that can read this target's executable; BinaryError or DebuggerError if there is none."""
    with open(procfs.executable(target.pid), "rb") as file:
        executable = Executable(file, target.executable)
        if executable.go_version is None:
            raise BinaryError(
                f"{target.name} is not a Go program", "Delve reads no other", "ask it by --instrument ptrace"
            )
        if not executable.has_debug_info:
            raise BinaryError(
                f"{target.executable} is stripped",
                "it has no debug information to find names in",
                "build it without -ldflags='-s -w' and do not run strip on it",
            )
        tool = find_delve()
        tool.check(executable.go_version)
        return tool


def check_point(question: Question, target: Target) -> None:
    """PointNotFound if no function of that name can be in the executable: said before attaching."""
    if question.point.startswith("0x") or ":" in question.point:
        return  # an address or a line: Delve will say
    last = re.search(r"[^.()*/]+$", question.point.partition("[")[0])
    with open(procfs.executable(target.pid), "rb") as file:
        executable = Executable(file, target.executable)
        if last is None or not executable.names_a_function(last[0]):
            raise PointNotFound(
                f"there is no function {question.point} in {target.executable}",
                _similar(executable, question.point),
                "name it as in the program, like main.write",
            )


def _similar(executable: Executable, name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, executable.names_like(name), _CLOSEST_NAMES)
    return f"did you mean {' or '.join(close)}?" if close else ""
