"""What a comparison has measured, as data: windows of time, in each of which one instrument, or nobody, asked.

As a file it is one JSON object. A reader must ignore fields that it does not know. Version 1.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sampler.compare.counts import Counts
from sampler.errors import OutputError, RecordingError
from sampler.sample import Interval, Value
from sampler.tally import Bucket

VERSION = 1
KIND = "comparison"
#: Nobody asks: what the target does by itself.
UNTOUCHED = "untouched"
#: Nobody asks either, but it is compared like an instrument: how much two such windows differ by chance.
CONTROL = "control"
Line = dict[str, Any]
_HEADER = ("question", "target", "machine", "started", "command", "round_ns", "rounds", "arms", "progress", "seed")
NO_TIME = Interval()


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of asking. ``rate``: looks a second; None where there is none to set, as every hit is met."""

    instrument: str
    rate: float | None = None

    @property
    def name(self) -> str:
        return self.instrument if self.rate is None else f"{self.instrument} {self.rate:g}/s"


@dataclass(frozen=True, slots=True)
class Taken:
    """One look with a value. ``waits_ns``: from each tick of the clock that this was the next call for, until it came:
    the tick of the look itself, and those that passed while it waited. Empty where none is waited for.
    """

    value: Value
    waits_ns: tuple[int, ...]
    suspended_ns: Interval

    def to_json(self) -> list[Any]:
        return [self.value, list(self.waits_ns), *self.suspended_ns.to_json()]

    @staticmethod
    def from_json(fields: Sequence[Any]) -> Taken:
        return Taken(fields[0], tuple(fields[1]), Interval(fields[2], fields[3]))


