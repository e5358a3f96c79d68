"""What one look gave: a sample or a miss, and what it did to the target."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Any, ClassVar

Value = int | float | bool | str | None
#: Phases of a look, each with its time, in time order.
Marks = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """Two bounds in nanoseconds: of a duration that is known to lie between them, or of a time span."""

    low: int = 0
    high: int = 0

    def to_json(self) -> list[int]:
        return [self.low, self.high]

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a look did to the target.

    ``suspended_ns``: low counts from the moment the stop was known to the moment the resume was
    asked for; high from the moment the stop was asked for to the moment the target was seen running.
    ``during_ns``: the look from its request to the target seen running, since the start of the run.
    ``wait_ns``: from the armed breakpoint to its hit. ``hits``: how often the breakpoint was reached.
    ``between_ns``: what was suspended since the look before, for the target's own signals and threads.
    ``setup_ns``: not suspended: how long breakpoints were set, and how long they were cleared, where that takes long.
    ``marks``: the moments that part the phases of the look, since the start of the run; named by each instrument.
    """

    suspended_ns: Interval = Interval()
    during_ns: Interval = Interval()
    wait_ns: int | None = None
    threads_stopped: int = 0
    hits: int = 0
    between_ns: Interval = Interval()
    setup_ns: Interval = Interval()
    marks: Marks = ()

    @property
    def total_ns(self) -> Interval:
        return self.suspended_ns + self.between_ns

    def to_json(self) -> dict[str, Any]:
        line: dict[str, Any] = {
            "suspended_ns": self.suspended_ns.to_json(),
            "during_ns": self.during_ns.to_json(),
            "wait_ns": self.wait_ns,
            "threads_stopped": self.threads_stopped,
            "hits": self.hits,
        }
        extra = {"between_ns": self.between_ns, "setup_ns": self.setup_ns}
        line |= {name: bounds.to_json() for name, bounds in extra.items() if bounds.high}
        return line | ({"marks": [list(mark) for mark in self.marks]} if self.marks else {})

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Cost:
        return Cost(
            Interval(*fields["suspended_ns"]),
            Interval(*fields.get("during_ns", (0, 0))),
            fields.get("wait_ns"),
            fields.get("threads_stopped", 0),
            fields.get("hits", 0),
            Interval(*fields.get("between_ns", (0, 0))),
            Interval(*fields.get("setup_ns", (0, 0))),
            # The same few names in each of very many looks: one object each.
            tuple((intern(phase), at_ns) for phase, at_ns in fields.get("marks", ())),
        )


def marks_since(start_ns: int, noted: Iterable[tuple[str, int]]) -> Marks:
    """What was noted on the monotonic clock, as marks of a run that began at ``start_ns``."""
    return tuple((phase, at_ns - start_ns) for phase, at_ns in sorted(noted, key=lambda mark: mark[1]))


@dataclass(frozen=True, slots=True)
class Sample:
    """One look with its values, by expression; ``t_ns`` since the start of the run.

    ``signed`` holds a second reading of those differences of unsigned values that wrapped.
    ``late_ns``: how far behind its deadline the look began. ``atomic``: all was read at the moment of the hit.
    """

    t_ns: int
    values: Mapping[str, Value]
    cost: Cost
    signed: Mapping[str, int] = field(default_factory=dict)
    late_ns: int = 0
    atomic: bool = True
    count: ClassVar[int] = 1

    @property
    def at_ns(self) -> int:
        return self.t_ns

    def to_json(self) -> dict[str, Any]:
        line: dict[str, Any] = {
            "type": "sample",
            "t_ns": self.t_ns,
            "values": {name: _as_json(value) for name, value in self.values.items()},
        }
        if self.signed:
            line["signed"] = dict(self.signed)
        if not self.atomic:
            line["atomic"] = False
        return line | {"late_ns": self.late_ns, "cost": self.cost.to_json()}


@dataclass(frozen=True, slots=True)
class Samples:
    """Many samples that were taken together, by columns: one entry a sample in each. ``cost`` is of them all.

    ``torn``: the places of those whose memory was seen to change while it was read: it may be of two moments.
    ``unanswered``: how many more were taken that had no value, for the reason in ``detail``.
    """

    t_ns: Sequence[int]
    values: Mapping[str, Sequence[Value]]
    cost: Cost
    signed: Mapping[str, Sequence[int | None]] = field(default_factory=dict)
    late_ns: int = 0
    torn: frozenset[int] = frozenset()
    unanswered: int = 0
    detail: str = ""

    def __len__(self) -> int:
        return len(self.t_ns)

    @property
    def count(self) -> int:
        """Of looks, with those that had no value."""
        return len(self) + self.unanswered

    @property
    def at_ns(self) -> int:
        return self.t_ns[-1]

    def sample(self, place: int) -> Sample:
        """One of them; counted from the end where it is below 0."""
        signed = {name: found for name, column in self.signed.items() if (found := column[place]) is not None}
        values = {name: column[place] for name, column in self.values.items()}
        return Sample(self.t_ns[place], values, self.cost, signed, self.late_ns, place % len(self) not in self.torn)

    def to_json(self) -> dict[str, Any]:
        line: dict[str, Any] = {
            "type": "samples",
            "t_ns": list(self.t_ns),
            "values": {name: [_as_json(value) for value in column] for name, column in self.values.items()},
        }
        if self.signed:
            line["signed"] = {name: list(column) for name, column in self.signed.items()}
        if self.torn:
            line["torn"] = sorted(self.torn)
        if self.unanswered:
            line |= {"unanswered": self.unanswered, "detail": self.detail}
        return line | {"late_ns": self.late_ns, "cost": self.cost.to_json()}


def _as_json(value: Value) -> Value:
    """JSON has no word for what is no finite number: a string stands for it."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, slots=True)
class Miss:
    """One look without values. ``reason`` is a word for programs, ``detail`` a phrase for people.

    ``count``: so many samples were taken together, and none of them had a value.
    """

    t_ns: int
    reason: str
    cost: Cost
    detail: str = ""
    late_ns: int = 0
    count: int = 1

    @property
    def at_ns(self) -> int:
        return self.t_ns

    def to_json(self) -> dict[str, Any]:
        return {
            "type": "miss",
            "t_ns": self.t_ns,
            "reason": self.reason,
            "detail": self.detail,
            **({"count": self.count} if self.count > 1 else {}),
            "late_ns": self.late_ns,
            "cost": self.cost.to_json(),
        }


#: What one turn of an instrument gives. ``at_ns``: when the last of it was, since the start of the run.
Look = Sample | Samples | Miss


@dataclass(frozen=True, slots=True)
class Event:
    """Something that is no look: attach, back-off, a stop that somebody else caused, detach."""

    t_ns: int
    event: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"type": "event", "t_ns": self.t_ns, "event": self.event} | dict(self.detail)


def signed_readings(values: Mapping[str, Value], bits: Mapping[str, int]) -> dict[str, int]:
    """Those of ``values`` that wrapped; ``bits``: the widths of the unsigned ones, by expression."""
    readings = {name: signed_reading(value, bits[name]) for name, value in values.items() if name in bits}
    return {name: reading for name, reading in readings.items() if reading is not None}


def signed_reading(value: Value, bits: int) -> int | None:
    """A wrapped unsigned ``value`` of ``bits`` as two's complement; None where nothing wrapped."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 << (bits - 1) <= value < 1 << bits:
        return None
    return value - (1 << bits)
