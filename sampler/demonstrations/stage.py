"""Where a step is shown: what it says, what is typed, and when it waits for the person in front of it."""

from __future__ import annotations

import io
import os
import select
import shlex
import sys
import termios
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress

from sampler.demonstrations.programs import Program
from sampler.instruments.base import AUTO
from sampler.units import NS_PER_SECOND

Run = Callable[[list[str]], int]
_WIDTH, _SLIDE = 76, 60
_ROWS = 16  # of a slide
_CLEAR, _BOLD, _PLAIN = "\x1b[H\x1b[2J", "\x1b[1m", "\x1b[m"
_TICK_S = 0.25


class Interrupted(Exception):
    """By Ctrl-C, or what else asks for an orderly end."""


class Stage:
    """``run``: a command line, and its exit status. ``halt`` is set once all is to end.

    ``instrument``: the tool that traces, or auto. ``duration_ns``: of one measurement.
    """

    def __init__(self, run: Run, halt: threading.Event, slides: bool, instrument: str) -> None:
        self.halt, self.instrument, self.slides, self.duration_ns = halt, instrument, slides, 0
        self._run = run
        self._watched = sys.stdin.isatty() and sys.stdout.isatty()
        self._width = _SLIDE if slides else _WIDTH

    @property
    def length(self) -> str:
        """How long a measurement takes, as it is typed."""
        seconds = self.duration_ns / NS_PER_SECOND
        return f"{seconds:g}s" if seconds >= 1 else f"{1000 * seconds:g}ms"

    @property
    def by_tool(self) -> list[str]:
        """The option that names the tool that traces, if one was named."""
        return [] if self.instrument == AUTO else [f"--instrument={self.instrument}"]

    def opens(self, name: str, title: str, look: tuple[str, ...], number: str = "") -> None:
        """The step's first words: what to look at."""
        if self.slides:
            self._clear()
            self.say(self._bold(spaced(title)), "")
        else:
            head = f"── {number}{name} "
            self.say(self._bold(head + "─" * (self._width - len(head))))
        for line in look:
            self.say(*textwrap.wrap(line, self._width), *[""] * self.slides)
        self.part()

    def typed(self, *words: str, note: str = "") -> None:
        """A command, as it would be typed."""
        text = shlex.join(words)
        lines = textwrap.wrap(
            f"$ {text}", self._width - 2, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
        self.say(" \\\n".join(lines) + (f"    # {note}" if note else ""))

    def say(self, *lines: str) -> None:
        """As they are: no line of a step is longer than a slide is wide."""
        self.check()
        print(*lines, sep="\n", flush=True)

    def note(self, text: str) -> None:
        """A sentence that may be long."""
        self.say(*textwrap.wrap(text, self._width))

    def text(self, text: str) -> None:
        """What a machine has written; of a slide no more than it holds."""
        lines = text.rstrip().splitlines()
        cut = self.slides and len(lines) > _ROWS
        self.say(*lines[: _ROWS - 1 if cut else None], *[f"… and {len(lines) - _ROWS + 1} lines more"] * cut)

    def seen(self, *lines: str) -> None:
        """What has come of it, computed from this run."""
        self.part()
        self.say(self._bold(spaced("Seen") if self.slides else "Seen"))
        for line in lines:
            self.say(*[""] * self.slides, textwrap.fill(line, self._width, initial_indent="  ", subsequent_indent="  "))

    def part(self) -> None:
        """Between two parts: an empty line; of slides on a terminal, the next one when it is wanted."""
        self.say("")
        if self.slides and self._watched:
            self.wait("Enter")
            self._clear()

    def wait(self, for_what: str) -> None:
        """For Enter, where somebody is there to press it. What was typed before does not count."""
        if not self._watched:
            return
        with suppress(termios.error):
            termios.tcflush(0, termios.TCIFLUSH)
        print(f"[{for_what}] ", end="", flush=True)
        while not select.select([0], [], [], _TICK_S)[0]:
            self.check()
        if not os.read(0, 1024):  # the terminal has gone, or Ctrl-D: enough
            self.halt.set()
        self.check()

    def check(self) -> None:
        """Raises Interrupted where all is to end."""
        if self.halt.is_set():
            raise Interrupted

    def output_of(self, *words: str) -> str:
        """What a command of ours prints. SamplerError."""
        with redirect_stdout(io.StringIO()) as said:
            self._run([*words])
        self.check()
        return said.getvalue()

    @contextmanager
    def program(self, name: str, *options: str) -> Iterator[Program]:
        """One of build/, which ends with the block."""
        with Program(name, *options) as program:
            self.typed(f"build/{name}", *options, note="in another terminal")
            try:
                yield program
            finally:
                pid = program.pid
        if not self.slides:
            print(f"build/{name} (PID {pid}) has been ended", file=sys.stderr)

    def _clear(self) -> None:
        if self._watched:
            print(_CLEAR, end="", flush=True)

    def _bold(self, text: str) -> str:
        return f"{_BOLD}{text}{_PLAIN}" if sys.stdout.isatty() else text


def spaced(text: str) -> str:
    """L I K E   T H I S."""
    return "   ".join(" ".join(word) for word in text.upper().split())
