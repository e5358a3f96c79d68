"""Whether two distributions are one, as far as so many samples can tell.

The distance is that of ``counts.distance``. Its interval is of the bootstrap over rounds. What is to be expected by
chance is Kolmogorov and Smirnov's bound for two samples of one distribution; samples that follow one another closely
are not independent, so that the real bound is a little higher.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sampler.compare.counts import Counts, distance, merged, numeric

_RESAMPLES = 500
_PLACES = 500  # values at which distribution functions are compared, at most
_SEED = 20180101
_CRITICAL = 1.358  # of 95 %, for large samples
#: With fewer there is nothing to be told.
_LEAST_SAMPLES = 5
_TELLING = 0.25


@dataclass(frozen=True, slots=True)
class Agreement:
    """``distance`` with its 95 % interval; ``chance``: what 95 of 100 pairs of samples of one have at
    most.
    """

    distance: float
    low: float
    high: float
    chance: float

    @property
    def differs(self) -> bool:
        """Whether chance alone would hardly have made the distance."""
        return self.low > self.chance

    @property
    def tells(self) -> bool:
        """Whether there were enough samples to say so of distributions that are somewhat alike."""
        return self.differs or self.chance <= _TELLING

    def to_json(self) -> list[float]:
        return [self.distance, self.low, self.high, self.chance]

    @staticmethod
    def of(
        ours: Sequence[Counts], theirs: Sequence[Counts], samples: int, others: float = math.inf
    ) -> Agreement | None:
        """Counts by round, where ``theirs`` may be of as many rounds or of one; how many samples each holds."""
        one, other = merged(ours), merged(theirs)
        if samples < _LEAST_SAMPLES or not one or not other:
            return None
        found = distance(one, other)
        chance = min(1.0, _CRITICAL * math.sqrt(1 / samples + 1 / others))
        low, high = _resampled(ours, theirs) if numeric(one) and len(ours) > 1 else (found, found)
        return Agreement(found, min(low, found), max(high, found), chance)


def _resampled(ours: Sequence[Counts], theirs: Sequence[Counts]) -> tuple[float, float]:
    import numpy

    support = numpy.array(sorted({value for counts in (*ours, *theirs) for value in numeric(counts)}), dtype=float)
    support = support[:: -(-len(support) // _PLACES)]
    chance = numpy.random.default_rng(_SEED)
    found = abs(_functions(ours, support, chance) - _functions(theirs, support, chance)).max(axis=1)
    low, high = numpy.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _functions(rounds: Sequence[Counts], support: Any, chance: Any) -> Any:
    """The distribution functions of resampled rounds at these values, a row each."""
    import numpy

    weights = numpy.zeros((len(rounds), len(support) + 1))
    for row, counts in zip(weights, rounds, strict=True):
        found = numeric(counts)
        places = numpy.searchsorted(support, numpy.fromiter(found, dtype=float, count=len(found)))
        numpy.add.at(row, places, numpy.fromiter(found.values(), dtype=float, count=len(found)))
    chosen = chance.multinomial(len(rounds), [1 / len(rounds)] * len(rounds), _RESAMPLES)
    chosen[chosen @ weights.sum(axis=1) == 0] = 1  # only empty rounds: all of them, then
    heights = numpy.cumsum(chosen @ weights, axis=1)
    return heights / heights[:, -1:]
