"""Views for pipes: lines for people, the recording itself, and comma-separated values."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Any

from sampler.recording import Line, Recording
from sampler.sample import Look, Miss, Sample, Samples
from sampler.tally import Tally
from sampler.units import NS_PER_SECOND, format_duration, span
from sampler.view import Quiet, tallies
from sampler.view.statistics import Distribution, numbers, show_value
from sampler.view.summary import summary_lines


class AtOnce:
    """A stream whose reader has each line as soon as it is written."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class JsonLines(Quiet):
    """The recording as it comes."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = AtOnce(stream)

    def show(self, text: str, line: Line, recording: Recording) -> None:
        self._stream.write(text)


class Lines(Quiet):
    """A line a look, a line an event, and the summary at the end."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._recording: Recording | None = None
        self._digest = Digest()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._recording is not None and not isinstance(value, BrokenPipeError):
            print("", *summary_lines(self._recording), sep="\n", file=self._stream, flush=True)

    def show(self, text: str, line: Line, recording: Recording) -> None:
        self._recording = recording
        said = describe(line, recording)
        if line["type"] == "samples" and (summed := self._digest.take(recording)):
            said = stamped(recording.looks[-1].at_ns, summed)
        if said:
            print(said, file=self._stream, flush=True)


class Digest:
    """Of looks that are too many for a line each: a line a second."""

    def __init__(self) -> None:
        self._first, self._told_ns = 0, 0

    def take(self, recording: Recording) -> str:
        """What is to be said, without its time, when it is due."""
        now_ns = recording.looks[-1].at_ns
        if now_ns - self._told_ns < NS_PER_SECOND:
            return ""
        part = Recording(recording.header, recording.looks[self._first :])
        self._first, self._told_ns = len(recording.looks), now_ns
        answers = "   ".join(_spread(part, expression) for expression in recording.expressions)
        torn = f"   ({part.torn_count} may be of two moments)" if part.torn_count else ""
        return f"{part.sample_count} samples: {answers}{torn}"


def _spread(part: Recording, expression: str) -> str:
    spread = Distribution.of(numbers(part, expression))
    if spread is None:
        return f"{expression} = {show_value(part.samples[-1].values[expression])}"
    return (
        f"{expression} {show_value(spread.minimum)} to {show_value(spread.maximum)}, median {show_value(spread.median)}"
    )


def describe(line: Line, recording: Recording) -> str:
    """A line of text for each thing that people should see; empty where there is none."""
    return "\n".join(stamped(line.get("t_ns", 0), said) for said in told(line, recording))


def stamped(t_ns: int, said: str) -> str:
    return f"{t_ns / NS_PER_SECOND:9.3f} s  {said}"


def told(line: Line, recording: Recording) -> Iterator[str]:
    """The same without its time."""
    match line["type"]:
        case "header":
            yield from _begins(line)
        case "tally" if said := tallies.line(recording):
            yield said
        case "sample" | "miss" if not isinstance(look := recording.looks[-1], Samples):
            yield describe_look(look)
        case "event" if said := _happened(line):
            yield said


def _happened(line: Line) -> str:
    """An event; empty for what people need not see."""
    match line["event"]:
        case "attach":
            return _attached(line)
        case "back-off" | "speed-up" as change:
            what = "an anchor" if line.get("of") == "anchors" else "a look"
            return f"{change}: {what} every {format_duration(line['period_ns'])}, to keep to the budget"
        case "let-go":
            return f"let go between looks: {line['stops']:.3g} signals or new threads a look were a stop each"
        case "anchored" if line["again"]:
            return "what is read lies elsewhere now, by another look at the point"
        case "stopped-by-target":
            return f"the target stopped by itself: {line['name']}"
        case "detach" if line.get("cut_short"):
            return "the tool's last words were cut short: more hits may have been lost than is said"
        case "detach" if line.get("rescued"):
            return "the target was taken back from the debugger by force"
    return ""


def _attached(line: Line) -> str:
    if "probes" in line:
        return f"all probes are set: {line['probes']}"
    held = line["suspended_ns"]
    return "attached; " + (f"the target was held {span(*held)}" if any(held) else "nobody was stopped")


def _begins(header: Line) -> Iterator[str]:
    if "passed_over" in header:
        yield choice(header)
    if "sites" in header:
        yield from tallies.begins(header)


