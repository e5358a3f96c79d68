"""What several targets have counted, as if one had."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from sampler.sample import Cost, Interval
from sampler.tally import Numbers, Tally, summed


def together(tallies: Sequence[Tally]) -> Tally:
    """The sum of at least one; each was read at its own moment."""
    return reduce(_both, tallies)


def _both(one: Tally, other: Tally) -> Tally:
    cost = Cost(one.cost.suspended_ns + other.cost.suspended_ns, hits=one.cost.hits + other.cost.hits)
    names = {*one.histograms, *other.histograms}, {*one.numbers, *other.numbers}
    return Tally(
        max(one.t_ns, other.t_ns),
        Interval(min(one.read_ns.low, other.read_ns.low), max(one.read_ns.high, other.read_ns.high)),
        {name: one.counts.get(name, 0) + other.counts.get(name, 0) for name in {**one.counts, **other.counts}},
        {name: summed([one.histograms.get(name, ()), other.histograms.get(name, ())]) for name in sorted(names[0])},
        {name: _numbers(one.numbers.get(name), other.numbers.get(name)) for name in sorted(names[1])},
        one.ends_alone + other.ends_alone,
        one.unreadable + other.unreadable,
        one.lost + other.lost,
        cost,
    )


def _numbers(one: Numbers | None, other: Numbers | None) -> Numbers:
    found = [numbers for numbers in (one, other) if numbers is not None]
    lows = [numbers.low for numbers in found if numbers.low is not None]
    highs = [numbers.high for numbers in found if numbers.high is not None]
    return Numbers(
        sum(numbers.count for numbers in found),
        sum(numbers.sum for numbers in found),
        min(lows, default=None),
        max(highs, default=None),
    )
