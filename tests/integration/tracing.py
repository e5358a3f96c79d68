"""What the tests of tracing share: a run in the background that is read as it goes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.integration.help import Line, lines_of, started

TOOLS = ("bpftrace", "bcc")
#: Tests do not depend on how fast the machine is: no run of theirs is ended by its budget.
WITHOUT_BUDGET = "--max-suspended=100%"


class Tracing:
    """Its lines, read one after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[Line] = []
        self._coming = lines_of(process)

    def until(self, condition: Callable[[Line], object]) -> Line:
        """Reads up to a line that meets it."""
        for line in self._coming:
            self.lines.append(line)
            if condition(line):
                return line
        raise AssertionError(f"the recording ended before that: {self.lines[-1:]}")

    def tally(self, condition: Callable[[Line], object] = bool) -> Line:
        return self.until(lambda line: line["type"] == "tally" and condition(line))

    def attached(self) -> Line:
        """Until all probes are set, which the first reading tells."""
        return self.tally()

    def end(self) -> Line:
        """As by Ctrl-C; the last tally."""
        self.process.send_signal(2)
        self.until(lambda line: line["type"] == "footer")
        return [line for line in self.lines if line["type"] == "tally"][-1]


@contextmanager
def tracing(verb: str, pid: int, *words: Any, tool: str = "bpftrace", **options: Any) -> Iterator[Tracing]:
    one_by_one = verb == "watch" and not any(str(word).startswith("--aggregate") for word in words)
    options_of_it = ["--format=jsonl", *([] if one_by_one else ["--every=100ms"]), WITHOUT_BUDGET]
    with started(verb, f"--instrument={tool}", *options_of_it, str(pid), *map(str, words), **options) as process:
        yield Tracing(process)
