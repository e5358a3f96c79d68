"""A fleet's run in text: what was asked of whom, a row a member and the whole in each table, and how each ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sampler.recording import Recording
from sampler.sample import Interval
from sampler.units import format_duration, span
from sampler.view.columns import fitted, folded
from sampler.view.fleet.counted import counted_lines
from sampler.view.fleet.rows import ALL, cost_of_all
from sampler.view.fleet.standing import Standing, expressions_of, whole
from sampler.view.statistics import (
    Costs,
    Distribution,
    elapsed_ns_of,
    numbers,
    others,
    printable,
    show_value,
    turns_of,
)
from sampler.view.summary import ENDINGS

Rows = list[list[str]]
_NONE = "–"
_VALUE = 40  # letters of a text that is an answer
_MARGIN = " " * 8
_PROSE = ("asked   ", "of all  ", "said    ", "ended   ", _MARGIN)


def fleet_lines(
    standings: Sequence[Standing], width: int | None = None, said: Sequence[tuple[str, str]] = ()
) -> Iterator[str]:
    """The lines, without their ends. ``width``: of the terminal, if it is one. ``said``: of members, beside their
    recordings, where it does not stand above.
    """
    for line in _lines(standings, width, said):
        yield from folded(line, width, len(_MARGIN)) if line.startswith(_PROSE) else [line]


def _lines(standings: Sequence[Standing], width: int | None, said: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from asked(standings)
    begun = [one for one in standings if one.recording is not None]
    recordings = [one.recording for one in begun if one.recording is not None]
    if any(recording.is_tally for recording in recordings):
        yield from counted_lines(begun, recordings, width)
    else:
        for expression in expressions_of(standings):
            yield from _answers(begun, recordings, expression, width)
        yield from _looks(begun, recordings, width)
    if said:
        yield ""
    for place, (label, remark) in enumerate(said):
        yield f"{'' if place else 'said':<8}{printable(label)}: {printable(remark)}"
    yield ""
    yield from _ends(standings)


def asked(standings: Sequence[Standing]) -> Iterator[str]:
    """What, where, of how many, and by which instruments."""
    headers = [one.recording.header for one in standings if one.recording is not None]
    if not headers:
        yield f"asked   {len(standings)} targets, and none of them has begun"
        return
    names = Counter(str(header["instrument"]) for header in headers)
    by = names.most_common(1)[0][0] if len(names) == 1 else ", ".join(f"{name} ({n})" for name, n in names.items())
    expressions = headers[0]["question"]["expressions"]
    for place, expression in enumerate(expressions):
        number = f"{place + 1}  " if len(expressions) > 1 else ""
        yield f"{'asked' if place == 0 else '':<8}{number}{printable(expression)}"
    at = printable(headers[0]["question"]["point"])
    yield f"{'' if expressions else 'asked':<8}at {at}, of {len(standings)} targets, by {by}"


def _answers(
    begun: Sequence[Standing], recordings: Sequence[Recording], expression: str, width: int | None
) -> Iterator[str]:
    """Numbers by their quantiles, all else by how often it was seen."""
    series = [numbers(recording, expression) for recording in recordings]
    spreads = [
        Distribution.of(found, turns_of([recording])) for found, recording in zip(series, recordings, strict=True)
    ]
    of_all = Distribution.of([value for found in series for value in found], turns_of(recordings))
    if of_all is not None:
        yield from ("", f"answer  {printable(expression)}")
        names = ["target", "median (95 %)", "samples", "min", "p99", "max"]
        rows = [[*_named(one), *_spread(spread)] for one, spread in zip(begun, spreads, strict=True)]
        yield from fitted([names, *rows, [ALL, *_spread(of_all)]], width, titled=1)
    if found := others(recordings, expression):
        yield from ("", f"answer  {printable(expression)}")
        names = ["target", "values that are no numbers"]
        each = [others([recording], expression) for recording in recordings]
        rows = [[*_named(one), _most(values)] for one, values in zip(begun, each, strict=True)]
        yield from fitted([names, *rows, [ALL, _most(found)]], width, titled=1, to_the_left=True)


def _named(one: Standing) -> list[str]:
    return [printable(one.label)]


def _spread(spread: Distribution | None) -> list[str]:
    if spread is None:
        return [_NONE, "0", _NONE, _NONE, _NONE]
    sure = spread.median_interval
    bar = f" ({show_value(sure[0])} to {show_value(sure[1])})" if sure else ""
    return [
        f"{show_value(spread.median)}{bar}",
        f"{spread.count:,}",
        *(show_value(value) for value in (spread.minimum, spread.p99, spread.maximum)),
    ]


def _most(found: Counter[str]) -> str:
    shown = [f"{count} × {value[:_VALUE]}" for value, count in found.most_common(3)]
    return ", ".join(shown) + (f", and {len(found) - 3} others" if len(found) > 3 else "") or _NONE


def _looks(begun: Sequence[Standing], recordings: Sequence[Recording], width: int | None) -> Iterator[str]:
    names = ["target", "by", "samples", "misses", "skipped", "suspended a look", "worst", "of the time", "in and out"]
    rows: Rows = [[*_named(one), *_cost([recording], [one])] for one, recording in zip(begun, recordings, strict=True)]
    if not rows:
        return
    yield from ("", "cost")
    yield from fitted(_telling([names, *rows, [ALL, *_cost(recordings, begun)]]), width, titled=1)
    yield from ("", f"of all  {cost_of_all(begun)}")
    missed = Counter[str]()
    for recording in recordings:
        missed.update(dict(recording.reasons()))
    if missed:
        yield f"{_MARGIN}misses: " + ", ".join(f"{count} {reason}" for reason, count in missed.most_common())
    if torn := sum(recording.torn_count for recording in recordings):
        yield f"{_MARGIN}{torn} samples may be of two moments"
    backed_off = sum(event.event == "back-off" for recording in recordings for event in recording.events)
    if backed_off:
        yield f"{_MARGIN}backed off {backed_off} times, to keep to the budget"
    if len(recordings) > 1:
        yield f"{_MARGIN}its quantiles are of the samples of all targets together: one that gave more counts for more"


def _telling(rows: Rows) -> Rows:
    """Without those columns that say the same of all, and are told above, or nothing."""
    names, *others = rows
    silent = {"skipped": ("0",), "in and out": ("nobody",), "by": (others[-1][names.index("by")],)}
    kept = [place for place, name in enumerate(names) if not all(row[place] in silent.get(name, ()) for row in others)]
    return [[row[place] for place in kept] for row in rows]


def _cost(recordings: Sequence[Recording], of: Sequence[Standing]) -> list[str]:
    by = {str(recording.header["instrument"]) for recording in recordings}
    sums = whole(of)
    skipped = sum((recording.footer or {}).get("skipped", 0) for recording in recordings)
    edges = sum((_edges(recording) for recording in recordings), Interval())
    costs = Costs.of_all(recordings)
    return [
        ", ".join(sorted(by)),
        f"{sums.samples:,}",
        f"{sums.misses:,}",
        f"{skipped:,}",
        *_suspended(costs),
        span(edges.low, edges.high) if edges.high else "nobody",
    ]


def _suspended(costs: Costs | None) -> list[str]:
    """Of a look (the median), the longest, and of the time."""
    if costs is None:
        return [_NONE] * 3
    share = f"{costs.share[0]:.2%} to {costs.share[1]:.2%}" if costs.total.high else "0 %"
    if not costs.high.maximum:
        return ["nobody", "nobody", share]
    return [span(costs.low.median, costs.high.median), span(costs.low.maximum, costs.high.maximum), share]


def _edges(recording: Recording) -> Interval:
    """What attaching and leaving has suspended."""
    found = (
        event.detail.get("suspended_ns", (0, 0)) for event in recording.events if event.event in ("attach", "detach")
    )
    return sum((Interval(*bounds) for bounds in found), Interval())


def _ends(standings: Sequence[Standing]) -> Iterator[str]:
    """Those that ended alike in one line; what went wrong, of each."""
    well = Counter(_ending(one) for one in standings if one.error is None)
    first = "ended   "
    for how, count in well.items():
        yield f"{first}{count} of {len(standings)}: {how}"
        first = _MARGIN
    for one in standings:
        if one.error is not None:
            after = f" (after {format_duration(elapsed_ns_of(one.recording))})" if one.recording is not None else ""
            yield f"{first}{printable(one.label)}: {one.error}{after}"
            first = _MARGIN


def _ending(one: Standing) -> str:
    if one.recording is None:
        return "nothing was asked"
    footer = one.recording.footer
    if footer is None:
        return "not yet, or cut off: there is no footer"
    return ENDINGS.get(footer["ended"], str(footer["ended"]))
