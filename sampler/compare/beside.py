"""Windows with those beside them in which nobody asked: what an arm's window is held against."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from sampler.compare.counts import Counts
from sampler.compare.result import UNTOUCHED, Arm, Comparison, Window
from sampler.errors import BudgetExceeded

_LEAST_NS = 10_000_000  # of a window that tells anything


@dataclass(frozen=True, slots=True)
class Beside:
    """A window with the untouched ones next to it."""

    window: Window
    untouched: tuple[Window, ...]

    @property
    def kept(self) -> float | None:
        """The window's speed, over the mean of theirs."""
        speeds = [one.speed for one in self.untouched if one.speed is not None]
        speed, without = self.window.speed, statistics.fmean(speeds) if speeds else 0.0
        return None if speed is None or not without else speed / without


def beside(comparison: Comparison, arm: Arm) -> list[Beside]:
    """Those of an arm that have gone well, and those that the budget has ended: what they did until then is known."""
    found = []
    for place, window in enumerate(comparison.windows):
        over = window.failed is not None and window.failed.get("kind") == BudgetExceeded.__name__
        if window.arm == arm and (over or window.failed is None) and window.elapsed_ns >= _LEAST_NS:
            next_to = comparison.windows[max(0, place - 1) : place + 2]
            found.append(Beside(window, tuple(one for one in next_to if one.arm.instrument == UNTOUCHED)))
    return found


def untouched(comparison: Comparison) -> list[Window]:
    return [window for window in comparison.windows if window.arm.instrument == UNTOUCHED]


def untouched_speed(comparison: Comparison) -> float | None:
    """Progress a second while nobody asks: the median window's."""
    speeds = sorted(window.speed for window in untouched(comparison) if window.speed is not None)
    return speeds[len(speeds) // 2] if speeds else None


def truth_of(windows: Sequence[Window], moment: bool) -> list[Counts]:
    """What the target told of these windows: of moments, or of calls."""
    told = [window.truth for window in windows if window.truth is not None]
    return [counts for truth in told if (counts := truth.waited if moment else truth.calls)]


def values_of(comparison: Comparison, arm: Arm) -> list[Counts]:
    """What an arm has seen, by round."""
    return [one.window.asked.values for one in beside(comparison, arm) if one.window.asked is not None]
