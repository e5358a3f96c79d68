"""The recording: one JSON object a line, append-only, readable while it grows.

The first line is the header, the last the footer; between them samples, misses and events in order.
A reader must ignore types and fields that it does not know. Version 1.
"""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any, Protocol, cast

from sampler.errors import RecordingError
from sampler.sample import Cost, Event, Interval, Look, Miss, Sample, Samples, Value
from sampler.tally import Tally

VERSION = 1
Line = dict[str, Any]
#: What a line that lacks something makes its reader raise.
MALFORMED = (AttributeError, KeyError, OverflowError, TypeError, ValueError)


@dataclass(slots=True)
class Footer:
    """How the run ended, and its totals. ``error`` is an error's JSON when the run failed."""

    ended: str
    samples: int = 0
    misses: int = 0
    skipped: int = 0
    suspended_ns: Interval = field(default_factory=Interval)
    elapsed_ns: int = 0
    error: Line | None = None

    def to_json(self) -> Line:
        line = {
            "type": "footer",
            "samples": self.samples,
            "misses": self.misses,
            "skipped": self.skipped,
            "suspended_ns": self.suspended_ns.to_json(),
            "elapsed_ns": self.elapsed_ns,
            "ended": self.ended,
        }
        return line | ({"error": self.error} if self.error else {})


class Sink(Protocol):
    """Where lines go: each call writes one."""

    def write(self, text: str) -> object: ...


class Writer:
    """Writes a recording line by line, and keeps the totals for the footer."""

    def __init__(self, stream: Sink) -> None:
        self._stream = stream
        self.totals = Footer(ended="unknown")

    def header(self, fields: Line) -> None:
        self.line({"type": "header", "version": VERSION} | fields)

    def look(self, look: Look, skipped: int, skipped_at_ns: Sequence[int] = ()) -> None:
        """``skipped_at_ns``: since the start of the run, of the last of those deadlines."""
        match look:
            case Samples():
                self.totals.samples += len(look)
                self.totals.misses += look.unanswered
            case Sample():
                self.totals.samples += 1
            case Miss():
                self.totals.misses += look.count
        self.totals.skipped += skipped
        self.totals.suspended_ns += look.cost.total_ns
        passed = {"skipped": skipped} if skipped else {}
        self.line(look.to_json() | passed | ({"skipped_at": list(skipped_at_ns)} if skipped_at_ns else {}))

    def tally(self, tally: Tally) -> None:
        """Cumulative: the last one is the total."""
        self.totals.suspended_ns = tally.cost.suspended_ns
        self.line(tally.to_json())

    def event(self, event: Event) -> None:
        self.line(event.to_json())

    def footer(self, ended: str, elapsed_ns: int, error: Line | None = None) -> None:
        self.totals.ended, self.totals.elapsed_ns, self.totals.error = ended, elapsed_ns, error
        self.line(self.totals.to_json())

    def line(self, fields: Line) -> None:
        """Writes any line, at once and whole."""
        self._stream.write(json.dumps(fields, ensure_ascii=False) + "\n")


@dataclass(slots=True)
class Recording:
    """A recording as read: whole or still growing. ``footer`` is None while it grows or if it was cut."""

    header: Line
    looks: list[Look] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    footer: Line | None = None
    tallies: list[Tally] = field(default_factory=list)

    @property
    def is_tally(self) -> bool:
        """Whether hits were counted or summed up, in place of an answer each."""
        question = self.header["question"]
        return "kind" in question or "aggregate" in question

    @property
    def samples(self) -> list[Sample]:
        """All, also those that were taken together."""
        return list(self.each_sample())

    def each_sample(self) -> Iterator[Sample]:
        for look in self.looks:
            if isinstance(look, Sample):
                yield look
            elif isinstance(look, Samples):
                yield from (look.sample(place) for place in range(len(look)))

    @property
    def sample_count(self) -> int:
        return sum(len(look) if isinstance(look, Samples) else isinstance(look, Sample) for look in self.looks)

    @property
    def miss_count(self) -> int:
        return sum(count for _, count in self.reasons())

    def reasons(self) -> list[tuple[str, int]]:
        """Why looks had no value, the most frequent first."""
        found = Counter[str]()
        for miss in self.misses:
            found[miss.reason] += miss.count
        found["unreadable"] += sum(look.unanswered for look in self.looks if isinstance(look, Samples))
        return [(reason, count) for reason, count in found.most_common() if count]

    @property
    def torn_count(self) -> int:
        """How many samples may be of two moments."""
        alone = sum(isinstance(look, Sample) and not look.atomic for look in self.looks)
        return alone + sum(len(look.torn) for look in self.looks if isinstance(look, Samples))

    @property
    def misses(self) -> list[Miss]:
        return [look for look in self.looks if isinstance(look, Miss)]

    @property
    def expressions(self) -> list[str]:
        return list(self.header["question"]["expressions"])

    def add(self, line: Line) -> None:
        """Takes in one line after the header; unknown types are passed over."""
        match line.get("type"):
            case "sample" | "samples" | "miss":
                self.looks.append(look_from(line))
            case "tally":
                self.tallies.append(Tally.from_json(line))
            case "event":
                known = ("type", "t_ns", "event")
                detail = {name: value for name, value in line.items() if name not in known}
                self.events.append(Event(line["t_ns"], line["event"], detail))
            case "footer":
                self.footer = line


