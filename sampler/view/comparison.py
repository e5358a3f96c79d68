"""A comparison in text: what each instrument cost, what it saw, and from where on which is the gentler one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampler.compare.beside import untouched_speed
from sampler.compare.findings import Finding, findings
from sampler.compare.intervals import Estimate
from sampler.compare.model import Crossover, Model, model
from sampler.compare.result import CONTROL, Comparison
from sampler.units import format_duration
from sampler.view import figures
from sampler.view.columns import fitted
from sampler.view.statistics import printable

COST = (
    "",
    "asked",
    "achieved",
    "suspended a look",
    "of the time",
    "in and out",
    "slowdown (95 %)",
    "worst stall",
    "CPU",
)
ANSWERS = ("", "asked", "samples", "misses", "p5", "median", "p95", "mean", "to the truth", "to the others")
PLACES = (0, 2, 4)  # of counts.QUANTILES: those that are shown
_ENDINGS = {
    "done": "all rounds were done",
    "interrupted": "interrupted; what was measured is here",
    "target-ended": "the target ended",
    "error": "an error",
    "": "not yet, or cut off",
}
_MEASURES = {
    "cpu": "its processor time: what stops it shows, what makes calls dearer does not; --progress would be better",
    "target": "what the target itself tells",
}


def comparison_lines(found: Comparison, width: int | None = None) -> Iterator[str]:
    """The lines, without their ends. ``width``: of the terminal, if it is one."""
    rows = findings(found)
    yield from _asked(found)
    yield ""
    yield from fitted([COST, *map(cost_cells, rows)], width)
    yield ""
    asked = [row for row in rows if row.arm.instrument != CONTROL]
    yield from fitted([answer_header(rows), *(answer_cells(row, rows) for row in asked)], width)
    for part in (_estimates(rows, width), model_lines(model(found, rows)), _failures(rows)):
        lines = list(part)
        if lines:
            yield ""
            yield from lines
    yield ""
    yield f"ended       {_ENDINGS.get(found.ended, found.ended)}"


def cost_cells(row: Finding) -> list[str]:
    """By the columns of COST."""
    return [
        row.arm.instrument,
        figures.asked(row),
        figures.rate(row.achieved),
        figures.suspended(row),
        figures.share(row),
        figures.once(row),
        figures.slowdown(row.slowdown),
        figures.stall(row),
        figures.cpu(row),
    ]


def answer_header(rows: Sequence[Finding]) -> list[str]:
    """The columns of ANSWERS, without those that no row has."""
    return [name for name, shown in zip(ANSWERS, _shown(rows), strict=True) if shown]


def answer_cells(row: Finding, rows: Sequence[Finding]) -> list[str]:
    cells = [
        row.arm.instrument,
        figures.asked(row),
        figures.samples(row),
        figures.misses(row),
        *(figures.quantile(row, place) for place in PLACES),
        figures.mean(row),
        figures.agreement(row.truth),
        figures.agreement(row.others),
    ]
    return [cell for cell, shown in zip(cells, _shown(rows), strict=True) if shown]


def _shown(rows: Sequence[Finding]) -> list[bool]:
    truth, others = any(row.truth for row in rows), any(row.others for row in rows)
    return [True] * (len(ANSWERS) - 2) + [truth, others]


def _asked(found: Comparison) -> Iterator[str]:
    header, target = found.header, found.header["target"]
    made = target.get("go_version") or target["language"]
    yield f"compared    {printable(target['name'])} (PID {target['pid']}, {made}, {target['threads']} threads)"
    yield f"asked       {printable(found.expression)} at {printable(header['question']['point'])}"
    length = format_duration(header["round_ns"])
    done = max((window.round for window in found.windows), default=0)
    yield f"rounds      {done} of {header['rounds']}, {length} an arm in each, in random order (seed {header['seed']})"
    yield f"progress    {_progress(found)}"


def _progress(found: Comparison) -> str:
    about = found.header["progress"]
    if about["by"] == "counter":
        speed = untouched_speed(found)
        typical = "" if speed is None else f": {figures.rate(speed)} untouched"
        return f"{printable(about['expression'])}, read without a stop{typical}"
    return _MEASURES[about["by"]]


def _estimates(rows: Sequence[Finding], width: int | None) -> Iterator[str]:
    told = [row for row in rows if row.estimates is not None and row.estimates.call is not None]
    if not told:
        return
    yield "What the next call finds, seen from a moment, and what calls at large find (means, 95 %):"
    cells = [("", "asked", "a moment", "a call", "from the looks that waited for", "and stands for")]
    for row in told:
        found = row.estimates
        assert found is not None
        cells.append(
            (
                row.arm.instrument,
                figures.asked(row),
                figures.estimate(found.moment),
                figures.estimate(found.call),
                f"at most {format_duration(found.within_ns)}: {found.looks}",
                f"{figures.rate(found.calls)} calls",
            )
        )
    yield from fitted(cells, width)


def model_lines(found: Model) -> Iterator[str]:
    """What a look and a hit take in progress, and where one is gentler than the other."""
    for one in found.sampling:
        yield f"{one.instrument:<10}  a look takes {_taken(one.look_ns)} of progress"
    for hit in found.tracing:
        yield f"{hit.instrument:<10}  a hit takes {_taken(hit.hit_ns)}; {figures.rate(hit.calls)} calls untouched"
    yield from map(crossover_line, found.crossovers)


def _taken(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return _duration(found.value)
    return f"{_duration(found.value)} ({_duration(found.low)} to {_duration(found.high)})"


def _duration(ns: float) -> str:
    return format_duration(ns) if ns >= 1 else "nothing"


def crossover_line(one: Crossover) -> str:
    """Where a look a second more turns which one is the gentler."""
    always = f"at each rate that it reached, up to {one.fastest:,.0f}/s, {one.sampling} is gentler than {one.tracing}"
    if one.rate is None:
        return always if one.always else f"{one.sampling} against {one.tracing}: {one.why_not}"
    low, high = one.rate.low, one.rate.high
    sure = "" if low is None or high is None else f" ({low:,.0f} to {high:,.0f})"
    at = f"{one.rate.value:,.0f} looks a second{sure}"
    if one.always:
        return f"{always} (they would be alike at {at})"
    return f"below {at} {one.sampling} is gentler than {one.tracing}"


def _failures(rows: Sequence[Finding]) -> Iterator[str]:
    for row in rows:
        if row.failed:
            whole = "failed" if row.failed == row.tried else f"failed in {row.failed} of {row.tried} rounds"
            yield f"{row.arm.name}: {whole}: {printable(row.why)}"
