"""What is asked: where, which expressions, when, and within which budget."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sampler.budget import Budget
from sampler.errors import PointError, UsageError
from sampler.units import NS_PER_SECOND

# What the names of functions, files and addresses are made of: `main.write`, `pkg.(*T).Method`,
# `pkg.F[...]`, `ns::f<int>`, `T::operator==`, `m::f::{closure#0}`, `dir/file.go:42`, `0x4a1b2c`.
# No white space: to a debugger that begins a second word.
_POINT = re.compile(r"(?:0x[0-9a-fA-F]{1,16}|[\w(/.][\w()*\[\]./:,·$@~+\-<>{}#&=!|^%]*)")
LONGEST_POINT = 500
MOST_EXPRESSIONS = 32
MOST_HITS = 1000
#: How values are summed up in the kernel.
COUNT, STATS, LOG2, LINEAR = "count", "stats", "hist", "lhist"
MOST_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Timing:
    """When looks are taken. ``window_ns``: how long an armed look waits for the point to be reached.

    ``anchor_ns``: how often ``peek`` has the place of what it reads looked up.
    """

    period_ns: int = NS_PER_SECOND
    jitter: float = 0.0
    duration_ns: int | None = None
    count: int | None = None
    window_ns: int = NS_PER_SECOND
    anchor_ns: int = NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How values are summed up: ``count``, ``stats``, ``hist`` (log2), ``lhist`` (linear, from ``low`` to ``high``)."""

    kind: str
    low: int = 0
    high: int = 0
    step: int = 1

    @property
    def text(self) -> str:
        """As it is written on the command line."""
        return f"{self.kind}:{self.low},{self.high},{self.step}" if self.kind == LINEAR else self.kind

    @staticmethod
    def parse(text: str) -> Aggregate:
        """UsageError."""
        linear = re.fullmatch(rf"{LINEAR}:(-?\d{{1,18}}),(-?\d{{1,18}}),(\d{{1,18}})", text)
        if linear:
            low, high, step = map(int, linear.groups())
            if low < high and step > 0 and (high - low) % step == 0 and (high - low) // step <= MOST_STEPS:
                return Aggregate(LINEAR, low, high, step)
        elif text in (COUNT, STATS, LOG2):
            return Aggregate(text)
        fix = f"give {COUNT}, {STATS}, {LOG2}, or {LINEAR}:LOW,HIGH,STEP of at most {MOST_STEPS} whole steps"
        raise UsageError(f"{text!r} is no way to sum up", fix=fix)


@dataclass(frozen=True, slots=True)
class Question:
    """A program point, one or more expressions, a timing and a budget. Texts are checked on creation.

    ``when``: a condition; only a hit at which it is true answers. ``most_hits``: so many are tried a look.
    ``aggregate``: how the values of all hits are summed up, by a tool that traces; None where each is an answer.
    """

    point: str
    expressions: tuple[str, ...]
    timing: Timing = field(default_factory=Timing)
    budget: Budget = field(default_factory=Budget)
    when: str | None = None
    most_hits: int = MOST_HITS
    aggregate: Aggregate | None = None

    def __post_init__(self) -> None:
        check_point(self.point)

    def to_json(self) -> dict[str, Any]:
        timing, budget = self.timing, self.budget
        return {
            "point": self.point,
            "expressions": list(self.expressions),
            "period_ns": timing.period_ns,
            "jitter": timing.jitter,
            "duration_ns": timing.duration_ns,
            "count": timing.count,
            "window_ns": timing.window_ns,
            "anchor_ns": timing.anchor_ns,
            "max_pause_ns": budget.max_pause_ns,
            "max_suspended": budget.max_suspended,
        } | self._extra()

    def _extra(self) -> dict[str, Any]:
        extra: dict[str, Any] = {"when": self.when, "max_hits": self.most_hits} if self.when is not None else {}
        return extra | ({"aggregate": self.aggregate.text} if self.aggregate is not None else {})


@dataclass(frozen=True, slots=True)
class CountQuestion:
    """How often are these points met? All hits are counted, and read once a period."""

    points: tuple[str, ...]
    timing: Timing = field(default_factory=Timing)
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        for point in self.points:
            check_point(point)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "count",
            "point": ", ".join(self.points),
            "points": list(self.points),
            "expressions": [],
        } | _pace(self.timing, self.budget)


@dataclass(frozen=True, slots=True)
class LatencyQuestion:
    """How long does it take from a hit of ``entry`` to one of ``exit``?

    ``keys``: what the two have in common (``thread``, ``goroutine``, ``arg0``, …), or ``none``; empty for what fits the
    program. ``unit``: of the histogram, ``ns``, ``us``, ``ms`` or ``s``.
    """

    entry: str
    exit: str
    keys: tuple[str, ...] = ()
    unit: str = "us"
    timing: Timing = field(default_factory=Timing)
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        for point in (self.entry, self.exit):
            check_point(point)

    def to_json(self) -> dict[str, Any]:
        about = {"kind": "latency", "point": f"{self.entry} to {self.exit}", "entry": self.entry, "exit": self.exit}
        return about | {"keys": list(self.keys), "unit": self.unit, "expressions": []} | _pace(self.timing, self.budget)


AnyQuestion = Question | CountQuestion | LatencyQuestion


def _pace(timing: Timing, budget: Budget) -> dict[str, Any]:
    return {"period_ns": timing.period_ns, "duration_ns": timing.duration_ns, "max_suspended": budget.max_suspended}


def check_point(point: str) -> None:
    """Raises PointError unless the text can only be the name of one place."""
    if len(point) > LONGEST_POINT:
        raise PointError("the program point is too long", f"{len(point)} characters, at most {LONGEST_POINT}")
    is_no_address = point.startswith("0x") and not re.fullmatch("0x[0-9a-fA-F]+", point)
    regular_expression = point.startswith("/") and not re.search(r":\d+$", point)
    if not _POINT.fullmatch(point) or is_no_address or regular_expression or point.isdigit():
        raise PointError(
            f"{point!r} is not a program point",
            fix="name a function (main.write, pkg.(*T).Method), a line (file.go:42) or an address (0x4a1b2c)",
        )
