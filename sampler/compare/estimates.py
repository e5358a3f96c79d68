"""Which question a sample answers: that of a moment, or that of a call.

A look that waits for the next call after a tick of a clock finds each call as often as there was time before
it: one after a long pause more often than one in a crowd (the inspection paradox). So the plain mean is what
**a moment** has to expect of the next call. What calls at large have, each counted once, is another question.

The waits tell. Of the calls that come at least ``w`` after the one before, each has the same chance to be met
after a wait of at most ``w``: ``w`` over the whole time, however long the pause before it was. So the looks that
waited for less than the shortest usual pause are an even choice among calls. How short that is shows in the
waits themselves: below it they are evenly spread. Calls that come in quick succession behind another one are not
among them; how many calls a second there are without those is told. (docs/moments-and-calls.md has it at length.)

A look counts for each tick that it stands for (``Taken.waits_ns``). Else long pauses would be found less often the
more often is asked.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sampler.compare.counts import Spread
from sampler.compare.intervals import Estimate, mean
from sampler.compare.result import Taken
from sampler.sample import Value
from sampler.units import NS_PER_SECOND

#: An instrument needs some time between being armed and being able to meet a call: no wait is known closer.
RESOLUTION_NS = 50_000
_LEAST_LOOKS = 30
#: Kolmogorov and Smirnov's statistic times the root of the sample's size, above which waits are not evenly spread.
_UNEVEN = 1.36
#: The longest wait up to which they look even is a little too long, the more looks the less: so much of it is taken.
_PART = 0.5


@dataclass(frozen=True, slots=True)
class Estimates:
    """Means, each with its interval over rounds. ``call`` is None where it cannot be told, for the reason ``why_not``;
    else it rests on those ``looks`` that had waited for at most ``within_ns``, and stands for ``calls`` a second: those
    that come at least so long after the one before. Others it has not.
    """

    moment: Estimate
    call: Estimate | None = None
    within_ns: int = 0
    looks: int = 0
    calls: float = 0.0
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Tick:
    value: Value
    wait_ns: int


def estimates(rounds: Sequence[Sequence[Taken]], waits_tell: bool = True) -> Estimates | None:
    """Of the looks of each round; None where none has waited, or no value is a number.

    ``waits_tell``: whether a wait is that of the program. A debugger's is mostly its own.
    """
    ticks = [[_Tick(look.value, wait_ns) for look in looks for wait_ns in look.waits_ns] for looks in rounds]
    moment = _mean_of_rounds(ticks)
    if moment is None:
        return None
    if not waits_tell:
        return Estimates(moment, why_not="a debugger's wait is mostly its own")
    waits = sorted(tick.wait_ns for found in ticks for tick in found)
    even_ns, why_not = _evenly_spread(waits)
    if why_not:
        return Estimates(moment, why_not=why_not)
    within_ns = round(_PART * even_ns)
    until_ns = waits[0] + within_ns
    call = _mean_of_rounds([[tick for tick in found if tick.wait_ns <= until_ns] for found in ticks])
    looks = sum(min(look.waits_ns, default=until_ns + 1) <= until_ns for looks in rounds for look in looks)
    share = sum(wait_ns <= until_ns for wait_ns in waits) / len(waits)
    return Estimates(moment, call, within_ns, looks, share * NS_PER_SECOND / within_ns)


def _evenly_spread(waits: Sequence[int]) -> tuple[int, str]:
    """For how long beyond the shortest wait they are evenly spread; or why that is not to be told."""
    if len(waits) < _LEAST_LOOKS:
        return 0, f"{len(waits)} looks with a wait are too few"
    if waits[len(waits) // 2] - waits[0] < RESOLUTION_NS:
        return 0, "calls come so often that a wait tells nothing"
    for count in range(len(waits), _LEAST_LOOKS - 1, -max(1, len(waits) // 200)):
        if _unevenness(waits[:count]) <= _UNEVEN:
            even_ns = waits[count - 1] - waits[0]
            return (even_ns, "") if even_ns >= RESOLUTION_NS else (0, "calls come so often that a wait tells nothing")
    return 0, "too few looks had a short wait"


def _unevenness(ascending: Sequence[int]) -> float:
    """How far their distribution is from an even one between the first and the last."""
    low, span, count = ascending[0], max(1, ascending[-1] - ascending[0]), len(ascending)
    apart = (
        max(abs((wait - low) / span - place / count), abs((wait - low) / span - (place + 1) / count))
        for place, wait in enumerate(ascending)
    )
    return max(apart) * math.sqrt(count)


def _mean_of_rounds(rounds: Sequence[Sequence[_Tick]]) -> Estimate | None:
    found = [Spread.of(Counter(tick.value for tick in ticks)) for ticks in rounds]
    return mean([spread.mean for spread in found if spread is not None])
