"""Which instrument to take: one question by all of them, in turns, and from where on which is the gentler."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from sampler.compare import result
from sampler.compare.findings import Finding, findings
from sampler.compare.intervals import Estimate
from sampler.compare.model import Crossover, Model, model
from sampler.compare.result import CONTROL, Comparison
from sampler.demonstrations.asking import EXPRESSION, PATIENT, POINT
from sampler.demonstrations.stage import Interrupted, Stage
from sampler.units import NS_PER_SECOND, format_duration
from sampler.view import figures
from sampler.view.columns import aligned

TITLE = "which one"
LINE = "dlv, ptrace, perf, peek and bcc in turns: a table"
LOOK = (
    "Each asks for a short while, in random order; between them nobody does, to compare with. It takes a minute.",
    "Look at what each takes of the program's work, and what it gives for that.",
    "The row nobody is what chance does.",
)
DURATION_NS = 6 * NS_PER_SECOND // 10
_ARMS = "dlv:5,ptrace:100,perf:100,peek:1000,bcc"
_ROUNDS = 4  # fewer tell no interval
_QUICK_NS = NS_PER_SECOND // 2


def show(stage: Stage) -> None:
    with stage.program("tracee", "-calm=50ms") as program, tempfile.TemporaryDirectory() as folder:
        rounds = 1 if stage.duration_ns < _QUICK_NS else _ROUNDS
        words = ["compare", str(program.pid), EXPRESSION, f"--at={POINT}", f"--instruments={_ARMS}",
                 f"--rounds={rounds}", f"--round={stage.length}", "--progress=d.writeIndex", *PATIENT]  # fmt: skip
        stage.typed("sampler", *words)
        file = str(Path(folder) / "all.json")
        quiet = [] if sys.stderr.isatty() else ["--quiet"]
        stage.output_of(*words, *quiet, f"--output={file}")  # it prints more than a slide holds
        found = result.load(file)
        if found.ended == "interrupted":
            raise Interrupted
        rows = findings(found)
        stage.say(*table(rows))
        for row in rows:
            if row.failed:
                stage.note(f"{row.arm.name} could not ask: {row.why}")
        stage.seen(*_told(found, rows))


def table(rows: Sequence[Finding]) -> Iterator[str]:
    """The columns of ``sampler compare`` that one chooses by."""
    cells = [("", "a second", "each suspends", "work lost", "95 %")]
    cells += [_cells(row) for row in rows]
    return aligned(cells)


def _cells(row: Finding) -> tuple[str, str, str, str, str]:
    lost, _, sure = figures.slowdown(row.slowdown).partition(" (")
    name = "nobody" if row.arm.instrument == CONTROL else row.arm.name
    return name, figures.rate(row.achieved), figures.suspended(row), lost, sure.rstrip(")").replace("?", figures.NONE)


def _told(found: Comparison, rows: Sequence[Finding]) -> Iterator[str]:
    asked = [row for row in rows if row.arm.instrument != CONTROL and row.kept is not None]
    if not asked:
        yield "Nothing: none could ask here."
        return
    law = model(found, rows)
    yield from _taken(law)
    yield from dict.fromkeys(map(_crossover, law.crossovers))
    if not law.crossovers:
        yield "No instrument that meets every hit could ask here: there is none to compare looks with."
    worst = min(asked, key=lambda row: row.kept.value if row.kept else 1.0)
    yield f"{worst.arm.name} took most of the program's work: {figures.slowdown(worst.slowdown).replace(' (?)', '')}."
    yield "So: every hit, and exactly, by bcc; now and then, and unnoticed, by perf or peek."


def _taken(law: Model) -> Iterator[str]:
    sure = [(one.instrument, one.look_ns.value) for one in law.sampling if _above_chance(one.look_ns)]
    if sure:
        yield "Work lost by one look: " + ", ".join(f"{name} {format_duration(ns)}" for name, ns in sure) + "."
    if others := [one.instrument for one in law.sampling if one.instrument not in dict(sure)]:
        yield f"What a look takes is not to be told from chance in so few rounds: {', '.join(others)}."


def _above_chance(found: Estimate) -> bool:
    return found.low is not None and found.low > 0


def _crossover(one: Crossover) -> str:
    """Where a look a second more turns which is the gentler."""
    if one.always:
        return (
            f"At each rate that it reached, up to {one.fastest:,.0f}/s, {one.sampling} is gentler than {one.tracing}."
        )
    if one.rate is None:
        return f"From which rate on {one.tracing} is the gentler: {one.why_not}."
    return f"Below {one.rate.value:,.0f}/s {one.sampling} is gentler than {one.tracing}."
