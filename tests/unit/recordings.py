"""Recordings made up for the tests of views."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sampler.recording import Line, Recording, Writer
from sampler.sample import Cost, Event, Interval, Look, Miss, Sample, Samples, Value

MS = 1_000_000
X = "d.writeIndex - d.readIndex"


class Pages(list[str]):
    """A sink that keeps the lines."""

    def write(self, text: str) -> None:
        self.append(text)


def header(*expressions: str, name: str = "tracee") -> Line:
    return {
        "question": {"point": "main.write", "expressions": list(expressions or (X,))},
        "target": {"name": name, "pid": 4242, "language": "go", "go_version": "go1.26.8", "threads": 6},
        "instrument": "dlv",
        "tool": {"name": "dlv", "version": "1.27.0"},
    }


def cost(low_ms: int = 8, high_ms: int = 20) -> Cost:
    return Cost(Interval(low_ms * MS, high_ms * MS), wait_ns=3 * MS, threads_stopped=6, hits=1)


def sample(turn: int, value: Value, name: str = X, signed: int | None = None) -> Sample:
    """A look at ``turn`` tenths of a second; ``signed`` is the second reading of its value."""
    return several(turn, {name: value}, {} if signed is None else {name: signed})


def several(turn: int, values: dict[str, Value], signed: dict[str, int] | None = None) -> Sample:
    return Sample(turn * 100 * MS, values, cost(), signed or {})


def miss(turn: int, reason: str = "not-reached", detail: str = "main.write was not reached within 1 s") -> Miss:
    return Miss(turn * 100 * MS, reason, cost(2, 5), detail)


def batch(turn: int, *values: Value, name: str = X, **more: Any) -> Samples:
    """Samples that were taken a microsecond apart, from ``turn`` tenths of a second on."""
    times = [turn * 100 * MS + 1000 * place for place in range(len(values))]
    return Samples(times, {name: list(values)}, Cost(between_ns=Interval(MS, 2 * MS)), **more)


def text_of(
    looks: Sequence[Look | Event],
    about: Line | None = None,
    ended: str | None = "count",
    skipped: int = 0,
) -> list[str]:
    """The lines of a recording as its writer writes them; ``skipped`` is counted at the first look."""
    pages = Pages()
    writer = Writer(pages)
    writer.header(about or header())
    for look in looks:
        if isinstance(look, Event):
            writer.event(look)
        else:
            writer.look(look, skipped)
            skipped = 0
    if ended is not None:
        writer.footer(ended, elapsed_ns=2_000 * MS)
    return list(pages)


def steps(lines: Sequence[str]) -> Iterator[tuple[str, Line, Recording]]:
    """Each line as a view is shown it, with the recording as far as it has grown then."""
    recording = None
    for text in lines:
        line = json.loads(text)
        if recording is None:
            recording = Recording(line)
        else:
            recording.add(line)
        yield text, line, recording


def recording_of(
    looks: Sequence[Look | Event], about: Line | None = None, ended: str | None = "count", skipped: int = 0
) -> Recording:
    *_, (_, _, recording) = steps(text_of(looks, about, ended, skipped))
    return recording
