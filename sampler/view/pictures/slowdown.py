"""What asking takes from the target, over how often is asked: measured, fitted and reckoned in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sampler.compare.findings import Finding, findings
from sampler.compare.intervals import Estimate
from sampler.compare.model import Model, Sampling, model
from sampler.compare.result import CONTROL, Comparison
from sampler.view.pictures.base import SMALL, Theme, caption, framed, instruments, look_of, note
from sampler.view.pictures.labels import Label, beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST, MOST = 1e-4, 1.0
#: Above the whole there is room for the width of a line.
_TOP = 1.3
TITLE = "What asking takes from the target"
_KEY = "● measured, 95 %    ○ not to be told from none    band: as the instrument reckons"


@dataclass(frozen=True, slots=True)
class Point:
    """One arm as it is drawn. ``low`` and ``high``: how far its bar goes. ``told``: from none."""

    instrument: str
    rate: float
    lost: float
    low: float
    high: float
    told: bool


def points(rows: Sequence[Finding]) -> list[Point]:
    """Of each arm that has a rate; what lies below the picture is drawn on its lower edge."""
    return [
        _point(row, row.achieved, row.slowdown)
        for row in rows
        if row.arm.rate is not None and row.achieved and row.slowdown is not None
    ]


def _point(row: Finding, rate: float, lost: Estimate) -> Point:
    low, high = lost.low, lost.high
    told = low is not None and low > 0
    return Point(row.arm.instrument, rate, _within(lost.value), _within(low), _within(high), told)


def _within(share: float | None) -> float:
    return LEAST if share is None else min(MOST, max(LEAST, share))


def slowdown(found: Comparison, theme: Theme) -> Figure:
    rows = findings(found)
    law, drawn = model(found, rows), points(rows)
    figure = framed(TITLE, caption(found.header), theme)
    if not drawn and not law.tracing:
        return note(figure, "no arm has come to a slowdown")
    axes = figure.add_subplot()
    _scales(axes, drawn, law)
    noise = _draw_noise(axes, rows, theme)
    labels = [_draw_sampling(axes, name, drawn, law, theme) for name in instruments([one.instrument for one in drawn])]
    labels += [_draw_tracing(axes, number, law, theme) for number in range(len(law.tracing))]
    _draw_crossovers(axes, law, theme)
    beside(axes, labels + noise, theme)
    return figure


def _scales(axes: Axes, drawn: Sequence[Point], law: Model) -> None:
    rates = [one.rate for one in drawn] or [1.0]
    crossed = [one.rate.value for one in law.crossovers if one.rate is not None and one.rate.value < 10 * max(rates)]
    axes.set(xscale="log", yscale="log", xlabel="looks a second", ylabel="share of progress lost")
    axes.set_xlim(min([*rates, *crossed]) / 2, 2 * max([*rates, *crossed]))
    axes.set_ylim(LEAST / 1.25, _TOP)
    axes.set_yticks([1e-4, 1e-3, 1e-2, 1e-1, 1], ["0.01 %", "0.1 %", "1 %", "10 %", "all"])
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(lambda rate, _: f"{rate:,g}")
    axes.grid(lw=0.6)
    axes.set_title(_KEY, loc="left", fontsize=SMALL)


def _draw_noise(axes: Axes, rows: Sequence[Finding], theme: Theme) -> list[Label]:
    """How far two windows are apart in which nobody asked."""
    found = next((row.slowdown for row in rows if row.arm.instrument == CONTROL), None)
    if found is None or found.low is None or found.high is None:
        return []
    floor = max(abs(found.low), abs(found.high))
    axes.axhspan(LEAST / 2, floor, color=theme.faint, alpha=0.22, lw=0, zorder=0)
    return [Label("noise", (LEAST * min(MOST, floor)) ** 0.5, theme.faint)]


def _draw_sampling(axes: Axes, instrument: str, drawn: Sequence[Point], law: Model, theme: Theme) -> Label:
    """Its points, its line and its band; the label belongs to where the line leaves the picture."""
    look, ours = look_of(instrument, theme), [one for one in drawn if one.instrument == instrument]
    for point in ours:
        axes.errorbar(
            [point.rate],
            [point.lost],
            yerr=[[point.lost - point.low], [point.high - point.lost]],
            fmt=look.marker,
            color=look.colour,
            markersize=8,
            capsize=4 if point.told else 0,
            markerfacecolor=look.colour if point.told else "none",
            markeredgewidth=1.6,
            zorder=4,
        )
    told = [one for one in ours if not one.told]
    axes.plot([one.rate for one in told], [LEAST / 1.12] * len(told), "v", color=look.colour, ms=4, clip_on=False)
    fitted = next((one for one in law.sampling if one.instrument == instrument), None)
    if fitted is None or fitted.lost(1).value * fitted.fastest <= LEAST:
        return Label(instrument, ours[-1].lost, look.colour)
    _draw_law(axes, fitted, theme)
    return Label(instrument, fitted.lost(axes.get_xlim()[1]).value, look.colour)


def _draw_law(axes: Axes, fitted: Sampling, theme: Theme) -> None:
    """The fitted line, thin beyond what the instrument has reached; the reckoned band behind it."""
    look, (first, last) = look_of(fitted.instrument, theme), axes.get_xlim()
    for begin, end, width in ((first, fitted.fastest, 1.8), (fitted.fastest, last, 0.8)):
        rates = _rates(begin, end)
        axes.plot(rates, [fitted.lost(rate).value for rate in rates], color=look.colour, linestyle=look.line, lw=width)
    rates = _rates(first, last)
    low, high = zip(*(fitted.reckoned(rate) for rate in rates), strict=True)
    if fitted.reckoned_ns.high:
        axes.fill_between(rates, [_within(one) for one in low], high, color=look.colour, alpha=0.18, lw=0, zorder=1)


def _rates(first: float, last: float) -> list[float]:
    return [first * (last / first) ** (step / 60) for step in range(61)]


def _draw_tracing(axes: Axes, number: int, law: Model, theme: Theme) -> Label:
    """It meets every hit, however often somebody reads what was counted: a horizontal line."""
    one = law.tracing[number]
    look, lost = look_of(one.instrument, theme), one.lost
    axes.axhline(_within(lost.value), color=look.colour, linestyle=look.line, lw=1.8, gid=one.instrument)
    axes.axhspan(_within(lost.low), _within(lost.high), color=look.colour, alpha=0.25, lw=0, zorder=1)
    return Label(f"{one.instrument}, every hit", _within(lost.value), look.colour)


def _draw_crossovers(axes: Axes, law: Model, theme: Theme) -> None:
    """Where a sampling instrument takes as much as a tracing one; open where it does not come so far."""
    for one in law.crossovers:
        traced = next(hit for hit in law.tracing if hit.instrument == one.tracing)
        if one.rate is None or not axes.get_xlim()[0] < one.rate.value < axes.get_xlim()[1]:
            continue
        at = one.rate.value, _within(traced.lost.value)
        reached = one.rate.value <= one.fastest
        axes.plot(*at, "o", ms=11, mfc="none", mec=theme.ink, mew=1.4 if reached else 0.7, zorder=5, clip_on=False)
        axes.vlines(at[0], LEAST / 2, at[1], color=theme.faint, lw=0.8, linestyle=":")
