"""Of hits that were summed up in the kernel: tables with a row a member, and the sums of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampler.recording import Recording
from sampler.sample import Interval
from sampler.tally import Tally
from sampler.units import span
from sampler.view import tallies
from sampler.view.columns import fitted
from sampler.view.fleet import tallied
from sampler.view.fleet.rows import ALL, cost_of_all
from sampler.view.fleet.standing import Standing, Sums, whole
from sampler.view.fleet.together import together
from sampler.view.statistics import printable

Rows = list[list[str]]


def counted_lines(begun: Sequence[Standing], recordings: Sequence[Recording], width: int | None) -> Iterator[str]:
    """``begun``: the members that have these recordings."""
    read = [recording for recording in recordings if recording.tallies]
    if read and tallied.kind_of(read[0]) == "count":
        for point in tallied.names(read[0]):
            yield from ("", f"counted {printable(point)}")
            yield from fitted(_calls(begun, recordings, point), width, titled=1)
    elif read and tallied.kind_of(read[0]) == "latency":
        question = read[0].header["question"]
        yield from ("", f"timed   {printable(question['entry'])} to {printable(question['exit'])}")
        yield from fitted(_times(begun, recordings), width, titled=1)
    if read and (summed := list(tallies.summed(together(_last(read)), read[0].header["question"]))):
        yield from ("", ALL, *summed)
    yield from ("", "cost")
    rows = [[printable(one.label), *_hits(one.sums())] for one in begun]
    names = ["target", "hits", "lost", "took at least", "of the time"]
    yield from fitted([names, *rows, [ALL, *_hits(whole(begun))]], width, titled=1)
    yield from ("", f"of all  {cost_of_all(begun)}")


def _last(recordings: Sequence[Recording]) -> list[Tally]:
    return [recording.tallies[-1] for recording in recordings if recording.tallies]


def _calls(begun: Sequence[Standing], recordings: Sequence[Recording], point: str) -> Rows:
    """The rate of all is the sum of theirs, each over its own time."""
    rows = [
        [printable(one.label), *_of_calls([recording], point)] for one, recording in zip(begun, recordings, strict=True)
    ]
    return [["target", "calls", "on average"], *rows, [ALL, *_of_calls(recordings, point)]]


def _of_calls(recordings: Sequence[Recording], point: str) -> list[str]:
    counts = sum(last.counts.get(point, 0) for last in _last(recordings))
    return [f"{counts:,}", tallied.rate([tallies.on_average(one, point) for one in recordings])]


def _times(begun: Sequence[Standing], recordings: Sequence[Recording]) -> Rows:
    rows = [[printable(one.label), *_of_times([recording])] for one, recording in zip(begun, recordings, strict=True)]
    names = ["target", "measured", "starts without an end", "ends without a start", "median", "p99"]
    return [names, *rows, [ALL, *_of_times(recordings)]]


def _of_times(recordings: Sequence[Recording]) -> list[str]:
    last = _last(recordings)
    pairs = [(sum(one.counts.values()), sum(map(tallies.total, one.histograms.values()))) for one in last]
    measured, open_ones = sum(ended for _, ended in pairs), sum(max(0, begun - ended) for begun, ended in pairs)
    alone = sum(one.ends_alone for one in last)
    return [f"{measured:,}", f"{open_ones:,}", f"{alone:,}", *tallied.quantiles(recordings)]


def _hits(sums: Sums) -> list[str]:
    low, high = sums.share
    return [f"{sums.samples:,}", f"{sums.misses:,}", _spent(sums.suspended), f"{low:.2%} to {high:.2%}"]


def _spent(spent: Interval) -> str:
    return span(spent.low, spent.high) if spent.high else "nothing"
