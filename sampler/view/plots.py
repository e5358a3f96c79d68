"""Pictures of recordings, by matplotlib without a display."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sampler.errors import OutputError, RecordingError, UsageError
from sampler.recording import Line, Recording
from sampler.units import NS_PER_SECOND
from sampler.view.pictures.base import COLOURS, machine, plain
from sampler.view.statistics import Distribution, is_number, numbers, reading, show_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FORMS = (".png", ".svg")
_NS_PER_MS = 1_000_000


def draw(recordings: Sequence[Recording], path: str) -> None:
    """One picture of three parts; several recordings are drawn over one another.

    Raises UsageError for an unknown form of file, RecordingError for one without looks, OutputError.
    """
    check(recordings, path)
    save(_figure(recordings), path)


def check(recordings: Sequence[Recording], path: str) -> None:
    """That there is something to draw, and a form to draw it in."""
    if os.path.splitext(path)[1].lower() not in _FORMS:
        raise UsageError(f"{path} has no form that can be drawn", fix=f"end it in {' or '.join(_FORMS)}")
    if not any(recording.looks for recording in recordings):
        raise RecordingError("there is nothing to draw", "no look was recorded")


def save(figure: Figure, path: str) -> None:
    """OutputError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a letter that no font here has is drawn as a box
            figure.savefig(path, dpi=150)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}", error.strerror or str(error), "choose a place that can be written"
        ) from error


def name_machine(axes: Axes, header: Line) -> None:
    """Below the last part, where the figures come from."""
    axes.text(1, -0.22, plain(machine(header)), ha="right", fontsize=7, color="#555555", transform=axes.transAxes)


def _figure(recordings: Sequence[Recording]) -> Figure:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7.5), layout="constrained")
    parts: Any = figure.subplot_mosaic([["values", "values", "spread"], ["cost", "cost", "cost"]])
    for number, recording in enumerate(recordings):
        for place, expression in enumerate(recording.expressions):
            colour = COLOURS[(number + place) % len(COLOURS)]
            _draw_values(parts["values"], recording, expression, colour, _label(recording, expression, recordings))
            _draw_spread(parts["spread"], recording, expression, colour)
        _draw_cost(parts["cost"], recording, COLOURS[number % len(COLOURS)])
    _name_parts(parts, recordings)
    return figure


def _label(recording: Recording, expression: str, recordings: Sequence[Recording]) -> str:
    return plain(f"{expression} ({recording.header['instrument']})" if len(recordings) > 1 else expression)


def _draw_values(axes: Axes, recording: Recording, expression: str, colour: str, label: str) -> None:
    found = [(sample.t_ns / NS_PER_SECOND, reading(sample, expression)) for sample in recording.each_sample()]
    points = [(when, float(value)) for when, value in found if is_number(value)]
    if points:
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=0.8, marker="o", markersize=3.5, label=label)
    missed = [miss.t_ns / NS_PER_SECOND for miss in recording.misses]
    if missed:
        axes.plot(
            missed, [0.02] * len(missed), "x", color="black", transform=axes.get_xaxis_transform(), label="no value"
        )


def _draw_spread(axes: Axes, recording: Recording, expression: str, colour: str) -> None:
    series = [float(value) for value in numbers(recording, expression)]  # numpy takes no larger integers
    spread = Distribution.of(series)
    if spread is None:
        return
    axes.hist(series, bins=min(40, max(8, len(series) // 3)), orientation="horizontal", color=colour, alpha=0.7)
    axes.axhline(spread.median, color=colour, linewidth=1.2, label=f"median {show_value(spread.median)}")


def _draw_cost(axes: Axes, recording: Recording, colour: str) -> None:
    when = [look.at_ns / NS_PER_SECOND for look in recording.looks]
    low = [look.cost.suspended_ns.low / _NS_PER_MS for look in recording.looks]
    high = [look.cost.suspended_ns.high / _NS_PER_MS for look in recording.looks]
    axes.vlines(when, low, high, color=colour, linewidth=3, alpha=0.8, label=recording.header["instrument"])


def _name_parts(parts: dict[str, Axes], recordings: Sequence[Recording]) -> None:
    header = recordings[0].header
    target = header["target"]
    parts["values"].set_title(
        plain(", ".join(recordings[0].expressions))
        + "\n"
        + plain(f"at {header['question']['point']} in {target['name']}"),
        loc="left",
        fontsize=11,
    )
    parts["values"].set(xlabel="time since the start of the run (s)", ylabel="value at the look")
    parts["spread"].set_title("distribution", loc="left", fontsize=11)
    parts["spread"].set(xlabel="samples")
    parts["spread"].sharey(parts["values"])
    parts["cost"].set_title(
        "how long each look suspended the target: surely so long, and at most so long", loc="left", fontsize=11
    )
    parts["cost"].set(xlabel="time since the start of the run (s)", ylabel="suspended (ms)")
    parts["cost"].set_ylim(bottom=0)
    for name, fewest in (("values", 2), ("spread", 1), ("cost", 2)):
        parts[name].grid(alpha=0.25)
        if len(parts[name].get_legend_handles_labels()[0]) >= fewest:
            parts[name].legend(fontsize=8, loc="upper right")
    name_machine(parts["cost"], header)
