"""The picture of a fleet: values over time, the distribution and the cost of each member and of the whole."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sampler.fleet.joined import Joined
from sampler.recording import Line, Recording
from sampler.units import NS_PER_SECOND
from sampler.view import plots
from sampler.view.fleet.rows import ALL
from sampler.view.fleet.standing import Standing, Sums, standings_of, whole
from sampler.view.pictures.base import COLOURS, plain
from sampler.view.statistics import is_number, numbers, quantile, reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_NS_PER_MS = 1_000_000
_MOST_EXPRESSIONS = 4
_MOST_NAMED = 12  # members whose labels have room
_ALL_COLOUR = "black"
_CLOCKS_AGREE_S = 60.0


def draw_fleet(found: Joined, path: str) -> None:
    """Raises UsageError for an unknown form of file, RecordingError for a run without looks, OutputError."""
    standings = [one for one in standings_of(found) if one.recording is not None]
    recordings = [one.recording for one in standings if one.recording is not None]
    plots.check(recordings, path)
    plots.save(_figure(standings, recordings), path)


def _figure(standings: Sequence[Standing], recordings: Sequence[Recording]) -> Figure:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    asked = _numeric(recordings)[:_MOST_EXPRESSIONS]
    figure = Figure(figsize=(10, 3.2 + 3.7 * len(asked)), layout="constrained")
    rows: list[Any] = [[f"values {place}", f"values {place}", f"spread {place}"] for place in range(len(asked))]
    parts: Any = figure.subplot_mosaic([*rows, ["cost", "cost", "share"]])
    begins_s = _begins_s([recording.header for recording in recordings])
    for place, expression in enumerate(asked):
        _draw_values(parts[f"values {place}"], standings, recordings, begins_s, expression)
        _draw_spread(parts[f"spread {place}"], standings, recordings, expression)
        parts[f"spread {place}"].sharey(parts[f"values {place}"])
    _draw_cost(parts["cost"], recordings, begins_s)
    _draw_share(parts["share"], standings)
    header = recordings[0].header
    top = parts[f"values {0}" if asked else "cost"]
    about = f"at {header['question']['point']} in {len(recordings)} targets, by {_instruments(recordings)}"
    top.set_title("\n".join(filter(None, [top.get_title(loc="left"), plain(about)])), loc="left", fontsize=11)
    for axes in parts.values():
        axes.grid(alpha=0.25)
    plots.name_machine(parts["cost"], header)
    return figure


def _numeric(recordings: Sequence[Recording]) -> list[str]:
    return [
        expression
        for expression in recordings[0].expressions
        if any(numbers(recording, expression) for recording in recordings)
    ]


def _instruments(recordings: Sequence[Recording]) -> str:
    return ", ".join(dict.fromkeys(str(recording.header["instrument"]) for recording in recordings))


def _begins_s(headers: Sequence[Line]) -> list[float]:
    """When each member's run began, since the first did. Monotonic clocks are exact, but each machine has its own:
    they are taken where what the calendar's clocks say does not differ by more than the time that a start may take.
    """
    wall = [datetime.datetime.fromisoformat(header["started"]).timestamp() for header in headers if "started" in header]
    ticks = [header["started_monotonic_ns"] / NS_PER_SECOND for header in headers if "started_monotonic_ns" in header]
    since_wall, since_ticks = _since_first(wall), _since_first(ticks)
    if len(wall) < len(headers):
        return [0.0] * len(headers)
    if len(ticks) < len(headers):
        return since_wall
    alike = all(abs(one - other) < _CLOCKS_AGREE_S for one, other in zip(since_wall, since_ticks, strict=True))
    return since_ticks if alike else since_wall


def _since_first(moments: Sequence[float]) -> list[float]:
    return [moment - min(moments) for moment in moments]


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _draw_values(
    axes: Axes,
    standings: Sequence[Standing],
    recordings: Sequence[Recording],
    begins_s: Sequence[float],
    expression: str,
) -> None:
    for place, (standing, recording) in enumerate(zip(standings, recordings, strict=True)):
        begun_s = begins_s[place]
        found = [(begun_s + one.t_ns / NS_PER_SECOND, reading(one, expression)) for one in recording.each_sample()]
        points = [(when, float(value)) for when, value in found if is_number(value)]
        line = ("-", "--", ":", "-.")[place // len(COLOURS) % 4]  # once there are no more colours
        how: dict[str, Any] = {"color": _colour(place), "linestyle": line, "linewidth": 0.8, "marker": "o"}
        if points:
            axes.plot(*zip(*points, strict=True), markersize=2.5, label=plain(standing.label), **how)
        missed = [begun_s + miss.t_ns / NS_PER_SECOND for miss in recording.misses]
        if missed:
            below = [0.02] * len(missed)
            axes.plot(missed, below, "x", color=_colour(place), transform=axes.get_xaxis_transform())
    axes.set_title(plain(expression), loc="left", fontsize=11)
    axes.set(xlabel="time since the first run began (s)", ylabel="value at the look")
    if len(standings) <= _MOST_NAMED:
        axes.legend(fontsize=7, loc="upper right")


def _draw_spread(axes: Axes, standings: Sequence[Standing], recordings: Sequence[Recording], expression: str) -> None:
    """Beside one another: the whole range, the middle 90 %, and the median."""
    series = [[float(value) for value in numbers(recording, expression)] for recording in recordings]
    series.append([value for of_one in series for value in of_one])
    for place, values in enumerate(series):
        if not values:
            continue
        ordered = sorted(values)
        colour = _ALL_COLOUR if place == len(recordings) else _colour(place)
        axes.vlines(place, ordered[0], ordered[-1], color=colour, linewidth=0.8)
        axes.vlines(place, quantile(ordered, 0.05), quantile(ordered, 0.95), color=colour, linewidth=4, alpha=0.6)
        axes.plot([place], [quantile(ordered, 0.5)], "o", color=colour, markersize=5)
    axes.set_title("distribution: median, middle 90 %, range", loc="left", fontsize=9)
    _name_members(axes, standings)


def _draw_cost(axes: Axes, recordings: Sequence[Recording], begins_s: Sequence[float]) -> None:
    for place, recording in enumerate(recordings):
        when = [begins_s[place] + look.at_ns / NS_PER_SECOND for look in recording.looks]
        low = [look.cost.suspended_ns.low / _NS_PER_MS for look in recording.looks]
        high = [look.cost.suspended_ns.high / _NS_PER_MS for look in recording.looks]
        axes.vlines(when, low, high, color=_colour(place), linewidth=2, alpha=0.7)
    axes.set_title("how long each look suspended its target: surely so, and at most so long", loc="left", fontsize=9)
    axes.set(xlabel="time since the first run began (s)", ylabel="suspended (ms)")
    axes.set_ylim(bottom=0)


def _draw_share(axes: Axes, standings: Sequence[Standing]) -> None:
    sums: list[Sums] = [*(one.sums() for one in standings), whole(standings)]
    for place, one in enumerate(sums):
        low, high = one.share
        colour = _ALL_COLOUR if place == len(standings) else _colour(place)
        axes.vlines(place, 100 * low, 100 * high, color=colour, linewidth=5, alpha=0.8)
    axes.set_title("suspended, of the time", loc="left", fontsize=9)
    axes.set(ylabel="%")
    axes.set_ylim(bottom=0)
    _name_members(axes, standings)


def _name_members(axes: Axes, standings: Sequence[Standing]) -> None:
    """The whole comes last."""
    axes.set_xlim(-0.7, len(standings) + 0.7)
    if len(standings) > _MOST_NAMED:
        axes.set_xticks([len(standings)], [ALL])
        axes.set_xlabel(f"{len(standings)} targets")
        return
    names = [plain(one.label) for one in standings]
    axes.set_xticks(range(len(names) + 1), [*names, ALL], rotation=30, ha="right", fontsize=7)
