"""Distributions held against one another: an arm's and the truth or the others', the target's with it and without."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.compare.agreement import Agreement
from sampler.compare.beside import Beside, beside, truth_of
from sampler.compare.counts import Counts, coarse, in_buckets, merged, numeric, rebucketed
from sampler.compare.result import Arm, Asked, Comparison, Window
from sampler.tally import Bucket


def truth(arm: Arm, windows: Sequence[Window], buckets: Sequence[Bucket]) -> Agreement | None:
    """Of an arm's values and what the target told of the same windows: of moments, if the arm looks by the clock."""
    told = [(window.asked, window.truth) for window in windows if window.asked is not None and window.truth is not None]
    theirs = [counts.calls if arm.rate is None else counts.waited for _, counts in told]
    asked = [one for one, _ in told]
    if not told or not all(theirs):
        return None
    calls = sum(sum(counts.calls.values()) for _, counts in told)
    if arm.rate is None:
        return _in_buckets(asked, theirs, buckets, calls)
    ours = [coarse(one.values, counts.bits) for one, counts in told]
    return Agreement.of(ours, theirs, (sum(one.samples for one in asked), calls))


def effect(windows: Sequence[Beside]) -> Agreement | None:
    """Of what the target told of its calls in an arm's windows, and beside them."""
    told = [(truth_of([one.window], moment=False), truth_of(one.untouched, moment=False)) for one in windows]
    during = [merged(counts) for counts, without in told if counts and without]
    without = [merged(without) for counts, without in told if counts and without]
    if not during:
        return None
    return Agreement.of(during, without, (_size(during), _size(without)))


def others(comparison: Comparison, arm: Arm, asked: Sequence[Asked], buckets: Sequence[Bucket]) -> Agreement | None:
    """Of an arm's values and those of the other instruments that look, each of which has the same weight."""
    by_instrument: dict[str, list[Asked]] = {}
    for other in comparison.arms:
        if other.instrument != arm.instrument and other.rate is not None:
            seen = [one.window.asked for one in beside(comparison, other) if one.window.asked is not None]
            by_instrument.setdefault(other.instrument, []).extend(one for one in seen if one.values)
    pooled = [seen for seen in by_instrument.values() if seen]
    if not pooled:
        return None
    theirs = merged(_weighing_one([one.values for one in seen]) for seen in pooled)
    samples = [sum(one.samples for one in seen) for seen in pooled]
    size = len(pooled) ** 2 / sum(1 / count for count in samples)  # as sure as so many of one instrument
    if arm.rate is None:
        return _in_buckets(asked, [theirs], buckets, size)
    ours = [one.values for one in asked]
    if bool(numeric(theirs)) != bool(numeric(merged(ours))):
        return None
    return Agreement.of(ours, [theirs], (sum(one.samples for one in asked), size))


def _in_buckets(
    asked: Sequence[Asked], theirs: Sequence[Counts], buckets: Sequence[Bucket], size: float
) -> Agreement | None:
    """Of what is known by buckets only: the others are put into the same ones."""
    hits = sum(one.hits for one in asked)
    if not buckets or not hits:
        return None
    ours = [rebucketed(one.buckets, buckets) for one in asked]
    return Agreement.of(ours, [in_buckets(counts, buckets) for counts in theirs], (hits, size))


def _weighing_one(rounds: Sequence[Counts]) -> Counts:
    total = _size(rounds)
    return {value: weight / total for value, weight in merged(rounds).items()}


def _size(rounds: Sequence[Counts]) -> float:
    return sum(sum(counts.values()) for counts in rounds)
