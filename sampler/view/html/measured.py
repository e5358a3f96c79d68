"""What was measured, a section each: cost, answers, moments and calls, the model, failures, every round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampler.compare.beside import beside, untouched
from sampler.compare.findings import Finding
from sampler.compare.intervals import Estimate
from sampler.compare.model import Model
from sampler.compare.result import CONTROL, Arm, Comparison
from sampler.sample import Interval
from sampler.units import format_duration, span
from sampler.view import figures
from sampler.view.comparison import PLACES, crossover_line
from sampler.view.html import reading
from sampler.view.html.markup import Markup, element, listed, paragraphs
from sampler.view.html.section import Section
from sampler.view.html.tables import Column, first_part, interval, of_findings, table

#: So many rounds stand beside one another, on paper too.
_ABREAST = 10

COST = (
    Column("achieved", lambda row: figures.rate(row.achieved)),
    Column("suspended a look", figures.suspended),
    Column("of the time", figures.share),
    Column("slowdown", lambda row: first_part(figures.slowdown(row.slowdown))),
    Column("95 %", lambda row: interval(figures.slowdown(row.slowdown))),
    Column("worst stall", figures.stall),
    Column("its own CPU", figures.cpu),
)
VALUES = (
    Column("samples", figures.samples),
    Column("misses", figures.misses),
    Column("skipped", lambda row: f"{row.skipped:,}", seldom=True),
    Column("backed off", lambda row: f"{row.backed_off:,}", seldom=True),
    Column("p5", lambda row: figures.quantile(row, PLACES[0])),
    Column("median", lambda row: figures.quantile(row, PLACES[1])),
    Column("p95", lambda row: figures.quantile(row, PLACES[2])),
    Column("mean", figures.mean),
)
AGREEMENT = (
    Column("to the truth", lambda row: figures.agreement(row.truth), text=True, seldom=True),
    Column("to the others", lambda row: figures.agreement(row.others), text=True, seldom=True),
    Column("changed by asking", lambda row: figures.agreement(row.effect), text=True, seldom=True),
)
ESTIMATES = (
    Column("a moment", lambda row: first_part(figures.estimate(_moment(row)))),
    Column("95 %", lambda row: interval(figures.estimate(_moment(row)))),
    Column("a call", lambda row: first_part(figures.estimate(_call(row))), seldom=True),
    Column("95 %", lambda row: interval(figures.estimate(_call(row))), seldom=True),
    Column("from", lambda row: _within(row), text=True, seldom=True),
)


def cost(rows: Sequence[Finding], slowdown: Sequence[Markup], others: Sequence[Markup]) -> Section:
    """The picture of the slowdown comes before the table, the others after it."""
    found = of_findings("What each arm took from the target", COST, rows)
    return Section("cost", "What it cost", reading.COST, (*slowdown, found, *others), new_page=True)


def answers(rows: Sequence[Finding], pictures: Sequence[Markup]) -> Section:
    asking = [row for row in rows if row.arm.instrument != CONTROL]
    content = [*pictures, of_findings("The values that were seen", VALUES, asking)]
    compared = [row for row in rows if row.truth or row.others or row.effect]
    if compared:
        content.append(element("h3", "How far from the truth, and from one another"))
        content.append(element("div", paragraphs(*reading.AGREEMENT), class_="reading"))
        content.append(of_findings("Distances, with 95 % intervals", AGREEMENT, compared))
    return Section("answers", "What it answered", reading.ANSWERS, tuple(content), new_page=True)


def moments(rows: Sequence[Finding]) -> Section | None:
    """None where nothing was a number."""
    told = [row for row in rows if row.estimates is not None]
    if not told:
        return None
    why_not = {row.arm.name: row.estimates.why_not for row in told if row.estimates is not None}
    reasons = [
        f"{', '.join(name for name, why in why_not.items() if why == reason)}: {reason}"
        for reason in dict.fromkeys(filter(None, why_not.values()))
    ]
    content = [of_findings("The mean seen from a moment, and of calls", ESTIMATES, told)]
    if reasons:
        content += [element("p", "Of calls nothing is told:"), listed(reasons)]
    return Section("moments", "A moment and a call", reading.MOMENTS, tuple(content))


def _moment(row: Finding) -> Estimate | None:
    return row.estimates.moment if row.estimates else None


def _call(row: Finding) -> Estimate | None:
    return row.estimates.call if row.estimates else None


def _within(row: Finding) -> str:
    found = row.estimates
    if found is None or found.call is None:
        return figures.NONE
    return f"{found.looks:,} looks that waited for at most {format_duration(found.within_ns)}"


def law(found: Model) -> Section | None:
    """What a look and a hit take, and where one is gentler than the other."""
    rows = [
        (one.instrument, "a look", *_taken(one.look_ns), _reckoned(one.reckoned_ns), figures.NONE)
        for one in found.sampling
    ]
    rows += [
        (hit.instrument, "a hit", *_taken(hit.hit_ns), _reckoned(hit.reckoned_ns), figures.rate(hit.calls))
        for hit in found.tracing
    ]
    if not rows:
        return None
    header = ("instrument", "of what", "fitted", "from", "to", "it reckons", "calls untouched")
    content = [table("What a look and a hit take in progress", header, rows)]
    if found.crossovers:
        content += [element("h3", "Which is the gentler one"), listed(map(crossover_line, found.crossovers))]
    return Section("model", "Why, and at other rates", reading.MODEL, tuple(content))


def _taken(found: Estimate) -> tuple[str, str, str]:
    low, high = (figures.NONE if bound is None else _duration(bound) for bound in (found.low, found.high))
    return _duration(found.value), low, high


def _duration(ns: float) -> str:
    return format_duration(ns) if ns >= 1 else "0"


def _reckoned(bounds: Interval) -> str:
    return span(bounds.low, bounds.high) if bounds.high else figures.NONE


def failures(rows: Sequence[Finding]) -> Section | None:
    failed = [row for row in rows if row.failed]
    if not failed:
        return None
    cells = [(row.arm.instrument, figures.asked(row), f"{row.failed} of {row.tried}", row.why) for row in failed]
    header = ("instrument", "asked", "rounds", "why")
    return Section("failures", "What failed", reading.FAILURES, (table("Arms that failed", header, cells, texts=(3,)),))


def rounds(found: Comparison) -> Section:
    """Each figure that a slowdown is made of."""
    numbers = sorted({window.round for window in found.windows})
    tables = [_some_rounds(found, numbers[at : at + _ABREAST]) for at in range(0, len(numbers), _ABREAST)]
    return Section("rounds", "Every round", reading.ROUNDS, tuple(tables), new_page=True)


def _some_rounds(found: Comparison, numbers: Sequence[int]) -> Markup:
    rows = [("nobody", figures.NONE, *(_untouched(found, number) for number in numbers))]
    for arm in found.arms:
        asked = figures.asked(Finding(arm))
        rows.append((arm.instrument, asked, *_kept(found, arm, numbers)))
    of_which = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
    return table(
        f"Progress in percent of untouched, rounds {of_which}", ("instrument", "asked", *map(str, numbers)), rows
    )


def _untouched(found: Comparison, number: int) -> str:
    speeds = [window.speed for window in untouched(found) if window.round == number and window.speed is not None]
    if not speeds:
        return figures.NONE
    mean = sum(speeds) / len(speeds)
    return f"{mean / 1e9:.2f} CPU" if found.header["progress"]["by"] == "cpu" else figures.rate(mean)


def _kept(found: Comparison, arm: Arm, numbers: Sequence[int]) -> Iterator[str]:
    kept = {one.window.round: one.kept for one in beside(found, arm)}
    failed = {window.round for window in found.of(arm) if window.failed}
    for number in numbers:
        share = kept.get(number)
        yield "failed" if number in failed else figures.NONE if share is None else f"{100 * share:.1f}"
