"""One look of each instrument on one scale, as who does what when: for how long execution is suspended, and whose.

On the left the whole looks; on the right the time around the hit, a hundred times as large.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sampler.view.pictures.base import SMALL, Theme, framed, look_of, machine, plain, readable
from sampler.view.pictures.look_times import TRACER, WRITER, Lane, Look, Span

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLE = "Suspended execution: one look by each instrument"
_KEY = (
    "colour: tracer works   grey: kernel works   thick: held, as the instrument says   hatched: stood, by its own clock"
)
SIZE = (7.0, 8.2)
_LARGER = 100
_BEFORE = 0.3  # of the right column lies before the hit
_HEIGHT = 0.62  # of a lane
_NS_PER_MS, _NS_PER_US = 1_000_000, 1_000


def timeline(fields: Mapping[str, Any], looks: Sequence[Look], theme: Theme) -> Figure:
    figure = framed(TITLE, _KEY, _caption(fields), theme, SIZE)
    grid: Any = figure.subplots(
        len(looks), 2, sharex="col", sharey=True, squeeze=False, width_ratios=(1.45, 1), gridspec_kw={"wspace": 0.02}
    )
    whole = 1.03 * max(look.length_ns for look in looks)
    for (left, right), look in zip(grid, looks, strict=True):
        _draw(left, look, 0, _NS_PER_MS, theme)
        _draw(right, look, look.hit_ns, _NS_PER_US, theme)
        _name(left, look, theme)
    grid[0][0].set_xlim(-0.015 * whole / _NS_PER_MS, whole / _NS_PER_MS)
    part = whole / _LARGER / _NS_PER_US
    grid[0][1].set_xlim(-_BEFORE * part, (1 - _BEFORE) * part)
    grid[-1][0].set_xlabel("ms since the look began")
    grid[-1][1].set_xlabel(f"µs from the hit, ×{_LARGER}")
    return figure


def _caption(fields: Mapping[str, Any]) -> str:
    asked = dict.fromkeys(f"{one['target']}: {one['expression']} at {one['point']}" for one in fields["panels"])
    count = min(one["looks"] for one in fields["panels"])
    return f"{' · '.join(asked)} · each the median of {count} looks · {machine(fields)}"


def _name(axes: Axes, look: Look, theme: Theme) -> None:
    axes.set_yticks(range(len(look.lanes)), [lane.name for lane in look.lanes])
    axes.tick_params(axis="y", length=0, labelsize=SMALL + 1)
    axes.set_ylim(len(look.lanes) - 0.5, -0.6)
    colour = readable(look_of(look.instrument, theme).colour, theme)
    axes.set_title(plain(f"{look.instrument}: {look.says}"), loc="left", color=colour, fontsize=SMALL + 2.5, pad=4)
    axes.title.set_in_layout(False)


def _draw(axes: Axes, look: Look, origin_ns: float, unit_ns: float, theme: Theme) -> None:
    colour = look_of(look.instrument, theme).colour
    for place, lane in enumerate(look.lanes):
        if place >= WRITER:  # a thread: it runs, unless it is held
            axes.axhline(place, color=theme.faint, lw=1.2, zorder=1)
        _fill(axes, place, _moved(lane.works, origin_ns, unit_ns), colour if place == TRACER else theme.faint)
        _draw_thread(axes, place, lane, origin_ns, unit_ns, theme)
    for at_ns, begun, ended in look.passings:
        at = (at_ns - origin_ns) / unit_ns
        axes.plot([at, at], [begun, ended], color=theme.ink, lw=0.9, zorder=5)
        axes.plot(at, ended, "^" if ended < begun else "v", color=theme.ink, ms=4, zorder=5)
    axes.grid(axis="x", lw=0.5)


def _draw_thread(axes: Axes, place: int, lane: Lane, origin_ns: float, unit_ns: float, theme: Theme) -> None:
    for begun, ended in _moved(lane.stood, origin_ns, unit_ns):
        how: Any = {"facecolor": theme.paper, "edgecolor": theme.ink, "hatch": "/////", "lw": 0.6, "zorder": 2}
        axes.barh(place, ended - begun, _HEIGHT, begun, **how)
    _fill(axes, place, _moved(lane.held, origin_ns, unit_ns), theme.ink, 0.5 * _HEIGHT)


def _fill(axes: Axes, place: int, spans: Sequence[Span], colour: str, height: float = _HEIGHT) -> None:
    """Its edge is drawn too: what would be too short to be seen is a line."""
    for begun, ended in spans:
        axes.barh(place, ended - begun, height, begun, color=colour, edgecolor=colour, lw=0.8, zorder=3)


def _moved(spans: Sequence[Span], origin_ns: float, unit_ns: float) -> list[Span]:
    return [((begun - origin_ns) / unit_ns, (ended - origin_ns) / unit_ns) for begun, ended in spans]
