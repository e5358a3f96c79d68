"""What asking takes from the target, over how often is asked: measured, fitted and reckoned in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sampler.compare.findings import Finding, findings
from sampler.compare.intervals import Estimate
from sampler.compare.model import Crossover, Model, Sampling, model
from sampler.compare.result import CONTROL, Comparison
from sampler.view.pictures.base import TEXT, Theme, caption, framed, instruments, look_of, note, rate_ticks, wide
from sampler.view.pictures.labels import Label, beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST, MOST = 1e-4, 1.0
#: Above the whole there is room for the width of a line.
_TOP = 1.3
_ASIDE = 1.07
TITLE = "What asking takes from the target"
_KEY = "● measured, 95 %   ○ not to be told from none   line: fitted   band: as the instrument reckons"


@dataclass(frozen=True, slots=True)
class Point:
    """One arm as it is drawn: at ``x``, a little beside its ``rate``, as several arms have the same. ``low`` and
    ``high``: how far its bar goes. ``told``: from none.
    """

    instrument: str
    rate: float
    x: float
    lost: float
    low: float
    high: float
    told: bool


def points(rows: Sequence[Finding]) -> list[Point]:
    """Of each arm that has a rate; what lies below the picture is drawn on its lower edge."""
    sampling = [row for row in rows if row.arm.rate is not None and row.achieved and row.slowdown is not None]
    names = instruments([row.arm.instrument for row in sampling])
    return [_point(row, _ASIDE ** (names.index(row.arm.instrument) - (len(names) - 1) / 2)) for row in sampling]


def _point(row: Finding, aside: float) -> Point:
    rate, lost = row.achieved or 0.0, row.slowdown or Estimate(0)
    told = lost.low is not None and lost.low > 0
    bar = _within(lost.low), _within(lost.high if lost.high is not None else lost.value)
    return Point(row.arm.instrument, rate, rate * aside, _within(lost.value), *bar, told)


def _within(share: float | None) -> float:
    return LEAST if share is None else min(MOST, max(LEAST, share))


def slowdown(found: Comparison, theme: Theme) -> Figure:
    rows = findings(found)
    law, drawn = model(found, rows), points(rows)
    figure = framed(TITLE, _KEY, caption(found.header), theme)
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
    axes.set_xlim(*wide(min([*rates, *crossed]) / 2, 2 * max([*rates, *crossed])))
    axes.set_ylim(LEAST / 1.25, _TOP)
    axes.set_yticks([1e-4, 1e-3, 1e-2, 1e-1, 1], ["0.01 %", "0.1 %", "1 %", "10 %", "all"])
    axes.minorticks_off()
    axes.set_xticks(*rate_ticks(*axes.get_xlim()))
    axes.grid(lw=0.6)


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
            [point.x],
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
    untold = [one.x for one in ours if not one.told]
    if untold:  # an empty line has no place, and would have the layout make room for it
        axes.plot(untold, [LEAST / 1.12] * len(untold), "v", color=look.colour, ms=4, clip_on=False)
    fitted = next((one for one in law.sampling if one.instrument == instrument), None)
    if fitted is None or fitted.lost(1).value * fitted.fastest <= LEAST:
        return Label(instrument, ours[-1].lost, look.colour)
    _draw_law(axes, fitted, theme)
    return Label(instrument, fitted.lost(axes.get_xlim()[1]).value, look.colour)


def _draw_law(axes: Axes, fitted: Sampling, theme: Theme) -> None:
    """The fitted line, thin beyond what the instrument has reached and pale where it is not to be told from none;
    the reckoned band behind it.
    """
    look, (first, last) = look_of(fitted.instrument, theme), axes.get_xlim()
    pale = 1.0 if fitted.look_ns.low is not None and fitted.look_ns.low > 0 else 0.5
    for begin, end, width in ((first, fitted.fastest, 1.8), (fitted.fastest, last, 0.8)):
        rates = _rates(begin, end)
        lost = [fitted.lost(rate).value for rate in rates]
        axes.plot(rates, lost, color=look.colour, linestyle=look.line, lw=width, alpha=pale)
    if fitted.reckoned_ns.high:
        rates = _rates(first, last)
        low, high = zip(*(fitted.reckoned(rate) for rate in rates), strict=True)
        axes.fill_between(rates, [_within(one) for one in low], high, color=look.colour, alpha=0.18, lw=0, zorder=1)


def _rates(first: float, last: float) -> list[float]:
    return [first * (last / first) ** (step / 60) for step in range(61)]


def _draw_tracing(axes: Axes, number: int, law: Model, theme: Theme) -> Label:
    """It meets every hit, however often somebody reads what was counted: a horizontal line."""
    one = law.tracing[number]
    look, lost = look_of(one.instrument, theme), one.lost
    axes.axhline(_within(lost.value), color=look.colour, linestyle=look.line, lw=1.8, gid=one.instrument)
    if lost.low is not None and lost.low > 0:
        axes.axhspan(lost.low, _within(lost.high), color=look.colour, alpha=0.25, lw=0, zorder=1)
    elif lost.high is not None:  # not to be told from none: at most so much
        axes.axhline(_within(lost.high), color=look.colour, linestyle=":", lw=1)
    return Label(f"{one.instrument}, every hit", _within(lost.value), look.colour)


def _draw_crossovers(axes: Axes, law: Model, theme: Theme) -> None:
    """Where a sampling instrument takes as much as a tracing one; a thin ring where it does not come so far."""
    (first, last), drawn = axes.get_xlim(), list[Crossover]()
    for one in law.crossovers:
        traced = next(hit for hit in law.tracing if hit.instrument == one.tracing)
        if one.rate is None or not first < one.rate.value < last:
            continue
        rate, lost = one.rate.value, _within(traced.lost.value)
        width = 1.8 if rate <= one.fastest else 0.8
        axes.plot(rate, lost, "o", ms=11, mfc="none", mec=theme.ink, mew=width, zorder=5, clip_on=False)
        axes.vlines(rate, LEAST / 2, lost, color=theme.faint, lw=0.8, linestyle=":", zorder=1)
        drawn.append(one)
    _name_crossovers(axes, drawn, theme)


def _name_crossovers(axes: Axes, drawn: Sequence[Crossover], theme: Theme) -> None:
    """At the lower edge, where the lines end: one name for those that are nearly one, each a line above the last."""
    rates: dict[str, list[float]] = {}
    for one in drawn:
        if one.rate is not None:
            rates.setdefault(one.sampling, []).append(one.rate.value)
    first, last = axes.get_xlim()
    for number, (sampling, found) in enumerate(rates.items()):
        low, high = f"{min(found):,.0f}", f"{max(found):,.0f}"
        text = f"{sampling} = tracing at {low if low == high else f'{low}–{high}'}/s"
        left = min(found) * max(found) > first * last  # of the line, where there is more room
        axes.annotate(text, (min(found) if left else max(found), LEAST * 1.7), (-5 if left else 5, 15 * number),
                      textcoords="offset points", ha="right" if left else "left", fontsize=TEXT - 2, zorder=6,
                      bbox={"facecolor": theme.paper, "alpha": 0.85, "lw": 0, "pad": 1.5}, gid="label")  # fmt: skip
