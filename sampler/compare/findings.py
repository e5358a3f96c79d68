"""What a comparison comes down to: a row for each arm, with all figures that tables and pictures show.

A slowdown is the share of its progress that the target lost: what it did with the arm there, over what it did in
the untouched windows just before and just after.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sampler.compare import against
from sampler.compare.agreement import Agreement
from sampler.compare.beside import beside
from sampler.compare.counts import Spread, merged
from sampler.compare.estimates import Estimates, estimates
from sampler.compare.intervals import Estimate, mean
from sampler.compare.result import CONTROL, Arm, Asked, Comparison, Window
from sampler.errors import SamplerError
from sampler.instruments.base import DEBUGGERS
from sampler.sample import Interval
from sampler.tally import Bucket, summed
from sampler.units import NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one arm, over its rounds.

    ``achieved``: looks a second, or hits. ``suspended_ns``: of a look, the median of each bound. ``share``: of time.
    ``kept``: progress, of untouched. ``stall_ns``: the longest time without progress. ``cpu``: of one processor.
    ``truth``: of its values and what the target told of the same windows. ``effect``: of what the target told in its
    windows and beside them: what the arm has changed. ``others``: of its values and those of the other instruments.
    ``failed``: in so many of the rounds that were ``tried``, ``why``.
    """

    arm: Arm
    rounds: int = 0
    achieved: float | None = None
    samples: int = 0
    misses: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    backed_off: int = 0
    spread: Spread | None = None
    buckets: Sequence[Bucket] = ()
    suspended_ns: Interval | None = None
    hit_ns: Interval | None = None
    share: tuple[float, float] | None = None
    once_ns: Interval | None = None
    kept: Estimate | None = None
    stall_ns: int | None = None
    cpu: float | None = None
    truth: Agreement | None = None
    effect: Agreement | None = None
    others: Agreement | None = None
    estimates: Estimates | None = None
    tried: int = 0
    failed: int = 0
    why: str = ""

    @property
    def slowdown(self) -> Estimate | None:
        """The share of progress lost; below 0 where chance was kind."""
        if self.kept is None:
            return None
        low, high = self.kept.low, self.kept.high
        return Estimate(1 - self.kept.value, None if high is None else 1 - high, None if low is None else 1 - low)

    @property
    def traces(self) -> bool:
        return self.arm.rate is None and self.arm.instrument != CONTROL


@lru_cache(maxsize=4)  # tables and pictures all begin with them
def findings(comparison: Comparison) -> tuple[Finding, ...]:
    """A row for each arm, in the order of the command line."""
    return tuple(finding(comparison, arm) for arm in comparison.arms)


def finding(comparison: Comparison, arm: Arm) -> Finding:
    found = _over([comparison], arm)
    asked = [one.window.asked for one in beside(comparison, arm) if one.window.asked is not None]
    if asked:
        found["others"] = against.others(comparison, arm, asked, found["buckets"])
    return Finding(arm, **found)


def overall(comparisons: Sequence[Comparison]) -> list[Finding]:
    """A row for each arm that any of them has, over the rounds of all targets: one with more rounds counts for more."""
    arms = dict.fromkeys(arm for comparison in comparisons for arm in comparison.arms)
    return [Finding(arm, **_over(comparisons, arm)) for arm in arms]


def _over(comparisons: Sequence[Comparison], arm: Arm) -> dict[str, Any]:
    windows = [one for comparison in comparisons for one in beside(comparison, arm)]
    tried = [window for comparison in comparisons for window in comparison.of(arm)]
    failures = [window.failed for window in tried if window.failed]
    shows = all(_shows(comparison, arm) for comparison in comparisons)
    found: dict[str, Any] = {
        "rounds": len(windows),
        "kept": mean([one.kept for one in windows if one.kept is not None]) if shows else None,
        "stall_ns": max((one.window.longest_stall_ns or 0 for one in windows), default=0) or None,
        "effect": against.effect(windows),
        "tried": len(tried),
        "failed": len(failures),
        "why": SamplerError.from_json(failures[0]).reason if failures else "",
    }
    asked = [(one.window, one.window.asked) for one in windows if one.window.asked is not None]
    return found | (_asked(arm, [window for window, _ in asked], [one for _, one in asked]) if asked else {})


def _shows(comparison: Comparison, arm: Arm) -> bool:
    """Whether the measure of progress shows what the arm takes: processor time is what a hit uses too."""
    return comparison.header["progress"]["by"] != "cpu" or arm.rate is not None or arm.instrument == CONTROL


def _asked(arm: Arm, windows: list[Window], asked: list[Asked]) -> dict[str, Any]:
    elapsed_s = max(1, sum(one.over_ns for one in asked)) / NS_PER_SECOND
    samples, missed = sum(one.samples for one in asked), sum((Counter(one.misses) for one in asked), Counter[str]())
    looks, hits = samples + sum(missed.values()), sum(one.hits for one in asked)
    spent = sum((one.suspended_ns for one in asked), Interval())
    buckets = summed(one.buckets for one in asked)
    return {
        "achieved": (hits if arm.rate is None else looks) / elapsed_s,
        "samples": samples if arm.rate is not None else hits,
        "misses": missed,
        "skipped": sum(one.skipped for one in asked),
        "backed_off": sum(one.backed_off for one in asked),
        "spread": Spread.of(merged(one.values for one in asked)) or _spread_of(buckets),
        "buckets": buckets,
        "suspended_ns": _typical(asked),
        "hit_ns": next((one.hit_ns for one in asked if one.hit_ns is not None and arm.rate is None), None),
        "share": (spent.low / elapsed_s / NS_PER_SECOND, spent.high / elapsed_s / NS_PER_SECOND),
        "once_ns": _median_bounds([one.once_ns for one in asked]),
        "cpu": sum(one.cpu_ns for one in asked) / max(1, sum(one.cpu_elapsed_ns for one in asked)),
        "truth": against.truth(arm, windows, buckets),
        "estimates": estimates([one.looks for one in asked], arm.instrument not in DEBUGGERS),
    }


def _typical(asked: Sequence[Asked]) -> Interval | None:
    looks = [look.suspended_ns for one in asked for look in one.looks]
    several = any(one.samples for one in asked)  # taken by one call: they stop nobody
    return _median_bounds(looks or [Interval()]) if looks or several else None


def _median_bounds(bounds: Sequence[Interval]) -> Interval | None:
    if not bounds:
        return None
    low, high = (sorted(side) for side in ([one.low for one in bounds], [one.high for one in bounds]))
    return Interval(low[len(low) // 2], high[len(high) // 2])


def _spread_of(buckets: Sequence[Bucket]) -> Spread | None:
    """As if each value were the lowest of its bucket."""
    return Spread.of({low if low is not None else (high or 0) - 1: count for low, high, count in buckets})
