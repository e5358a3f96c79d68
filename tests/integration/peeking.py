"""What the tests of peek share: what they ask, and how they read the answers."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from tests.integration.help import (
    Line,
    lines_of,
)

BY_PEEK = "--instrument=peek"
GAP = "r->write_index - r->read_index"
INDICES = ("r->write_index", "r->read_index", GAP)
OF_VISIT = ("o->number", "--at=visit", BY_PEEK, "--rate=1000/s", "--window=50ms")
PATIENT = "--window=10s"
ALL_BITS = 2**64 - 1


def until(run: subprocess.Popen[str], reached: Callable[[Line], object]) -> list[Line]:
    """The lines of a recording as far as one that is so."""
    read = []
    for line in lines_of(run):
        read.append(line)
        if reached(line):
            return read
    raise AssertionError(f"the recording ended before: {read[-2:]}")


def values(line: Line, expression: str = "o->number") -> list[Any]:
    """What a line of any type has of them, in their order."""
    found = line.get("values", {}).get(expression, [])
    return found if isinstance(found, list) else [found]


def all_values(lines: list[Line], expression: str = "o->number") -> list[Any]:
    return [value for line in lines for value in values(line, expression)]


def has(number: int) -> Callable[[Line], bool]:
    return lambda line: number in values(line)


def of_an_anchor(line: Line) -> bool:
    """Whether the address was looked up since the line before."""
    return "between_ns" in line.get("cost", {})


def untorn(lines: list[Line], *expressions: str) -> Iterator[tuple[Any, ...]]:
    """The values of the samples that are of one moment."""
    for line in lines:
        columns = [values(line, expression) for expression in expressions]
        torn = line.get("torn", []) if line["type"] == "samples" else [0] * (not line.get("atomic", True))
        yield from (row for place, row in enumerate(zip(*columns, strict=True)) if place not in torn)


def footer_of(run: subprocess.Popen[str]) -> Line:
    return list(lines_of(run))[-1]


def interrupted(run: subprocess.Popen[str]) -> None:
    run.send_signal(signal.SIGINT)
    assert footer_of(run)["ended"] == "interrupted"
    assert run.wait() == 0
