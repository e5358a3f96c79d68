"""The numbers that a recording comes down to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from sampler.recording import Recording
from sampler.sample import Interval, Look, Miss, Sample, Samples, Value


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of numbers: order statistics, and the 95 % confidence interval of the median."""

    count: int
    minimum: float
    median: float
    p99: float
    maximum: float
    median_interval: tuple[float, float] | None

    @staticmethod
    def of(values: Sequence[float], turns: int | None = None) -> Distribution | None:
        """None of an empty sequence. ``turns``: in how many they were taken, if some were taken together: those are
        of one moment, and no more sure than one of them.
        """
        if not values:
            return None
        ordered = sorted(values)
        return Distribution(
            len(ordered),
            ordered[0],
            quantile(ordered, 0.5),
            quantile(ordered, 0.99),
            ordered[-1],
            _median_interval(ordered, turns if turns is not None else len(ordered)),
        )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of them do not exceed: a value that was seen."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _median_interval(ordered: Sequence[float], turns: int) -> tuple[float, float] | None:
    """Between two order statistics, by the normal approximation of the binomial; None under 6 turns.

    It holds for whatever distribution, if the turns are independent of one another.
    """
    count = len(ordered)
    if turns < 6:
        return None
    half = 1.96 * count / (2 * math.sqrt(turns))
    low, high = math.floor(count / 2 - half), math.ceil(count / 2 + half)
    return ordered[max(0, low)], ordered[min(count - 1, high)]


def reading(sample: Sample, expression: str) -> Value:
    """A sample's value, by its signed reading where an unsigned difference wrapped."""
    return sample.signed.get(expression, sample.values.get(expression))


def numbers(recording: Recording, expression: str) -> list[float]:
    """The finite numeric values of an expression, in time order; truth values are none."""
    return [value for value in _readings(recording.looks, expression) if is_number(value)]


def latest_numbers(recording: Recording, expression: str, most: int) -> list[float]:
    """The same of the last looks only: at least ``most`` of them, if there are so many."""
    taken, found = 0, list[Look]()
    for look in reversed(recording.looks):
        if taken >= most:
            break
        found.append(look)
        taken += len(look) if isinstance(look, Samples) else 1
    return [value for value in _readings(reversed(found), expression) if is_number(value)]


def _readings(looks: Iterable[Look], expression: str) -> Iterator[Value]:
    for look in looks:
        if isinstance(look, Sample):
            yield reading(look, expression)
        elif isinstance(look, Samples):
            yield from _column(look, expression)


def _column(look: Samples, expression: str) -> Iterable[Value]:
    values, signed = look.values.get(expression, ()), look.signed.get(expression)
    if signed is None:
        return values
    return (value if wrapped is None else wrapped for value, wrapped in zip(values, signed, strict=True))


def is_number(value: Value) -> TypeGuard[int | float]:
    """True for an integer or a finite float."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def commonest(recording: Recording, expression: str, most: int = 3) -> list[tuple[str, int]]:
    """The values that are no numbers, the most frequent first, each with its count."""
    return others([recording], expression).most_common(most)


def others(recordings: Iterable[Recording], expression: str) -> Counter[str]:
    """How often each value that is no number was seen, in all of these recordings."""
    found = (value for recording in recordings for value in _readings(recording.looks, expression))
    return Counter(show_value(value) for value in found if isinstance(value, (bool, str)) or value is None)


def show_value(value: Value) -> str:
    """As the target's language would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nil"
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(str(value))


def printable(text: str) -> str:
    """A text of the target's own (its name, a string) that steers no terminal and breaks no line."""
    return "".join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


@dataclass(frozen=True, slots=True)
class Costs:
    """What the looks of a recording did to the target. Durations in nanoseconds.

    ``share``: of the time between the first deadline and the last look, as an interval of fractions.
    """

    low: Distribution
    high: Distribution
    total: Interval
    share: tuple[float, float]
    threads: int

    @staticmethod
    def of(recording: Recording) -> Costs | None:
        """None while there was no look."""
        return Costs.of_all([recording])

    @staticmethod
    def of_all(recordings: Sequence[Recording]) -> Costs | None:
        """Of several targets together: totals are sums, and ``share`` is of the time of each, added up."""
        spent = [look.cost.suspended_ns for recording in recordings for look in recording.looks]
        low = Distribution.of([one.low for one in spent])
        high = Distribution.of([one.high for one in spent])
        if low is None or high is None:
            return None
        looks = [look for recording in recordings for look in recording.looks]
        total = sum((look.cost.total_ns for look in looks), Interval())
        elapsed_ns = max(1, sum(map(elapsed_ns_of, recordings)))
        return Costs(
            low,
            high,
            total,
            (total.low / elapsed_ns, total.high / elapsed_ns),
            max(look.cost.threads_stopped for look in looks),
        )


def elapsed_ns_of(recording: Recording) -> int:
    """From the start of the run to its end, or, while it goes on, to the last look."""
    if recording.footer is not None:
        return int(recording.footer["elapsed_ns"])
    return recording.looks[-1].at_ns if recording.looks else 0


def turns_of(recordings: Sequence[Recording]) -> int | None:
    """In how many turns the samples were taken; None where each was taken alone: then there are as many."""
    looks = [look for recording in recordings for look in recording.looks if not isinstance(look, Miss)]
    return len(looks) if any(isinstance(look, Samples) for look in looks) else None
