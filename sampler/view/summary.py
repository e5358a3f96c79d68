"""A recording in a few lines of text: what was asked, the answer, what it cost, how it ended."""

from __future__ import annotations

from collections.abc import Iterator

from sampler.recording import Recording
from sampler.units import format_duration, span
from sampler.view import tallies
from sampler.view.statistics import Costs, Distribution, commonest, numbers, printable, show_value, turns_of

ENDINGS = {
    "duration": "the time asked for was over",
    "count": "all looks asked for were taken",
    "interrupted": "interrupted",
    "reader-gone": "the reader went away",
    "budget": "the budget",
    "target-ended": "the target ended",
    "error": "an error",
}


def summary_lines(recording: Recording) -> Iterator[str]:
    """The lines, without their ends, of at most about 100 columns."""
    yield from _asked(recording)
    if recording.is_tally:
        yield from tallies.totals(recording)
        yield _end(recording)
        return
    for expression in recording.expressions:
        yield from _answer(recording, expression)
    yield from _looks(recording)
    yield from _cost(recording)
    yield _end(recording)


def _asked(recording: Recording) -> Iterator[str]:
    header, target = recording.header, recording.header["target"]
    tool = header.get("tool", {})
    made = target.get("go_version") or target["language"]
    yield f"target      {printable(target['name'])} (PID {target['pid']}, {made}, {target['threads']} threads)"
    how = f"{header['instrument']} {tool.get('version', '')}".strip()
    if "anchored_by" in header:
        how += f", its addresses looked up by {header['anchored_by']}"
    yield f"asked       at {header['question']['point']}, with {how}"


def _answer(recording: Recording, expression: str) -> Iterator[str]:
    spread = Distribution.of(numbers(recording, expression), turns_of([recording]))
    if spread is not None:
        yield f"answer      {expression}"
        sure = spread.median_interval
        bar = f"  (95 %: {show_value(sure[0])} to {show_value(sure[1])})" if sure else ""
        yield f"            median {show_value(spread.median)}{bar}"
        yield (
            f"            min {show_value(spread.minimum)} · p99 {show_value(spread.p99)}"
            f" · max {show_value(spread.maximum)}"
        )
    others = commonest(recording, expression)
    if others:
        yield f"answer      {expression}"
        yield from (f"            {count} × {value[:80]}" for value, count in others)


def _looks(recording: Recording) -> Iterator[str]:
    footer = recording.footer or {}
    parts = [f"{recording.sample_count} samples", f"{recording.miss_count} misses"]
    if recording.miss_count:
        parts[-1] += " (" + ", ".join(f"{count} {reason}" for reason, count in recording.reasons()) + ")"
    if footer.get("skipped"):
        parts.append(f"{footer['skipped']} deadlines skipped")
    if recording.torn_count:
        parts.append(f"{recording.torn_count} may be of two moments")
    backed_off = sum(event.event == "back-off" for event in recording.events)
    if backed_off:
        parts.append(f"backed off {backed_off} times")
    yield f"looks       {', '.join(parts)}"


def _cost(recording: Recording) -> Iterator[str]:
    costs = Costs.of(recording)
    if costs is not None:
        yield f"cost        {_of_looks(costs)}"
        threads = f"{costs.threads or 'no'} thread{'s' if costs.threads != 1 else ''}"
        yield f"            {costs.share[0]:.2%} to {costs.share[1]:.2%} of the time, {threads}"
    edges = [
        f"{event.event} {_once(*event.detail['suspended_ns'])}"
        for event in recording.events
        if event.event in ("attach", "detach") and "suspended_ns" in event.detail
    ]
    if edges:
        yield f"            once: {', '.join(edges)}"


def _of_looks(costs: Costs) -> str:
    if not costs.high.maximum:
        return "no look suspended anything"
    worst = span(costs.low.maximum, costs.high.maximum)
    return f"suspended {span(costs.low.median, costs.high.median)} a look (median), {worst} at worst"


def _once(low_ns: int, high_ns: int) -> str:
    return span(low_ns, high_ns) if high_ns else "none"


def _end(recording: Recording) -> str:
    footer = recording.footer
    if footer is None:
        return "ended       not yet, or cut off: there is no footer"
    return f"ended       {ENDINGS.get(footer['ended'], footer['ended'])}, after {format_duration(footer['elapsed_ns'])}"
