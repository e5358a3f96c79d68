"""What was counted and summed up in the kernel, at one moment: cumulative since the probes were set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sampler.sample import Cost, Interval

#: From ``low`` up to, but without, ``high``, each None where it is open; how many.
Bucket = tuple[int | None, int | None, int]


def summed(found: Iterable[Iterable[Bucket]]) -> list[Bucket]:
    """Buckets of several distributions as of one, the lowest first."""
    total = Counter[tuple[int | None, int | None]]()
    for buckets in found:
        for low, high, count in buckets:
            total[low, high] += count
    return sorted(((low, high, count) for (low, high), count in total.items()), key=_edge)


def _edge(bucket: Bucket) -> float:
    low, high, _ = bucket
    return low if low is not None else float("-inf") if high is not None else 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of values: how many, their sum in 64 bits, the lowest and the highest; the latter None where there were none."""

    count: int
    sum: int
    low: int | None
    high: int | None

    @property
    def mean(self) -> float | None:
        """None also where the sum may have had no room in 64 bits."""
        if not self.count or self.low is None or self.high is None:
            return None
        fits = self.count * max(abs(self.low), abs(self.high)) < 1 << 63
        return self.sum / self.count if fits else None


@dataclass(frozen=True, slots=True)
class Tally:
    """It was read between the two moments of ``read_ns``, since the start of the run.

    ``counts``: by point, or by expression; ``histograms``, in units that the header names, and ``numbers``: by what was
    measured. ``ends_alone``: ends of which no start was seen. ``unreadable``: hits at which something could not be
    read. ``lost``: hits that were not handed over. ``cost``: of all hits.
    """

    t_ns: int
    read_ns: Interval
    counts: Mapping[str, int] = field(default_factory=dict)
    histograms: Mapping[str, Sequence[Bucket]] = field(default_factory=dict)
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    ends_alone: int = 0
    unreadable: int = 0
    lost: int = 0
    cost: Cost = field(default_factory=Cost)

    def to_json(self) -> dict[str, Any]:
        line: dict[str, Any] = {"type": "tally", "t_ns": self.t_ns, "read_ns": self.read_ns.to_json()}
        if self.counts:
            line["counts"] = dict(self.counts)
        if self.histograms:
            line["histograms"] = {name: [list(one) for one in found] for name, found in self.histograms.items()}
        if self.numbers:
            line["numbers"] = {
                name: {"count": one.count, "sum": one.sum, "low": one.low, "high": one.high}
                for name, one in self.numbers.items()
            }
        extra = {"ends_alone": self.ends_alone, "unreadable": self.unreadable, "lost": self.lost}
        return line | {name: count for name, count in extra.items() if count} | {"cost": self.cost.to_json()}

    @staticmethod
    def from_json(line: Mapping[str, Any]) -> Tally:
        histograms = {
            name: [(low, high, count) for low, high, count in found]
            for name, found in line.get("histograms", {}).items()
        }
        numbers = {
            name: Numbers(one["count"], one["sum"], one["low"], one["high"])
            for name, one in line.get("numbers", {}).items()
        }
        return Tally(
            line["t_ns"],
            Interval(*line["read_ns"]),
            line.get("counts", {}),
            histograms,
            numbers,
            line.get("ends_alone", 0),
            line.get("unreadable", 0),
            line.get("lost", 0),
            Cost.from_json(line["cost"]),
        )
