"""What each instrument sees: its values' distribution function over that of the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sampler.compare.agreement import Agreement
from sampler.compare.beside import beside, truth_of, values_of
from sampler.compare.counts import Counts, merged, numeric
from sampler.compare.findings import Finding, findings
from sampler.compare.result import Comparison
from sampler.tally import Bucket
from sampler.view.pictures.base import SMALL, Theme, caption, framed, instruments, look_of, note, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "What each instrument sees: the values' distribution"
SIZE = (7.0, 5.2)
_TRUTH, _OTHERS = "the target's own truth, with that instrument there", "the other instruments together"
_COLUMNS = 3
_SPREAD = 50  # from the median to the farthest value, from where on the scale is a logarithm's
_MOST_STEPS = 2000


@dataclass(frozen=True, slots=True)
class Panel:
    """One instrument: what it saw (``values``, or ``buckets``), and what it is held against. ``beside``: of the
    windows in which nobody asked, where that differs.
    """

    instrument: str
    values: Mapping[float, float]
    buckets: Sequence[Bucket]
    against: Mapping[float, float]
    beside: Mapping[float, float]
    agreement: Agreement | None

    @property
    def count(self) -> float:
        return sum(self.values.values()) or sum(count for _, _, count in self.buckets)

    @property
    def reach(self) -> list[float]:
        edges = [float(edge) for low, high, count in self.buckets if count for edge in (low, high) if edge is not None]
        return [*self.values, *self.against, *edges]


def panels(found: Comparison, rows: Sequence[Finding]) -> list[Panel]:
    """Of a sampling instrument the arm with the most samples."""
    rows = [row for row in rows if row.samples]
    chosen = []
    for name in instruments([row.arm.instrument for row in rows]):
        best = max((row for row in rows if row.arm.instrument == name), key=lambda row: row.samples)
        panel = _panel(found, best)
        if panel.values or panel.buckets:
            chosen.append(panel)
    return chosen


def _panel(found: Comparison, row: Finding) -> Panel:
    windows = beside(found, row.arm)
    told = truth_of([one.window for one in windows], moment=row.arm.rate is not None)
    without = truth_of([other for one in windows for other in one.untouched], moment=False)
    changed = row.traces and row.effect is not None and row.effect.low > row.effect.chance
    return Panel(
        row.arm.instrument,
        numeric(merged(values_of(found, row.arm))),
        row.buckets,
        numeric(merged(told)) if told else _pooled(found, row),
        numeric(merged(without)) if changed else {},
        row.truth or row.others,
    )


def _pooled(found: Comparison, row: Finding) -> Mapping[float, float]:
    """The other sampling instruments, each with the same weight."""
    of_each: dict[str, list[Counts]] = {}
    for arm in found.arms:
        if arm.rate is not None and arm.instrument != row.arm.instrument:
            of_each.setdefault(arm.instrument, []).extend(values_of(found, arm))
    whole = [numeric(merged(rounds)) for rounds in of_each.values()]
    return numeric(merged({value: part / sum(one.values()) for value, part in one.items()} for one in whole))


def values(found: Comparison, theme: Theme) -> Figure:
    rows = findings(found)
    shown = panels(found, rows)
    told = any(window.truth is not None for window in found.windows)
    key = f"grey: {_TRUTH if told else _OTHERS}    D: the largest difference    n: values"
    figure = framed(TITLE, key, caption(found.header), theme, SIZE, found.expression)
    if not shown:
        return note(figure, "no answer is a number")
    height = math.ceil(len(shown) / _COLUMNS)
    grid: Any = figure.subplots(height, min(_COLUMNS, len(shown)), sharex=True, sharey=True, squeeze=False)
    for axes, panel in zip(grid.flat, shown, strict=False):
        _draw(axes, panel, theme)
    for place in range(len(shown), grid.size):
        grid.flat[place].set_axis_off()
        grid.flat[place - _COLUMNS].tick_params(labelbottom=True)  # the panel above is the lowest there
    _scales(grid, shown)
    for axes in grid[:, 0]:
        axes.set_ylabel("share up to here")
    return figure


def _draw(axes: Axes, panel: Panel, theme: Theme) -> None:
    """The truth broad and grey, the instrument on it: where they agree, one covers the other's middle."""
    look = look_of(panel.instrument, theme)
    if panel.against:
        axes.step(*_function(panel.against), where="post", color=theme.faint, lw=5, alpha=0.55,
                  solid_joinstyle="miter")  # fmt: skip
    if panel.beside:
        axes.step(*_function(panel.beside), where="post", color=theme.ink, lw=1.2, linestyle=(0, (1, 1.5)))
    if panel.values:
        axes.step(*_function(panel.values), where="post", color=look.colour, lw=1.6)
    else:
        at, shares = _known(panel.buckets)
        axes.step(at, shares, where="post", color=look.colour, lw=1.2, alpha=0.8)
        axes.plot(at, shares, look.marker, ms=4.5, color=look.colour)
    verdict = f"{panel.agreement.distance:.2f}" if panel.agreement else "?"
    axes.set_title(panel.instrument, loc="left", color=readable(look.colour, theme))
    axes.set_title(f"D = {verdict}", loc="right", fontsize=SMALL + 1, color=theme.faint)
    words = f"{'dotted: untouched truth' if panel.beside else ''}\nn = {panel.count:,.0f}"
    axes.text(0.98, 0.05, words, transform=axes.transAxes, ha="right", fontsize=SMALL, zorder=5)
    axes.grid(lw=0.6)


def _function(counts: Mapping[float, float]) -> tuple[list[float], list[float]]:
    """Where it steps, and to what share; of very many steps some."""
    total, passed, found = sum(counts.values()), 0.0, []
    for value, weight in counts.items():
        passed += weight
        found.append((value, passed / total))
    step = max(1, len(found) // _MOST_STEPS)
    kept = [(found[0][0], 0.0), *found[:-1:step], found[-1]]
    return [value for value, _ in kept], [share for _, share in kept]


def _known(buckets: Sequence[Bucket]) -> tuple[list[float], list[float]]:
    """The function where buckets tell it: at their upper ends, the last whole number that belongs to each."""
    total, passed, found = sum(count for _, _, count in buckets), 0, list[tuple[float, float]]()
    for low, high, count in buckets:
        if not passed and low is not None:
            found = [(low, 0.0)]
        passed += count
        if high is not None and passed and passed - count < total:
            found.append((high - 1, passed / total))
    return [edge for edge, _ in found], [share for _, share in found]


def _scales(grid: Any, shown: Sequence[Panel]) -> None:
    """A logarithm's beyond what is usual, where few values lie far out; all panels share it."""
    axes, reach = grid.flat[0], [value for panel in shown for value in panel.reach]
    usual = max(1.0, abs(sorted(reach)[len(reach) // 2]))
    if max(map(abs, reach)) > _SPREAD * usual:
        axes.set_xscale("symlog", linthresh=10 ** max(0, math.floor(math.log10(usual)) - 1))
    axes.set_ylim(-0.02, 1.03)
    axes.set_yticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    for one in grid.flat:
        one.minorticks_off()
        one.tick_params(labelsize=9)
        one.xaxis.set_major_formatter(_shortly)


def _shortly(value: float, _: Any) -> str:
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= scale:
            return f"{value / scale:g} {unit}"
    return f"{value:g}"
