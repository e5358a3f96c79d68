"""The ``gdb`` instrument: GDB, driven through the same dialogue as Delve, for native programs.

GDB stops an attached target by sending it SIGINT, which would end the target if GDB were killed
before it has taken that signal back. So we stop it ourselves, by a signal that does no harm.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from typing import Any

from sampler.debuginfo.points import Points
from sampler.errors import BinaryError, DebuggerEnded, NotAnswerable, NotPermitted, SamplerError
from sampler.expression.syntax import check_expression
from sampler.instruments import gdb_text
from sampler.instruments.base import Assignment
from sampler.instruments.dialogue import Dialogue
from sampler.instruments.gdb_tool import GdbTool, find_gdb
from sampler.instruments.language import RUN_VARIABLE, Breakpoint, Command
from sampler.instruments.scripted import ScriptedDebugger
from sampler.linux import procfs
from sampler.planning import image_of, load_bias
from sampler.question import Question
from sampler.target import Target

#: Ignored unless the program has asked for it, and by those that have, taken for what may come at any time.
STOP_SIGNAL = signal.SIGURG

_SETTINGS = (
    "set auto-load off",  # a program must not run scripts in its debugger
    "set pagination off", "set confirm off", "set width 0", "set height 0", "set style enabled off",
    "set debuginfod enabled off", "set history save off", "set breakpoint pending off",
    "set may-call-functions off",
    "set print thread-events off", "set print inferior-events off", "set print symbol off",
    "set print elements 256", "set print repeats unlimited", "set print null-stop on",
    "set print object off", "set print static-members off", "set print pretty off", "set charset UTF-8",
    # As without a debugger: signals go to the program at once; only the one of our own stops it.
    "handle all nostop noprint pass", "handle SIGINT nostop noprint pass",
    f"handle {STOP_SIGNAL.name} stop print pass",
)  # fmt: skip


class Gdb(ScriptedDebugger):
    """GDB as an instrument; creating it checks the tool, the binary and the question."""

    def __init__(self, assignment: Assignment) -> None:
        for expression in assignment.question.expressions:
            check_expression(expression)
        check_question(assignment.target, assignment.question)
        self._tool = find_gdb()
        super().__init__(assignment, GdbLanguage(self._tool))

    def describe(self) -> dict[str, Any]:
        return {"instrument": "gdb", "tool": {"path": self._tool.path, "version": self._tool.version}}


class GdbLanguage:
    """GDB's command line."""

    prompt = gdb_text.PROMPT
    resume = "continue"
    clear_all = "delete"
    parse_stop = staticmethod(gdb_text.parse_stop)
    parse_breakpoint = staticmethod(gdb_text.parse_breakpoint)
    check_cleared = staticmethod(gdb_text.check_cleared)
    check_all_cleared = staticmethod(gdb_text.check_all_cleared)
    parse_value = staticmethod(gdb_text.parse_value)
    parse_type = staticmethod(gdb_text.parse_type)
    unsigned_bits = staticmethod(gdb_text.unsigned_bits)

    def __init__(self, tool: GdbTool) -> None:
        self._tool = tool
        self._home: str | None = None

    def start(self, target_pid: int) -> Command:
        self._home = tempfile.mkdtemp(prefix="sampler-gdb-")
        environment = {
            "TERM": "dumb",
            "HOME": self._home,
            "LC_ALL": "C.UTF-8",
            "PATH": "",
            RUN_VARIABLE: os.environ.get(RUN_VARIABLE, ""),
        }
        settings = [word for setting in (*_SETTINGS, f"set prompt {self.prompt}") for word in ("-iex", setting)]
        # The file first: its symbols are read before the target is stopped.
        arguments = ["-nx", "-nh", "-q", *settings, f"/proc/{target_pid}/exe", "-p", str(target_pid)]
        return Command(self._tool.path, arguments, environment, STOP_SIGNAL)

    def discard_files(self) -> None:
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    def set_breakpoint(self, point: str) -> str:
        return f"break *{point}" if point.startswith("0x") else f"break {point}"

    def clear(self, found: Breakpoint) -> str:
        return f"delete {found.number}"

    def show(self, expression: str) -> str:
        return f"print {expression}"

    def show_type(self, expression: str) -> str:
        return f"ptype {expression}"

    def explain_end(self, error: DebuggerEnded) -> SamplerError:
        if "not permitted" in error.why:
            return NotPermitted("GDB may not attach", error.why, "run as root or with CAP_SYS_PTRACE")
        return error

    def quit(self, dialogue: Dialogue) -> None:
        dialogue.resume("detach")
        dialogue.answer()
        dialogue.send("quit")
        dialogue.wait_for_end()


def check_question(target: Target, question: Question) -> None:
    """BinaryError for what GDB reads badly or not at all; PointNotFound: said before attaching."""
    if target.go_version is not None:
        raise BinaryError(
            f"{target.name} is a Go program", "GDB knows little of Go's runtime and types", "ask it by --instrument dlv"
        )
    with image_of(target) as image:
        Points(image, load_bias(target.pid, image)).find(question.point)
    _check_file(target)


def _check_file(target: Target) -> None:
    """NotAnswerable where GDB would read another file: it resolves what it is given to a path, and opens that anew."""
    try:
        here = os.stat(target.executable)
    except OSError:  # then it keeps to what it was given
        return
    if not os.path.samestat(here, os.stat(procfs.executable(target.pid))):
        raise NotAnswerable(
            f"GDB cannot be told which {target.executable} is meant", "the file of that name here is not the target's",
            "ask with --instrument ptrace",
        )  # fmt: skip
