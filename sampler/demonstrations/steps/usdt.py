"""The talk's second demonstration of BPF: how long requests take, between two probes that the program brings along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sampler.demonstrations.asking import ALL, follow
from sampler.demonstrations.stage import Stage
from sampler.recording import Line, Recording
from sampler.tally import Bucket
from sampler.units import NS_PER_SECOND
from sampler.view import tallies

TITLE = "usdt"
LINE = "how long requests take, between two static probes"
LOOK = (
    "The program makes HTTP requests, with a probe of its own before and after each: usdt:entry and usdt:exit.",
    "Untraced, a probe is one nop. Traced, the kernel notes both moments, and keeps a histogram of the time between.",
)
DURATION_NS = 5 * NS_PER_SECOND
_NS_PER_MS = 1_000_000


def show(stage: Stage) -> None:
    with stage.program("go_usdt") as program:
        program.tell("resume")
        options = ("--key=arg0", "--unit=ms", *stage.by_tool)
        asked = ("latency", str(program.pid), "usdt:entry", "usdt:exit", *options)
        stage.typed("sampler", *asked, "--program")
        stage.text(stage.output_of(*asked, "--program"))
        stage.part()
        length = f"--duration={stage.length}"
        stage.typed("sampler", *asked, length, ALL)

        durations_ns: list[int] = []

        def each(line: Line, _recording: Recording) -> None:
            if line.get("event") == "attach":
                program.report()  # what was before does not count
            elif line["type"] == "tally":
                durations_ns.extend(program.report()["durations_ns"])

        found = follow(["latency", *options, length, ALL, "--", *asked[1:4]], each, stage.halt)
        stage.check()
        buckets = next(iter(found.tallies[-1].histograms.values()), ())
        stage.say(*tallies.histogram(buckets, "ms"))
        stage.seen(*_told(buckets, in_ms(durations_ns)))


def in_ms(durations_ns: Sequence[int]) -> Counter[int]:
    """By the power of two that a whole number of ms lies at or above; 0 for less than one."""
    whole = (ns // _NS_PER_MS for ns in durations_ns)
    return Counter(1 << ms.bit_length() - 1 if ms else 0 for ms in whole)


def _told(buckets: Sequence[Bucket], own: Mapping[int, int]) -> Iterator[str]:
    traced = {low or 0: count for low, _, count in buckets if count}
    counted, told = sum(traced.values()), sum(own.values())
    if not counted or not told:
        yield "No request has ended in that time."
        return
    lowest, most = max(traced, key=traced.__getitem__), max(traced.values())
    share = f"{most / counted:.0%} of them"
    yield f"{counted:,} requests; the longest row, {share}, is from {lowest} to {max(1, 2 * lowest)} ms."
    apart = 100 * max(abs(traced.get(low, 0) / counted - own.get(low, 0) / told) for low in {*traced, *own})
    yield f"The program itself timed {told:,}, for a little longer: no share differs by more than {apart:.1f} points."
    yield "Several requests are under way at once: --key=arg0, their number, says which exit is of which entry."
