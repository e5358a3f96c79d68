"""What becomes of the rate that was asked: how many looks there were, and for what share of the time they suspend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sampler.compare.findings import Finding, findings
from sampler.compare.result import Comparison
from sampler.view.pictures.base import Theme, caption, framed, instruments, look_of, note, rate_ticks, wide
from sampler.view.pictures.labels import Label, beside

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "How often each can ask, and how long the target then stands"
_KEY = "above, dotted: as was asked    below, band: from surely so long to at most so long"
SIZE = (7.0, 5.8)
LEAST, MOST = 1e-6, 1.0
_SHARES = {1e-6: "1 ppm", 1e-4: "0.01 %", 1e-2: "1 %", 1: "all"}


def sweep(found: Comparison, theme: Theme) -> Figure:
    rows = [row for row in findings(found) if row.arm.rate is not None and row.achieved]
    figure = framed(TITLE, _KEY, caption(found.header), theme, SIZE)
    if not rows:
        return note(figure, "no rate was asked of any instrument")
    upper, lower = figure.subplots(2, 1, sharex=True)
    _scales(upper, lower, rows, theme)
    names = instruments([row.arm.instrument for row in rows])
    of_each = {name: [row for row in rows if row.arm.instrument == name] for name in names}
    reached = [_draw_reached(upper, name, ours, theme) for name, ours in of_each.items()]
    suspended = [_draw_share(lower, name, ours, theme) for name, ours in of_each.items()]
    beside(upper, reached, theme)
    beside(lower, suspended, theme)
    return figure


def _scales(upper: Axes, lower: Axes, rows: Sequence[Finding], theme: Theme) -> None:
    asked = [row.arm.rate for row in rows if row.arm.rate is not None]
    reached = [row.achieved for row in rows if row.achieved is not None]
    first, last = wide(min(*asked, *reached) / 1.6, 1.6 * max(*asked, *reached))
    upper.set(xscale="log", yscale="log", ylabel="looks a second,\nreached", xlim=(first, last), ylim=(first, last))
    upper.plot([first, last], [first, last], color=theme.faint, lw=0.9, linestyle=":")
    lower.set(yscale="log", xlabel="looks a second, asked", ylabel="share of time\nsuspended")
    lower.set_ylim(LEAST / 1.5, MOST * 1.5)
    lower.set_yticks(list(_SHARES), list(_SHARES.values()))
    upper.set_yticks(*rate_ticks(first, last))
    lower.set_xticks(*rate_ticks(first, last))
    for axes in (upper, lower):
        axes.minorticks_off()
        axes.grid(lw=0.6)


def _draw_reached(axes: Axes, name: str, rows: Sequence[Finding], theme: Theme) -> Label:
    look = look_of(name, theme)
    asked, reached = _asked(rows), [row.achieved or 0 for row in rows]
    axes.plot(asked, reached, color=look.colour, marker=look.marker, linestyle=look.line, ms=7, lw=1.6)
    return Label(name, reached[-1], look.colour)


def _draw_share(axes: Axes, name: str, rows: Sequence[Finding], theme: Theme) -> Label:
    """A line along the middle of the band; at the lower edge where nobody was suspended."""
    look, asked = look_of(name, theme), _asked(rows)
    low, high = zip(*(map(_within, row.share or (0, 0)) for row in rows), strict=True)
    middle = [(one * other) ** 0.5 for one, other in zip(low, high, strict=True)]
    axes.fill_between(asked, low, high, color=look.colour, alpha=0.2, lw=0)
    axes.vlines(asked, low, high, color=look.colour, lw=1.2)
    axes.plot(asked, middle, color=look.colour, marker=look.marker, linestyle=look.line, ms=7, lw=1.6, clip_on=False)
    return Label(name if high[-1] > LEAST else f"{name}: nobody", middle[-1], look.colour)


def _within(share: float) -> float:
    return min(MOST, max(LEAST, share))


def _asked(rows: Sequence[Finding]) -> list[float]:
    return [row.arm.rate or 0 for row in rows]
