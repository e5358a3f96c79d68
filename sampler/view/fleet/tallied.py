"""What several targets have counted or timed in the kernel, in cells: of each, and of all together."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.recording import Recording
from sampler.view import tallies
from sampler.view.fleet.together import together


def kind_of(recording: Recording) -> str | None:
    """``count`` or ``latency``; None where the values of expressions are summed up."""
    kind: str | None = recording.header["question"].get("kind")
    return kind


def names(recording: Recording) -> list[str]:
    """What there is a figure of: each point that is counted, the beginning of what is timed, each expression."""
    question = recording.header["question"]
    match kind_of(recording):
        case "count":
            return list(question["points"])
        case "latency":
            return [question["entry"]]
    return recording.expressions


def now(recordings: Sequence[Recording], name: str) -> str:
    """Calls a second in the last period, or what there is so far; empty where nothing was read yet."""
    found = [one for one in recordings if one.tallies]
    if not found:
        return ""
    if kind_of(found[0]) == "count":
        return rate([tallies.lately(one, name) for one in found])
    return tallies.brief(together([one.tallies[-1] for one in found]), name, kind_of(found[0]))


def rate(paces: Sequence[tallies.Pace | None]) -> str:
    """Of all that have one together."""
    known = [one for one in paces if one is not None]
    return tallies.rate_text(known) if known else ""


def quantiles(recordings: Sequence[Recording]) -> list[str]:
    """Of what is timed: below which time half of it lies, and 99 %. Empty cells for anything else."""
    found = [one for one in recordings if one.tallies and kind_of(one) == "latency"]
    if not found:
        return ["", ""]
    last = together([one.tallies[-1] for one in found])
    buckets = [bucket for of_one in last.histograms.values() for bucket in of_one]
    return [tallies.below(buckets, share, found[0].header["question"]["unit"]) for share in (0.5, 0.99)]
