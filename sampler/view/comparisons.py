"""Comparisons of several targets in text: each as it would be alone, then a row an arm over all of them."""

from __future__ import annotations

from collections.abc import Iterator

from sampler.compare.findings import Finding, findings, overall
from sampler.compare.several import Comparisons
from sampler.view import figures
from sampler.view.columns import fitted, folded
from sampler.view.comparison import comparison_lines
from sampler.view.statistics import printable

#: Of more targets than have room beside one another, the least and the most are shown.
_MOST_BESIDE = 4
_LEAST, _MOST = "the least", "the most"


def comparisons_lines(found: Comparisons, width: int | None = None) -> Iterator[str]:
    """The lines, without their ends. ``width``: of the terminal, if it is one."""
    for label, one in found.of.items():
        yield f"── {printable(label)} ──"
        yield from comparison_lines(one, width)
        yield ""
    if len(found.of) > 1:
        yield from _over_all(found, width)
    for label, error in found.errors.items():
        yield from folded(f"{printable(label)}: {error}", width, 5)


def _over_all(found: Comparisons, width: int | None) -> Iterator[str]:
    """Slowdowns, of each target and of the rounds of all; what suspends, of all."""
    yield from folded(f"── {len(found.of)} targets together: slowdown, and what it comes from ──", width, 3)
    each = {label: {row.arm: row for row in findings(one)} for label, one in found.of.items()}
    beside = list(each) if len(each) <= _MOST_BESIDE else []
    names = [printable(label) for label in beside] if beside else [_LEAST, _MOST]
    head = ["", "asked", *names, "all (95 %)", "suspended a look", "of the time", "worst stall"]
    rows = []
    for row in overall(list(found.of.values())):
        of_each = {label: rows_of[row.arm] for label, rows_of in each.items() if row.arm in rows_of}
        shown = [_alone(of_each.get(label)) for label in beside] if beside else _extremes(of_each)
        rows.append(
            [
                row.arm.instrument,
                figures.asked(row),
                *shown,
                figures.slowdown(row.slowdown),
                figures.suspended(row),
                figures.share(row),
                figures.stall(row),
            ]
        )
    yield from fitted([head, *rows], width)
    yield from folded("all: of the rounds of all targets, each round with the same weight", width, 5)


def _alone(row: Finding | None) -> str:
    """Its slowdown without the interval, which its own table has."""
    if row is None or row.slowdown is None:
        return figures.NONE
    return f"{figures.percent(row.slowdown.value)} %"


def _extremes(rows: dict[str, Finding]) -> list[str]:
    found = sorted((row.slowdown.value, label) for label, row in rows.items() if row.slowdown is not None)
    if not found:
        return [figures.NONE, figures.NONE]
    return [f"{figures.percent(value)} % {printable(label)}" for value, label in (found[0], found[-1])]