def choice(header: Line) -> str:
    """Which instrument was taken, where none was named, and why no gentler one."""
    passed_over = header["passed_over"]
    # One reason for several stands once.
    names = {why: [name for name in passed_over if passed_over[name] == why] for why in passed_over.values()}
    reasons = "".join(f"; not {' or '.join(found)}: {why}" for why, found in names.items())
    which = "the first that is there" if "sites" in header else "the gentlest that can answer here"
    return f"asked by {header['instrument']}, {which}{reasons}"


def describe_look(look: Sample | Miss) -> str:
    """Its values, or why there are none, and what it cost."""
    bounds = look.cost.suspended_ns
    cost = f"   suspended {span(bounds.low, bounds.high)}" if bounds.high else ""
    if isinstance(look, Miss):
        return f"miss: {look.reason} ({look.detail}){cost}"
    return "   ".join(f"{name} = {_both(look, name)}" for name in look.values) + cost


def _both(sample: Sample, name: str) -> str:
    shown = show_value(sample.values[name])
    return f"{shown} (signed {sample.signed[name]})" if name in sample.signed else shown


def latest(recording: Recording, expression: str) -> str:
    """What the last look has found; an ellipsis before the first."""
    if not recording.looks:
        return "…"
    look = recording.looks[-1]
    if isinstance(look, Miss):
        return f"miss: {look.reason}"
    if isinstance(look, Samples):
        look = look.sample(-1)
    shown = show_value(look.values.get(expression))
    return f"{shown} (signed {look.signed[expression]})" if expression in look.signed else shown


class Csv(Quiet):
    """One row a sample or miss. An expression whose value wrapped has its signed reading in a column of its own."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._writer = csv.writer(stream, lineterminator="\n")

    def show(self, text: str, line: Line, recording: Recording) -> None:
        if line["type"] == "header":
            self._writer.writerow(csv_columns(recording))
        self._writer.writerows(csv_rows(line, recording))
        self._stream.flush()


def csv_columns(recording: Recording) -> list[str]:
    """Of tallies in long form: a row a count, a bucket, a number; all are totals since the probes were set."""
    if recording.is_tally:
        return ["t_s", "of", "what", "low", "high", "count"]
    readings = (f"signed({name})" for name in recording.expressions)
    cost = ("suspended_low_us", "suspended_high_us", "wait_us", "threads_stopped", "hits")
    return ["t_s", *recording.expressions, *readings, *cost, "miss"]


def csv_rows(line: Line, recording: Recording) -> Iterator[list[Any]]:
    """Of what has come last; none of what is no look and no tally."""
    if line["type"] == "tally":
        tally = recording.tallies[-1]
        for row in _rows(tally):
            yield [f"{tally.t_ns / NS_PER_SECOND:.6f}", *("" if cell is None else cell for cell in row)]
    elif line["type"] in ("sample", "samples", "miss") and not recording.is_tally:
        yield from _rows_of(recording.looks[-1], recording.expressions)


def _rows_of(look: Look, expressions: list[str]) -> Iterator[list[Any]]:
    if not isinstance(look, Samples):
        yield _row(look, expressions)
        return
    yield from (_row(look.sample(place), expressions) for place in range(len(look)))
    without = Miss(look.at_ns, "unreadable", look.cost, look.detail)
    yield from (_row(without, expressions) for _ in range(look.unanswered))


def _row(look: Sample | Miss, expressions: list[str]) -> list[Any]:
    values, signed = (look.values, look.signed) if isinstance(look, Sample) else ({}, {})
    cost = look.cost
    return [
        f"{look.t_ns / NS_PER_SECOND:.6f}",
        *(show_value(values[name]) if name in values else "" for name in expressions),
        *(signed.get(name, "") for name in expressions),
        cost.suspended_ns.low // 1000,
        cost.suspended_ns.high // 1000,
        "" if cost.wait_ns is None else cost.wait_ns // 1000,
        cost.threads_stopped,
        cost.hits,
        look.reason if isinstance(look, Miss) else "",
    ]


def _rows(tally: Tally) -> Iterator[tuple[str, str, int | None, int | None, int]]:
    for name, count in tally.counts.items():
        yield name, "hits", None, None, count
    for name, buckets in tally.histograms.items():
        yield from ((name, "bucket", low, high, count) for low, high, count in buckets)
    for name, found in tally.numbers.items():
        yield name, "sum", found.low, found.high, found.sum
        yield name, "hits", None, None, found.count
    for what, count in (("ends_alone", tally.ends_alone), ("unreadable", tally.unreadable), ("lost", tally.lost)):
        if count:
            yield "", what, None, None, count
