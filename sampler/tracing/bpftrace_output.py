"""What bpftrace prints with ``-f json``, read as the program of ``bpftrace_text.py`` means it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import monotonic_ns
from typing import Any

from sampler.question import COUNT, STATS, Aggregate
from sampler.sample import Interval
from sampler.tally import Bucket, Numbers
from sampler.tracing.bpftrace_text import (
    COUNTS,
    ENDS_ALONE,
    HANDED_OVER,
    HIGHEST,
    LATENCY,
    LEFT,
    LOWEST,
    MET,
    READ,
    READING,
    SAMPLE,
    STARTS,
    UNREADABLE,
    VALUES,
)
from sampler.tracing.events import Event, Hit, Lost, Reading, Ready
from sampler.tracing.tasks import Counting, Task, Timing, Watching


class _Failures:
    """Whose reads have failed. bpftrace says so in a line before that of the hit, but not where; and it takes the lines
    of one processor after those of another, so that some may stand between the two.
    """

    def __init__(self) -> None:
        self.pending = False
        self._last = ""
        self._suspects = set[str]()

    def of(self, cpu: str, may: bool) -> bool:
        """Whether a hit there has failed to read. ``may``: something gave 0, as a read does that fails."""
        before, self._last = self._last, cpu
        pending, self.pending = self.pending, False
        if pending and before not in ("", cpu):
            self._suspects.add(before)  # it may be theirs, whose hit is still to come
        if not may:
            return False
        failed = pending or cpu in self._suspects
        self._suspects.discard(cpu)
        return failed


class Output:
    """Maps as they were last printed, until a reading is complete."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._maps: dict[str, Any] = {}
        self._began_ns: int | None = None
        self._probes = 0
        self._unreadable = 0
        self._handed_over = 0  # hits that came, and those of which it was told that they were lost
        self._failures = _Failures()

    def take(self, told: dict[str, Any]) -> Iterator[Event]:
        match told:
            case {"type": "attached_probes", "data": {"probes": int(count)}}:
                self._probes = count
            case {"type": "printf", "data": str(text)}:
                yield from self._printed(text.split())
            case {"type": "map" | "hist" | "stats", "data": dict(data)}:
                self._maps |= data
            case {"type": "lost_events", "data": {"events": int(count)}}:
                self._handed_over += count
                self._failures.pending = True  # it may be among them that the next has failed
                yield Lost(count)
            case {"type": "helper_error", "helper": str(helper)} if helper.startswith("probe_read"):
                self._failures.pending = True
                self._unreadable += 1

    def _printed(self, words: Sequence[str]) -> Iterator[Event]:
        match words:
            case [word, at] if word == READING:
                if self._began_ns is None:
                    yield Ready(int(at), self._probes - 1)  # one is the timer
                self._began_ns = int(at)
            case [word] if word == READ and self._began_ns is not None:
                yield self.reading(Interval(self._began_ns, monotonic_ns()))
            case [word, site, at, cpu, zeros, *values] if word == SAMPLE:
                failed = self._failures.of(cpu, int(zeros) > 0)
                self._handed_over += 1
                yield Hit(int(site), int(at), None if failed else [int(value, 16) for value in values])
            case [word, cpu] if word == LEFT:
                self._failures.of(cpu, True)

    def reading(self, at_ns: Interval) -> Reading:
        unreadable, met = self._count(UNREADABLE), self._count(MET)
        match self._task:
            case Counting(probes=probes):
                counts = {
                    probe.point: self._count(COUNTS, n if len(probes) > 1 else None) for n, probe in enumerate(probes)
                }
                return Reading(at_ns, counts, unreadable=unreadable)
            case Timing(entry=entry):
                latency = self._buckets(LATENCY)
                return Reading(at_ns, {entry.point: self._count(STARTS)}, {entry.point: latency},
                               ends_alone=self._count(ENDS_ALONE), unreadable=unreadable)  # fmt: skip
            case Watching(expressions=expressions, aggregate=aggregate):
                found = self._summed_up(at_ns, list(enumerate(expressions)), aggregate, unreadable)
                return replace(found, met=met)

    def last(self, at_ns: Interval) -> Reading:
        """After its end, which it gives all its maps: by then it is known how many hits have not come."""
        lost = max(0, self._count(HANDED_OVER) - self._handed_over)
        return replace(
            self.reading(at_ns), lost=lost, cut_short=self._handed_over > 0 and HANDED_OVER not in self._maps
        )

    def _summed_up(
        self, at_ns: Interval, names: Sequence[tuple[int, str]], aggregate: Aggregate | None, unreadable: int
    ) -> Reading:
        """``unreadable``: hits that were left out; others have gone in as 0."""
        if aggregate is None:
            return Reading(at_ns, unreadable=unreadable)
        zeroed = self._unreadable
        match aggregate.kind:
            case kind if kind == COUNT:
                counts = {name: self._count(f"{VALUES}{number}") for number, name in names}
                return Reading(at_ns, counts, unreadable=unreadable, zeroed=zeroed)
            case kind if kind == STATS:
                numbers = {name: self._numbers(number) for number, name in names}
                return Reading(at_ns, numbers=numbers, unreadable=unreadable, zeroed=zeroed)
        histograms = {name: self._buckets(f"{VALUES}{number}") for number, name in names}
        return Reading(at_ns, histograms=histograms, unreadable=unreadable, zeroed=zeroed)

    def _count(self, name: str, key: int | None = None) -> int:
        found = self._maps.get(name, 0)
        if key is not None:
            found = found.get(str(key), 0) if isinstance(found, dict) else 0
        return found if isinstance(found, int) else 0

    def _buckets(self, name: str) -> list[Bucket]:
        told = self._maps.get(name)
        return [_bucket(one) for one in told] if isinstance(told, list) else []

    def _numbers(self, number: int) -> Numbers:
        told = self._maps.get(f"{VALUES}{number}", {"count": 0, "total": 0})
        lowest, highest = (self._maps.get(f"{name}{number}", {}) for name in (LOWEST, HIGHEST))
        low = min(lowest.values(), default=None)
        return Numbers(told["count"], told["total"], low, max(highest.values(), default=None))


def _bucket(told: dict[str, int]) -> Bucket:
    high = told.get("max")
    return told.get("min"), None if high is None else high + 1, told["count"]
