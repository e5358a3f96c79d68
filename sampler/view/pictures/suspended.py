"""For how long one look, or one hit, suspends: two bounds of each look, on one scale for all instruments."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sampler.compare.beside import beside
from sampler.compare.findings import Finding, findings
from sampler.compare.result import Arm, Comparison
from sampler.sample import Interval
from sampler.units import span
from sampler.view.pictures.base import TEXT, Theme, caption, framed, instruments, look_of, note, plain, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "For how long one look suspends the target"
_KEY = "each look:  ● surely so long    ○ at most so long    │ median"
_LEAST_NS = 100  # the scale's begin
_MOST_DOTS = 300  # of an instrument, evenly chosen
_TICKS = {1e2: "100 ns", 1e3: "1 µs", 1e4: "10 µs", 1e5: "100 µs", 1e6: "1 ms", 1e7: "10 ms", 1e8: "100 ms", 1e9: "1 s"}


@dataclass(frozen=True, slots=True)
class Row:
    """``bounds``: of each look; of what one hit takes there is one pair only."""

    instrument: str
    bounds: Sequence[Interval]
    traces: bool

    @property
    def median(self) -> Interval:
        low, high = (sorted(side) for side in zip(*((one.low, one.high) for one in self.bounds), strict=True))
        return Interval(low[len(low) // 2], high[len(high) // 2])

    @property
    def told(self) -> str:
        """The median, in words."""
        found = self.median
        if not found.high:
            return "nobody stands"
        text = span(found.low, found.high) if found.low else f"at most {span(found.high, found.high).split('–')[0]}"
        return f"{text}{' a hit' if self.traces else ''}"


def table(found: Comparison, rows: Sequence[Finding]) -> list[Row]:
    """One for each instrument that has an answer, at all its rates together."""
    shown = []
    for name in instruments([arm.instrument for arm in found.arms]):
        arms = [arm for arm in found.arms if arm.instrument == name]
        looks = [bounds for arm in arms for bounds in _looks(found, arm)]
        if looks:
            shown.append(Row(name, looks, False))
    return shown + [
        Row(row.arm.instrument, [row.hit_ns], True) for row in rows if row.traces and row.hit_ns is not None
    ]


def _looks(found: Comparison, arm: Arm) -> list[Interval]:
    asked = [one.window.asked for one in beside(found, arm)]
    return [look.suspended_ns for one in asked if one is not None for look in one.looks]


def suspended(found: Comparison, theme: Theme) -> Figure:
    rows = findings(found)
    shown = table(found, rows)
    figure = framed(TITLE, _KEY, caption(found.header), theme)
    if not shown:
        return note(figure, "no instrument has come to a look")
    axes = figure.add_subplot()
    for place, row in enumerate(shown):
        _draw_row(axes, len(shown) - 1 - place, row, theme)
    _scales(axes, shown, theme)
    return figure


def _draw_row(axes: Axes, y: int, row: Row, theme: Theme) -> None:
    look = look_of(row.instrument, theme)
    step = max(1, -(-len(row.bounds) // _MOST_DOTS))
    if not row.traces:
        _draw_dots(axes, y, [one for one in row.bounds[::step] if one.high], look.colour)
    found = row.median
    if not found.high:
        axes.plot(_LEAST_NS * 1.25, y, "<", ms=9, color=look.colour)
        return
    low = max(_LEAST_NS, found.low)
    axes.plot([low, found.high], [y, y], color=look.colour, lw=4, solid_capstyle="butt")
    axes.vlines([low, found.high], [y, y - 0.4], [y + 0.4, y], color=theme.ink, lw=1.6, zorder=4)


def _draw_dots(axes: Axes, y: int, bounds: Sequence[Interval], colour: str) -> None:
    chance = random.Random(y)  # they lie the same way in each run
    up = [chance.uniform(0.08, 0.34) for _ in bounds]
    low, high = [max(_LEAST_NS, one.low) for one in bounds], [one.high for one in bounds]
    axes.plot(low, [y + one for one in up], "o", ms=3.5, color=colour, alpha=0.6, mew=0)
    axes.plot(high, [y - one for one in up], "o", ms=3.5, mfc="none", mec=colour, alpha=0.8, mew=0.8)


def _scales(axes: Axes, rows: Sequence[Row], theme: Theme) -> None:
    longest = max(one.high for row in rows for one in row.bounds)
    axes.set(xscale="log", xlabel="time suspended by one look (of a tracing tool: by one hit)")
    axes.set_xlim(_LEAST_NS, max(10_000, 2 * longest))
    ticks = [tick for tick in _TICKS if tick <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [_TICKS[tick] for tick in ticks])
    axes.minorticks_off()
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_yticks(range(len(rows)), [row.instrument for row in reversed(rows)])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", lw=0.6)
    for y, row in enumerate(reversed(rows)):
        colour = readable(look_of(row.instrument, theme).colour, theme)
        axes.get_yticklabels()[y].set_color(colour)
        axes.text(1.02, y, plain(row.told), transform=axes.get_yaxis_transform(), va="center", color=colour,
                  fontsize=TEXT - 1, gid="label")  # fmt: skip
