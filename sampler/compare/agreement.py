"""Whether two distributions are one, as far as so many samples in so many rounds can tell.

The distance is that of ``counts.distance``; its interval is of the bootstrap over rounds. How large it is by chance
alone is told in two ways, of which the larger holds: by the same bootstrap, centred on what was found, which knows
how much rounds differ among themselves; and by Kolmogorov and Smirnov's bound for independent samples, which knows how
few they are. Of values that are no numbers there is no such bound, and no verdict.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sampler.compare.counts import Counts, distance, merged, numeric
from sampler.compare.intervals import student

_RESAMPLES = 500
_PLACES = 500  # values at which distribution functions are compared, at most
_SEED = 20180101
_CRITICAL = 1.358  # of 95 %, for large samples
#: With fewer there is nothing to be told.
_LEAST_SAMPLES = 5
#: Of millions of hits the slightest distance is no chance.
_SLIGHT = 0.03
#: Chance that makes more than this leaves nothing to be told.
_TELLING = 0.25
_NORMAL = 1.96


@dataclass(frozen=True, slots=True)
class Agreement:
    """``distance`` with its 95 % interval; ``chance``: what 95 of 100 pairs of one distribution have at most."""

    distance: float
    low: float
    high: float
    chance: float

    @property
    def differs(self) -> bool:
        """Whether chance alone would hardly have made the distance, and it is none that nobody would care for."""
        return self.distance > max(self.chance, _SLIGHT)

    @property
    def tells(self) -> bool:
        """Whether distributions that are somewhat apart would have been told apart."""
        return self.differs or self.chance <= _TELLING

    def to_json(self) -> list[float]:
        return [self.distance, self.low, self.high, self.chance]

    @staticmethod
    def of(ours: Sequence[Counts], theirs: Sequence[Counts], sizes: tuple[float, float]) -> Agreement | None:
        """Counts by round; where there are as many of both, each is of the same time as its other one.

        ``sizes``: how many independent samples there are of each. None of too few.
        """
        one, other = merged(ours), merged(theirs)
        if min(sizes) < _LEAST_SAMPLES or not one or not other:
            return None
        found = distance(one, other)
        if not numeric(one) or not numeric(other):
            return Agreement(found, found, found, 1.0)
        low, high, by_rounds = _resampled(ours, theirs)
        by_samples = _CRITICAL * math.sqrt(1 / sizes[0] + 1 / sizes[1])
        return Agreement(found, min(low, found), max(high, found), min(1.0, max(by_rounds, by_samples)))


def _resampled(ours: Sequence[Counts], theirs: Sequence[Counts]) -> tuple[float, float, float]:
    """The interval of the distance, and what chance makes of it."""
    import numpy

    support = numpy.array(sorted({value for counts in (*ours, *theirs) for value in numeric(counts)}), dtype=float)
    support = support[:: -(-len(support) // _PLACES)]
    chance = numpy.random.default_rng(_SEED)
    chosen = _chosen(len(ours), chance)
    also = chosen if len(ours) == len(theirs) else _chosen(len(theirs), chance)
    one, other = _functions(ours, support, chosen), _functions(theirs, support, also)
    apart = one[1:] - other[1:]
    low, high = numpy.quantile(abs(apart).max(axis=1), [0.025, 0.975])
    by_chance = numpy.quantile(abs(apart - (one[0] - other[0])).max(axis=1), 0.95)
    return (
        float(low),
        float(high),
        float(by_chance) * _widened(min(len(ours), len(theirs)), max(len(ours), len(theirs))),
    )


def _widened(fewer: int, more: int) -> float:
    """A few rounds differ more than their resamples do: Student's t over the normal's quantile, and n over n - 1."""
    rounds = fewer if fewer > 1 else more  # a side of one round is not resampled
    if rounds < 2:
        return 1.0
    return student(rounds) / _NORMAL * math.sqrt(rounds / (rounds - 1))


def _chosen(rounds: int, chance: Any) -> Any:
    """How often each round is in a resample, a row each; the first row is the rounds themselves."""
    import numpy

    return numpy.vstack([numpy.ones(rounds), chance.multinomial(rounds, [1 / rounds] * rounds, _RESAMPLES)])


def _functions(rounds: Sequence[Counts], support: Any, chosen: Any) -> Any:
    """The distribution functions at these values, a row each."""
    import numpy

    weights = numpy.zeros((len(rounds), len(support) + 1))
    for row, counts in zip(weights, rounds, strict=True):
        found = numeric(counts)
        places = numpy.searchsorted(support, numpy.fromiter(found, dtype=float, count=len(found)))
        numpy.add.at(row, places, numpy.fromiter(found.values(), dtype=float, count=len(found)))
    empty = chosen @ weights.sum(axis=1) == 0
    chosen = numpy.where(empty[:, None], 1, chosen)  # of empty rounds only: all of them, then
    heights = numpy.cumsum(chosen @ weights, axis=1)
    return heights / heights[:, -1:]