@dataclass(frozen=True, slots=True)
class Truth:
    """What the target itself tells of a window. ``calls``: values by how many calls found them; ``waited``: by the
    time, in ns, that ended with such a call. Each may be empty. ``bits``: numbers are known to so many leading bits.
    """

    calls: Counts = field(default_factory=dict)
    waited: Counts = field(default_factory=dict)
    bits: int | None = None

    def to_json(self) -> Line:
        return {"calls": _pairs(self.calls), "waited": _pairs(self.waited), "bits": self.bits}

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Truth:
        return Truth(_counts(fields.get("calls", ())), _counts(fields.get("waited", ())), fields.get("bits"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What an instrument saw and did in a window.

    ``samples``, ``misses`` (by reason), ``skipped``: of its looks; of a tool that traces ``hits`` only, counted over
    ``over_ns``, as all of this is. ``values``: all, by the ticks that found them; ``buckets``: where they
    were summed up in the kernel. ``looks``: some, evenly chosen. ``suspended_ns``: of all looks or hits together, as
    the instrument reckons. ``hit_ns``: what one hit of a probe takes. ``once_ns``: attaching and leaving, outside of
    the window. ``cpu_ns``: processor time that the instrument itself has used in ``cpu_elapsed_ns``. ``backed_off``:
    how often the budget made it look less often.
    """

    samples: int = 0
    misses: Mapping[str, int] = field(default_factory=dict)
    skipped: int = 0
    hits: int = 0
    over_ns: int = 0
    values: Counts = field(default_factory=dict)
    buckets: Sequence[Bucket] = ()
    looks: Sequence[Taken] = ()
    suspended_ns: Interval = NO_TIME
    hit_ns: Interval | None = None
    once_ns: Interval = NO_TIME
    cpu_ns: int = 0
    cpu_elapsed_ns: int = 0
    backed_off: int = 0

    def to_json(self) -> Line:
        line: Line = {
            "samples": self.samples,
            "misses": dict(self.misses),
            "skipped": self.skipped,
            "hits": self.hits,
            "over_ns": self.over_ns,
            "values": _pairs(self.values),
            "buckets": [list(one) for one in self.buckets],
            "looks": [one.to_json() for one in self.looks],
            "suspended_ns": self.suspended_ns.to_json(),
            "once_ns": self.once_ns.to_json(),
            "cpu_ns": self.cpu_ns,
            "cpu_elapsed_ns": self.cpu_elapsed_ns,
            "backed_off": self.backed_off,
        }
        return line | ({"hit_ns": self.hit_ns.to_json()} if self.hit_ns else {})

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Asked:
        return Asked(
            fields["samples"],
            dict(fields["misses"]),
            fields["skipped"],
            fields["hits"],
            fields["over_ns"],
            _counts(fields["values"]),
            tuple((low, high, count) for low, high, count in fields["buckets"]),
            tuple(Taken.from_json(one) for one in fields["looks"]),
            Interval(*fields["suspended_ns"]),
            Interval(*fields["hit_ns"]) if "hit_ns" in fields else None,
            Interval(*fields["once_ns"]),
            fields["cpu_ns"],
            fields["cpu_elapsed_ns"],
            fields["backed_off"],
        )


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time in which one arm, or nobody, asked; windows are kept in the order in which they were.

    ``begun_ns`` since the start of the comparison. ``progress``: by how much the target's own counter went on, or the
    processor time in ns that it used; None where it could not be measured. ``longest_stall_ns``: the longest time
    without progress. ``failed``: the error, as JSON, that ended it; ``ended``: how the recorder said that it ended.
    ``untidy``: what of the target was not as before, after the arm had left.
    """

    round: int
    arm: Arm
    begun_ns: int
    elapsed_ns: int
    progress: float | None = None
    longest_stall_ns: int | None = None
    truth: Truth | None = None
    asked: Asked | None = None
    failed: Line | None = None
    ended: str = ""
    untidy: str = ""

    @property
    def speed(self) -> float | None:
        """Progress a second."""
        return None if self.progress is None or not self.elapsed_ns else self.progress * 1e9 / self.elapsed_ns

    def to_json(self) -> Line:
        line: Line = {
            "round": self.round,
            "instrument": self.arm.instrument,
            "rate": self.arm.rate,
            "begun_ns": self.begun_ns,
            "elapsed_ns": self.elapsed_ns,
            "progress": self.progress,
            "longest_stall_ns": self.longest_stall_ns,
        }
        if self.truth is not None:
            line["truth"] = self.truth.to_json()
        if self.asked is not None:
            line["asked"] = self.asked.to_json()
        extra = {"failed": self.failed, "ended": self.ended, "untidy": self.untidy}
        return line | {name: value for name, value in extra.items() if value}

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Window:
        return Window(
            fields["round"],
            Arm(fields["instrument"], fields["rate"]),
            fields["begun_ns"],
            fields["elapsed_ns"],
            fields["progress"],
            fields["longest_stall_ns"],
            Truth.from_json(fields["truth"]) if "truth" in fields else None,
            Asked.from_json(fields["asked"]) if "asked" in fields else None,
            fields.get("failed"),
            fields.get("ended", ""),
            fields.get("untidy", ""),
        )


@dataclass(frozen=True, eq=False)
class Comparison:
    """``header``: ``question``, ``target``, ``machine``, ``started``, ``command``, ``round_ns``, ``rounds``, ``arms``,
    ``progress`` (``by``: ``counter``, ``cpu`` or ``target``; ``expression`` and ``point`` of a counter) and ``seed``.

    ``ended``: ``done``, ``interrupted``, ``target-ended``, ``error``, or ``""`` while it goes on. One is equal to
    itself only, so that what follows from it can be kept by it.
    """

    header: Line
    windows: tuple[Window, ...] = ()
    ended: str = ""

    @property
    def arms(self) -> list[Arm]:
        """Those that were meant to be compared, in the order of the command line."""
        return [Arm(one["instrument"], one["rate"]) for one in self.header["arms"]]

    @property
    def expression(self) -> str:
        return str(self.header["question"]["expressions"][0])

    def of(self, arm: Arm) -> list[Window]:
        return [window for window in self.windows if window.arm == arm]

    def with_window(self, window: Window) -> Comparison:
        return replace(self, windows=(*self.windows, window))

    def to_json(self) -> Line:
        about = {"type": KIND, "version": VERSION} | self.header
        return about | {"ended": self.ended, "windows": [window.to_json() for window in self.windows]}

    @staticmethod
    def from_json(fields: Mapping[str, Any]) -> Comparison:
        kept = ("type", "version", "of", "ended", "windows")
        header = {name: value for name, value in fields.items() if name not in kept}
        return Comparison(header, tuple(map(Window.from_json, fields["windows"])), fields["ended"])


def is_comparison(path: str) -> bool:
    """Whether a file begins like one; False also where it cannot be read."""
    return begins_like(path, KIND)


def begins_like(path: str, kind: str) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError:
        return False
    return re.search(rb'^\s*\{\s*"type"\s*:\s*"' + kind.encode() + b'"', start) is not None


def load(path: str) -> Comparison:
    """RecordingError says what is wrong with the file."""
    with reading(path) as fields:
        return checked(fields, path)


def checked(fields: Line, name: str) -> Comparison:
    """RecordingError, with that ``name``, if it is none of this version."""
    if fields.get("type") != KIND or fields.get("version") != VERSION:
        raise RecordingError(f"{name} is no comparison of version {VERSION}")
    if lacking := [field for field in _HEADER if field not in fields]:
        raise RecordingError(f"{name} is no comparison", f"it lacks {', '.join(lacking)}")
    return Comparison.from_json(fields)


@contextmanager
def reading(path: str) -> Iterator[Line]:
    """A file of one JSON object; what is found wrong with it in the block is told as RecordingError."""
    try:
        with open(path, encoding="utf-8") as file:
            yield json.load(file)
    except OSError as error:
        raise RecordingError(f"cannot read {path}", error.strerror or str(error)) from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{path} is no comparison", f"{type(error).__name__}: {error}") from error


class Document(Protocol):
    def to_json(self) -> Line: ...


def save(document: Document, path: str) -> None:
    """In place of what stands there, at once and whole. Raises OutputError."""
    beside = f"{path}.{os.getpid()}-{time.monotonic_ns()}"
    try:
        with open(beside, "x", encoding="ascii") as file:
            json.dump(document.to_json(), file)
            file.write("\n")
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}", error.strerror or str(error), "choose a place that can be written"
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(beside)


def _pairs(counts: Counts) -> list[list[Any]]:
    return [[value, weight] for value, weight in counts.items()]


def _counts(pairs: Sequence[Sequence[Any]]) -> Counter[Value]:
    found = Counter[Value]()
    for value, weight in pairs:
        found[value] += weight
    return found
