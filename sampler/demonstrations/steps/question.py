"""The question of the talk, asked by a debugger as the talk did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampler.demonstrations.asking import EXPRESSION, PATIENT, POINT, follow
from sampler.demonstrations.stage import Stage
from sampler.recording import Line, Recording
from sampler.sample import Sample
from sampler.units import NS_PER_SECOND
from sampler.view.statistics import numbers, reading, show_value

TITLE = "the question"
LINE = "one question to a running program, by a debugger"
LOOK = (
    "A writer fills a ring of 4096 places; a reader empties it.",
    "How far is the writer ahead, at each moment it writes?",
    f"  {EXPRESSION}  at {POINT}",
    "Nothing was prepared, and nothing is restarted.",
)
DURATION_NS = 8 * NS_PER_SECOND
_PLACES = 4096


def show(stage: Stage) -> None:
    with stage.program("tracee") as program:
        how = ["--instrument=dlv", "--rate=1/s", f"--duration={stage.length}", *PATIENT]
        stage.typed("sampler", "diode-gap", str(program.pid), *how)
        program.report()

        def each(line: Line, recording: Recording) -> None:
            if line["type"] == "sample":
                stage.say(_look(recording))

        words = ["record", *how, f"--at={POINT}", "--", str(program.pid), EXPRESSION]
        found = follow(words, each, stage.halt)
        stage.check()
        stage.seen(*_told(numbers(found, EXPRESSION), program.report()))


def _look(recording: Recording) -> str:
    look = recording.looks[-1]
    assert isinstance(look, Sample)
    return f"{look.t_ns / NS_PER_SECOND:7.1f} s   the writer is {show_value(reading(look, EXPRESSION)):>7} ahead"


def _told(values: Sequence[float], report: Line) -> Iterator[str]:
    if not values:
        yield "No look has found an answer in that time."
        return
    if len(values) == 1:
        yield f"One answer, {values[0]:,.0f}, of one moment."
    else:
        yield f"{len(values)} answers, from {min(values):,.0f} to {max(values):,.0f}, each of one moment."
    if beyond := sum(value > _PLACES for value in values):
        yield f"In {beyond} of them the writer is more than a whole ring ahead: what it wrote over is lost."
    lost = report["drops"] / max(1, report["writes"])
    yield f"The program says itself: {report['writes']:,} writes meanwhile, and {lost:.0%} of them lost unread."
    yield "What did the asking do to it? That is the next step."
