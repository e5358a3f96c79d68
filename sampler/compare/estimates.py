"""Which question a sample answers: that of a moment, or that of a call.

A look that waits for the next call after a tick of a clock finds each call as often as there was time before
it: one after a long pause more often than one in a crowd (the inspection paradox). So the plain mean is what
**a moment** has to expect of the next call. What calls at large have, each counted once, is another question.

The waits tell. Of the calls that come at least ``w`` after the one before, each has the same chance to be met
after a wait of at most ``w``: ``w`` over the whole time, however long the pause before it was. So the looks that
waited for less than the shortest usual pause are an even choice among calls. How short that is shows in the
waits themselves: below it they are evenly spread. (docs/moments-and-calls.md tells it at length.)

A tick that passed while a look was waiting would have found the same call, after what was left of the wait: it
counts as well. Else long pauses would be found less often the more often is asked.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sampler.compare.counts import Counts, merged, numeric
from sampler.compare.intervals import Estimate, mean
from sampler.compare.result import Taken
from sampler.sample import Value

#: An instrument needs some time between being armed and being able to meet a call: no wait is known closer.
RESOLUTION_NS = 50_000
_LEAST_LOOKS = 30
#: Kolmogorov and Smirnov's statistic times the root of the sample's size, above which waits are not evenly spread.
_UNEVEN = 1.36


@dataclass(frozen=True, slots=True)
class Estimates:
    """Means, each with its interval over rounds. ``call`` is None where it cannot be told, for the reason ``why_not``;
    else it rests on those ``looks`` that waited for at most ``within_ns``. ``call_values``: their values.
    """

    moment: Estimate
    call: Estimate | None = None
    within_ns: int = 0
    looks: int = 0
    call_values: Counts | None = None
    why_not: str = ""


def estimates(looks: Sequence[Sequence[Taken]], period_ns: int) -> Estimates | None:
    """Of the looks of each round, and the time from tick to tick; None where no value is a number."""
    rounds = [[tick for look in taken for tick in ticks(look, period_ns)] for taken in looks]
    moment = mean([found for found in map(_mean, rounds) if found is not None])
    if moment is None:
        return None
    waits = sorted(look.wait_ns for looks in rounds for look in looks if look.wait_ns is not None)
    within_ns, why_not = _evenly_spread(waits)
    if why_not:
        return Estimates(moment, why_not=why_not)
    chosen = [[look for look in looks if look.wait_ns is not None and look.wait_ns <= within_ns] for looks in rounds]
    call = mean([found for found in map(_mean, chosen) if found is not None])
    values = merged(map(_counts, chosen))
    return Estimates(moment, call, within_ns - waits[0], sum(map(len, chosen)), values)


def ticks(look: Taken, period_ns: int) -> list[Taken]:
    """The look once for each tick of the clock for which it was the next call."""
    if look.wait_ns is None:
        return [look]
    return [replace(look, wait_ns=wait_ns) for wait_ns in range(look.wait_ns, -1, -period_ns)]


def _evenly_spread(waits: Sequence[int]) -> tuple[int, str]:
    """The longest wait up to which they are evenly spread from the shortest on; or why there is none."""
    if len(waits) < _LEAST_LOOKS:
        return 0, f"{len(waits)} looks with a wait are too few"
    if waits[len(waits) // 2] - waits[0] < RESOLUTION_NS:
        return 0, "calls come so often that a wait tells nothing"
    for count in range(len(waits), _LEAST_LOOKS - 1, -max(1, len(waits) // 200)):
        if _unevenness(waits[:count]) <= _UNEVEN:
            if waits[count - 1] - waits[0] < RESOLUTION_NS:
                break
            return waits[count - 1], ""
    return 0, "too few looks had a short wait"


def _unevenness(ascending: Sequence[int]) -> float:
    """How far their distribution is from an even one between the first and the last."""
    low, span, count = ascending[0], max(1, ascending[-1] - ascending[0]), len(ascending)
    apart = (
        max(abs((wait - low) / span - place / count), abs((wait - low) / span - (place + 1) / count))
        for place, wait in enumerate(ascending)
    )
    return max(apart) * math.sqrt(count)


def _mean(looks: Sequence[Taken]) -> float | None:
    found = numeric(_counts(looks))
    total = sum(found.values())
    return sum(value * weight for value, weight in found.items()) / total if total else None


def _counts(looks: Sequence[Taken]) -> Counter[Value]:
    return Counter(look.value for look in looks)
