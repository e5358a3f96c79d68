"""Values with their weights: how they are distributed, and how far two distributions are apart.

A weight is a number of samples or hits, or the time that a value stood for. Numbers have an order; of other
values (texts, truth values) only the shares can be compared.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sampler.sample import Value
from sampler.tally import Bucket

Counts = Mapping[Value, float]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Spread:
    """Of numbers. ``quantiles``: for each share of QUANTILES the smallest value that it does not exceed."""

    weight: float
    minimum: float
    maximum: float
    mean: float
    quantiles: tuple[float, ...]

    @property
    def median(self) -> float:
        return self.quantiles[QUANTILES.index(0.5)]

    @staticmethod
    def of(counts: Counts) -> Spread | None:
        """None where nothing is a number."""
        found = numeric(counts)
        total = sum(found.values())
        if not total:
            return None
        mean = sum(value * (weight / total) for value, weight in found.items())
        return Spread(total, min(found), max(found), mean, tuple(quantile(found, share) for share in QUANTILES))


def merged(several: Iterable[Counts]) -> Counter[Value]:
    """The sum; weights may be fractions."""
    total = Counter[Value]()
    for counts in several:
        for value, weight in counts.items():
            total[value] += weight  # type: ignore[assignment]  # Counter's stubs know whole numbers only
    return total


def numeric(counts: Counts) -> dict[float, float]:
    """Only the finite numbers, in ascending order; truth values are none."""
    found = {
        value: weight
        for value, weight in counts.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and weight > 0
    }
    return dict(sorted(found.items()))


def quantile(ascending: Mapping[float, float], share: float) -> float:
    """The smallest value that at least ``share`` of the weight does not exceed: one that was seen."""
    wanted, passed = share * sum(ascending.values()), 0.0
    for value, weight in ascending.items():
        passed += weight
        if passed >= wanted * (1 - 1e-12):
            return value
    return value


def distance(one: Counts, other: Counts) -> float:
    """Between 0 (alike) and 1 (nothing in common, or one of them is empty).

    Of numbers Kolmogorov and Smirnov's: the largest difference between the shares that lie at or below any value.
    Of other values the sum of what one has more of than the other (total variation).
    """
    sizes = sum(one.values()), sum(other.values())
    if not all(sizes):
        return 1.0
    ours, theirs = numeric(one), numeric(other)
    if ours and theirs:
        return _of_numbers(ours, theirs)
    return sum(max(0.0, one.get(value, 0) / sizes[0] - other.get(value, 0) / sizes[1]) for value in one)


def _of_numbers(one: Mapping[float, float], other: Mapping[float, float]) -> float:
    sizes = sum(one.values()), sum(other.values())
    largest, below = 0.0, [0.0, 0.0]
    for value in sorted({*one, *other}):
        below = [below[0] + one.get(value, 0), below[1] + other.get(value, 0)]
        largest = max(largest, abs(below[0] / sizes[0] - below[1] / sizes[1]))
    return largest


def coarse(counts: Counts, bits: int | None) -> Counts:
    """Numbers cut to so many leading bits, as the target may have counted them; None: as they are."""
    if bits is None:
        return counts
    found = Counter[Value]()
    for value, weight in numeric(counts).items():
        found[_cut(round(value), bits)] += weight  # type: ignore[assignment]
    return found


def _cut(value: int, bits: int) -> int:
    shift = max(0, abs(value).bit_length() - bits)
    cut = abs(value) >> shift << shift
    return cut if value >= 0 else -cut


def in_buckets(counts: Counts, buckets: Sequence[Bucket]) -> Counter[Value]:
    """The weights by the number of the bucket that a value falls into; what falls into none is left out."""
    found = Counter[Value]()
    for value, weight in numeric(counts).items():
        for number, (low, high, _) in enumerate(buckets):
            if (low is None or value >= low) and (high is None or value < high):
                found[number] += weight  # type: ignore[assignment]
                break
    return found


def rebucketed(buckets: Sequence[Bucket], edges: Sequence[Bucket]) -> Counter[Value]:
    """The same of what is known by buckets only, each of which lies within one of ``edges``."""
    middle = {_inside(low, high): count for low, high, count in buckets if count}
    return in_buckets(middle, edges)


def _inside(low: int | None, high: int | None) -> Value:
    if low is not None:
        return low
    return high - 1 if high is not None else 0
