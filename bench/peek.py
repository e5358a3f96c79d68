"""How often peek can look, what that takes from its target, and whether its values are those that the target has.

The target notes the gap at one write in 64, by chance; peek reads it by the clock. Where the writer works
at an even pace the two distributions are one. Values of both are in the target's own buckets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import mean, median
from typing import Any

from bench.arms import C_RING, UNTOUCHED, Line, Run
from bench.loads import PLAIN_LOADS, busy
from bench.slowdown import Turn, name_of, print_slowdown, ratios, turns
from sampler.units import NS_PER_SECOND

Result = dict[str, Any]
Weights = Mapping[int, int]
#: A little more than is to be reached: a run begins with an anchor, and ends with letting it go.
RATE = 51_000
ARM = ("peek", RATE)
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
# fixtures/c_ring/observed.h: gaps below are counted one by one, above with so many significant bits.
_EXACT, _BITS = 1 << 12, 7


def measured(rounds: int, seconds: float) -> Result:
    return {load: _under(load, rounds, seconds) for load in PLAIN_LOADS}


def _under(load: str, rounds: int, seconds: float) -> Result:
    with busy(C_RING, load) as target:
        found = turns(C_RING, target, (ARM,), rounds, seconds)
    runs = [turn[name_of(ARM)] for turn in found]
    peeked, truth = (sum(one, Counter[int]()) for one in ([seen(run) for run in runs], [told(run) for run in runs]))
    return {
        "samples_per_s": median(samples_per_s(one.lines) for one in runs),
        "torn": mean(torn(one.lines) for one in runs),
        "slowdown": ratios(found)["arms"],
        "quantiles": {"shares": SHARES, "peek": quantiles(peeked), "target": quantiles(truth)},
        "distance": mean(distance(seen(one), told(one)) for one in runs),
        "noise": mean(_between_untouched(turn) for turn in found),
    }


def _between_untouched(turn: Turn) -> float:
    """How far two rounds that nobody asked in are apart."""
    first, second = (one for name, one in turn.items() if name.startswith(UNTOUCHED))
    return distance(told(first), told(second))


def samples_per_s(lines: list[Line]) -> float:
    """From the moment that it was attached to the end."""
    attached = next(line["t_ns"] for line in lines if line.get("event") == "attach")
    return sum(map(len, _values(lines))) * NS_PER_SECOND / float(lines[-1]["elapsed_ns"] - attached)


def torn(lines: list[Line]) -> float:
    """The share of samples whose memory changed while it was read."""
    of_two_moments = sum(len(line.get("torn", ())) for line in lines if line["type"] == "samples")
    return of_two_moments / max(1, sum(map(len, _values(lines))))


def _values(lines: list[Line]) -> list[list[int]]:
    """A line of type ``samples`` has a list for each expression."""
    return [line["values"][C_RING.expression] for line in lines if line["type"] == "samples"]


def seen(found: Run) -> Counter[int]:
    """What peek saw, in the target's buckets; what wrapped is below 0, and left out as the target leaves it out."""
    return Counter(bucket(value) for values in _values(found.lines) for value in values if value < 1 << 63)


def told(found: Run) -> Counter[int]:
    return Counter(dict(found.report["gap"]))


def bucket(gap: int) -> int:
    """The smallest gap that the target counts with this one."""
    shift = max(0, gap.bit_length() - _BITS) if gap >= _EXACT else 0
    return gap >> shift << shift


def quantiles(weights: Weights) -> list[int]:
    """The smallest value that each share of them does not exceed."""
    total, found, passed = sum(weights.values()), [], 0
    wanted = list(SHARES)
    for value in sorted(weights):
        passed += weights[value]
        while wanted and passed >= wanted[0] * total:
            found.append(value)
            wanted.pop(0)
    return found


def distance(one: Weights, other: Weights) -> float:
    """Kolmogorov and Smirnov's: the largest difference of the two distribution functions. 1 if one is empty."""
    sizes = sum(one.values()), sum(other.values())
    if 0 in sizes:
        return 1.0
    largest, below = 0.0, [0, 0]
    for value in sorted({*one, *other}):
        below = [below[0] + one.get(value, 0), below[1] + other.get(value, 0)]
        largest = max(largest, abs(below[0] / sizes[0] - below[1] / sizes[1]))
    return largest


def print_table(result: Result) -> None:
    for load, found in result.items():
        print_slowdown(f"c_ring, {load}, peek at {RATE}/s: {found['samples_per_s']:.0f} samples/s", found["slowdown"])
        print(f"  {found['torn']:.2%} of the samples may be of two moments")
        print(f"  {'share of the gaps':<24}{''.join(f'{share:>10.0%}' for share in SHARES)}")
        for who in ("peek", "target"):
            print(f"  {'at most, says ' + who:<24}{''.join(f'{gap:>10}' for gap in found['quantiles'][who])}")
        print(f"  Kolmogorov-Smirnov distance {found['distance']:.3f}; of two untouched rounds {found['noise']:.3f}")
