"""What was counted and summed up, as text: lines while it grows, histograms, the total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sampler.question import LINEAR
from sampler.recording import Line, Recording
from sampler.sample import Interval
from sampler.tally import Bucket, Numbers, Tally
from sampler.units import NS_PER_SECOND, UNITS_NS, format_duration, span
from sampler.view.statistics import printable

_BAR = 40
_MOST_ROWS = 60

#: Calls a second: at least, most likely, at most.
Pace = tuple[float, float, float]


def begins(header: Line) -> Iterator[str]:
    """Before the first: who traces, where, and what each hit takes."""
    tool = f"{header['instrument']} {header.get('tool', {}).get('version', '')}".strip()
    low, high = header.get("hit_ns", (0, 0))
    yield f"traced by {tool}: each hit takes {span(low, high)} from the thread that meets it, and what its handler does"
    if others := header.get("others"):
        yield f"{others} other processes of it meet {header['instrument']}'s probes too, and pay; not those of bcc"
    for where, sites in _by_place(header.get("sites", ())):
        first = sites[0]
        cheap = "which the kernel emulates" if first["emulated"] else "which the kernel steps over"
        more = f", and {len(sites) - 1} more" if len(sites) > 1 else ""
        at = f" `{first['instruction']}`, {cheap}" if first["instruction"] else ""
        yield f"at {printable(where)}: {first['address']}{at}{more}"


def _by_place(sites: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    found: dict[str, list[Line]] = {}
    for site in sites:
        found.setdefault(site["where"], []).append(site)
    return list(found.items())


def line(recording: Recording) -> str:
    """The last tally in one line, without its time; empty for the first, which only says from where on is counted."""
    tallies = recording.tallies
    if len(tallies) < 2 or tallies[-1].read_ns.low <= tallies[-2].read_ns.high:  # of one moment, as far as is known
        return ""
    return "   ".join(_parts(recording, tallies[-2], tallies[-1]))


def _parts(recording: Recording, before: Tally, now: Tally) -> Iterator[str]:
    if recording.header["question"].get("kind") == "count":
        for name, count in now.counts.items():
            yield f"{printable(name)} {rate(count - before.counts.get(name, 0), before, now)}"
    elif recording.header["question"].get("kind") == "latency":
        yield _progress(now)
    else:
        yield from (f"{printable(name)}: {count:,} hits" for name, count in now.counts.items())
        yield from (f"{printable(name)}: {numbers_text(found)}" for name, found in now.numbers.items())
        yield from (f"{printable(name)}: {total(found):,} hits" for name, found in now.histograms.items())


def rate(count: int, before: Tally, now: Tally) -> str:
    """Calls a second between two readings."""
    return rate_text([pace(count, before, now)])


def pace(count: int, before: Tally, now: Tally) -> Pace:
    """The same as numbers: readings are not of an instant."""
    longest = max(1, now.read_ns.high - before.read_ns.low)
    shortest = max(1, now.read_ns.low - before.read_ns.high)
    low, middle, high = (count * NS_PER_SECOND / took for took in (longest, (longest + shortest) / 2, shortest))
    return low, middle, high


def rate_text(paces: Sequence[Pace]) -> str:
    """Of one or of several together: with the least and the most that it can be, if they differ in what is shown."""
    low, middle, high = (f"{sum(bound):,.0f}" for bound in zip(*paces, strict=True))
    return f"{middle}/s" if low == high else f"{middle}/s ({low} to {high})"


def lately(recording: Recording, name: str) -> Pace | None:
    """Between the last two readings; None where they are of one moment, as far as is known."""
    return _between(name, *recording.tallies[-2:])


def on_average(recording: Recording, name: str) -> Pace | None:
    """From the first reading to the last."""
    return _between(name, *recording.tallies[:1], *recording.tallies[1:][-1:])


def _between(name: str, *readings: Tally) -> Pace | None:
    if len(readings) < 2 or readings[1].read_ns.low <= readings[0].read_ns.high:
        return None
    before, now = readings
    return pace(now.counts.get(name, 0) - before.counts.get(name, 0), before, now)


def below(buckets: Sequence[Bucket], share: float, unit: str) -> str:
    """So much of all lies below that; empty where there is nothing. ``buckets``: of times, in that unit."""
    left = share * total(buckets)
    for low, high, count in buckets:
        left -= count
        if left <= 0:
            bound, sign = (low, "≥") if high is None else (high, "<")
            return f"{sign} {format_duration((bound or 0) * UNITS_NS[unit])}"
    return ""


def brief(last: Tally, expression: str, kind: str | None) -> str:
    """What has been counted of an expression so far, in a cell."""
    if kind == "latency":
        return f"{sum(map(total, last.histograms.values())):,} measured"
    if expression in last.numbers and (mean := last.numbers[expression].mean) is not None:
        return f"mean {mean:.6g}"
    return f"{last.cost.hits:,} hits"


def _progress(now: Tally) -> str:
    ended = sum(total(found) for found in now.histograms.values())
    begun = sum(now.counts.values())
    alone = f", {now.ends_alone:,} ends without a start" if now.ends_alone else ""
    return f"{ended:,} measured, {max(0, begun - ended):,} starts without an end{alone}"


def total(buckets: Sequence[Bucket]) -> int:
    """How many there are in all of them."""
    return sum(count for _, _, count in buckets)


def numbers_text(found: Numbers) -> str:
    if not found.count:
        return "no hits"
    mean = f"mean {found.mean:.6g}" if found.mean is not None else "no mean, for the sum is beyond 64 bits"
    return f"least {found.low}   {mean}   most {found.high}   ({found.count:,} hits)"


def histogram(buckets: Sequence[Bucket], unit: str = "", step: int | None = None) -> list[str]:
    """A row a bucket, from the lowest to the highest that was met, those between included.

    ``step``: the width of each, of a linear one; else each is twice as wide as the one before.
    """
    rows = list(_with_those_between(buckets, step))
    labels = [_label(low, high) for low, high, _ in rows]
    width, most = max(map(len, labels), default=0), max((count for _, _, count in rows), default=1)
    number = len(f"{most:,}")
    shown = [
        f"{label:>{width}} {count:>{number},} |{'@' * round(_BAR * count / most):<{_BAR}}|"
        for label, (_, _, count) in zip(labels, rows, strict=True)
    ]
    return [f"{unit:>{width}}", *shown] if unit else shown


def step_of(question: Line) -> int | None:
    """The width of a bucket, where histograms are linear."""
    kind, _, bounds = str(question.get("aggregate", "")).partition(":")
    return int(bounds.split(",")[2]) if kind == LINEAR else None


def _with_those_between(buckets: Sequence[Bucket], step: int | None) -> Iterator[Bucket]:
    rows = 0
    for (low, high, count), (following, _, _) in pairwise([*buckets, (None, None, 0)]):
        yield low, high, count
        while high is not None and following is not None and high < following and rows < _MOST_ROWS:
            low, high = high, high + (step or max(1, high))
            yield low, high, 0
            rows += 1


def _label(low: int | None, high: int | None) -> str:
    if low is None:
        return f"(…, {_short(high)})"
    return (
        f"[{_short(low)}, …)"
        if high is None
        else f"[{_short(low)}]"
        if high == low + 1
        else f"[{_short(low)}, {_short(high)})"
    )


def _short(bound: int | None) -> str:
    """1K for 1024, as one is used to from such histograms."""
    if bound is None:
        return "…"
    for power, letter in ((40, "T"), (30, "G"), (20, "M"), (10, "K")):
        if bound and bound % (1 << power) == 0:
            return f"{bound >> power}{letter}"
    return str(bound)


def totals(recording: Recording) -> Iterator[str]:
    """The closing lines: all that was counted, and what it cost."""
    if not recording.tallies:
        yield "counted     nothing: it ended before the first reading"
        return
    last, question = recording.tallies[-1], recording.header["question"]
    kind = question.get("kind")
    for name, count in last.counts.items() if kind != "latency" else ():
        average = f", {_average(recording, name)}" if len(recording.tallies) > 1 and kind == "count" else ""
        yield f"counted     {count:,} × {printable(name)}{average}"
    if kind == "latency":
        yield f"measured    from {printable(question['entry'])} to {printable(question['exit'])}"
        yield f"            {_progress(last)}"
    yield from summed(last, question)
    yield from _cost(recording, last)


def summed(last: Tally, question: Line) -> Iterator[str]:
    """Histograms and numbers, and what is not in them."""
    for name, found in last.histograms.items():
        if question.get("kind") != "latency":
            yield f"answer      {printable(name)}"
        yield from (f"            {row}" for row in histogram(found, question.get("unit", ""), step_of(question)))
    for name, numbers in last.numbers.items():
        yield f"answer      {printable(name)}"
        yield f"            {numbers_text(numbers)}"
    yield from _left_out(last)


def _average(recording: Recording, name: str) -> str:
    found = on_average(recording, name)
    return "too short for a rate" if found is None else f"{rate_text([found])} on average"


def _left_out(last: Tally) -> Iterator[str]:
    if last.unreadable:
        yield f"            {last.unreadable:,} hits at which something could not be read"
    if last.lost:
        yield f"            {last.lost:,} hits were lost"


def _cost(recording: Recording, last: Tally) -> Iterator[str]:
    spent, elapsed = last.cost.suspended_ns, elapsed_ns(recording)
    share = f"{spent.low / elapsed:.2%} to {spent.high / elapsed:.2%} of the time"
    yield f"cost        {last.cost.hits:,} hits took {_span(spent)} at least: {share}, and what their handlers did"


def elapsed_ns(recording: Recording) -> int:
    """From the moment that all probes were set to the last reading; at least 1."""
    ready = (int(event.detail.get("ready_ns", 0)) for event in recording.events if event.event == "attach")
    return max(1, recording.tallies[-1].t_ns - next(ready, 0))


def _span(spent: Interval) -> str:
    return span(spent.low, spent.high) if spent.high else format_duration(0)