def look_from(line: Line) -> Look:
    """A line of type sample, samples or miss as the noun that it was."""
    cost, late_ns = Cost.from_json(line["cost"]), line.get("late_ns", 0)
    if line["type"] == "sample":
        atomic = line.get("atomic", True)
        return Sample(line["t_ns"], line["values"], cost, line.get("signed", {}), late_ns, atomic)
    if line["type"] == "samples":
        return _samples_from(line, cost, late_ns)
    return Miss(line["t_ns"], line["reason"], cost, line.get("detail", ""), late_ns, line.get("count", 1))


def _samples_from(line: Line, cost: Cost, late_ns: int) -> Samples:
    times, values, signed = array("q", line["t_ns"]), line["values"], line.get("signed", {})
    columns = [*values.values(), *signed.values()]
    if not times or any(not isinstance(column, list) or len(column) != len(times) for column in columns):
        raise ValueError("columns of one length")
    columns_of = {name: _column(column) for name, column in values.items()}
    return Samples(times, columns_of, cost, signed, late_ns, frozenset(line.get("torn", ())),
                   line.get("unanswered", 0), line.get("detail", ""))  # fmt: skip


def _column(values: list[Value]) -> Sequence[Value]:
    """Numbers without an object each, where they are such: there may be millions."""
    for code, kind in (("q", int), ("d", float)):
        if all(type(value) is kind for value in values):
            with suppress(OverflowError):  # beyond 63 bits
                return cast(Sequence[Value], array(code, cast(Any, values)))
    return values


def parse(lines: Iterable[str]) -> Iterator[Line]:
    """The objects of a recording, header first. A last line without its end is left out: it still grows.

    Raises RecordingError for anything else that is no recording of a version we know.
    """
    for number, line in enumerate(objects(lines)):
        if number == 0:
            _check_header(line)
        yield line


def objects(lines: Iterable[str]) -> Iterator[Line]:
    """Of JSON Lines, at least one; a last line without its end is left out. Raises RecordingError."""
    number = 0
    for number, text in enumerate(lines, 1):
        if not text.endswith("\n"):
            break
        yield _parse_line(text, number)
    if number == 0:
        raise RecordingError("the recording is empty")


@contextmanager
def reading(path: str) -> Iterator[IO[str]]:
    """A file of JSON Lines; whatever is found wrong with it in the block is told with its name, as RecordingError."""
    try:
        with open(path, encoding="utf-8") as file:
            yield file
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise RecordingError(f"cannot read {path}", why or str(error)) from error
    except RecordingError as error:
        raise RecordingError(f"{path} is not a recording", str(error)) from error


@contextmanager
def understood(number: int) -> Iterator[None]:
    """What a line lacks is told as RecordingError. ``number``: which line it is."""
    try:
        yield
    except MALFORMED as error:
        raise RecordingError(f"line {number} lacks {error}") from error


def load(path: str) -> Recording:
    """A file as a Recording; RecordingError says what is wrong with it and where."""
    with reading(path) as file:
        lines = parse(file)
        recording = Recording(next(lines, {}))
        if not recording.header:
            raise RecordingError("the recording has no header yet")
        for number, line in enumerate(lines, 2):
            with understood(number):
                recording.add(line)
        return recording


def _parse_line(text: str, number: int) -> Line:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise RecordingError(f"line {number} is not JSON") from error
    if not isinstance(line, dict):
        raise RecordingError(f"line {number} is not an object")
    return line


def _check_header(line: Line) -> None:
    if line.get("type") != "header" or "question" not in line:
        raise RecordingError("the first line is not a header")
    if line.get("version") != VERSION:
        raise RecordingError(
            f"version {line.get('version')} is not known here", fix=f"this sampler reads version {VERSION}"
        )
