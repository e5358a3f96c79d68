"""Words beside the end of each line, in place of a legend: none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sampler.view.pictures.base import TEXT, Theme, plain, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

_LINE_HEIGHT = 1.3  # of a letter's size
_BESIDE = 1.045  # of the axis's width: where the words begin
_POINTS_AN_INCH = 72


@dataclass(frozen=True, slots=True)
class Label:
    """``y``: in the data of the axis, what it belongs to."""

    text: str
    y: float
    colour: str


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The places nearest to those wanted, all between ``low`` and ``high``, that keep ``gap`` from one another.

    Less its rank's share of gaps, each place must not lie below the one before: isotonic regression, by pooling
    adjacent violators.
    """
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    pools: list[list[float]] = []
    for rank, number in enumerate(order):
        pools.append([wanted[number] - rank * gap])
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    highest = max(low, high - gap * (len(wanted) - 1))
    bases = [min(highest, max(low, _mean(pool))) for pool in pools for _ in pool]
    found = [0.0] * len(wanted)
    for rank, (number, base) in enumerate(zip(order, bases, strict=True)):
        found[number] = base + rank * gap
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def beside(axes: Axes, labels: Sequence[Label], theme: Theme, size: float = TEXT) -> list[Text]:
    """Right of the axis, each with a thin line to where it belongs."""
    figure: Any = axes.figure
    figure.draw_without_rendering()  # only now is it known how high the axis is
    height = axes.get_position().height * figure.get_size_inches()[1] * _POINTS_AN_INCH
    wanted = [min(1.0, max(0.0, _fraction(axes, label.y))) for label in labels]
    places = spread(wanted, _LINE_HEIGHT * size / height, 0.0, 1.0)
    return [
        _written(axes, label, at, place, theme, size) for label, at, place in zip(labels, wanted, places, strict=True)
    ]


def _written(axes: Axes, label: Label, at: float, place: float, theme: Theme, size: float) -> Text:
    axes.plot([1.005, _BESIDE - 0.008], [at, place], transform=axes.transAxes, color=label.colour, lw=1, clip_on=False)
    return axes.text(
        _BESIDE,
        place,
        plain(label.text),
        transform=axes.transAxes,
        va="center",
        fontsize=size,
        color=readable(label.colour, theme),
        gid="label",
    )


def _fraction(axes: Axes, y: float) -> float:
    return float(axes.transAxes.inverted().transform(axes.transData.transform((axes.get_xlim()[0], y)))[1])
