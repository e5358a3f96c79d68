"""What one look does to the program: phase by phase, as the instrument saw it, and as the program felt it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sampler.demonstrations.asking import EXPRESSION, PATIENT, POINT, follow, untouched
from sampler.demonstrations.programs import Program
from sampler.demonstrations.stage import Stage
from sampler.errors import SamplerError
from sampler.recording import Line, Recording
from sampler.sample import Cost, Interval, Sample
from sampler.units import NS_PER_SECOND, format_duration, span

TITLE = "suspended execution"
LINE = "what one look does: by dlv, by ptrace, by perf"
LOOK = (
    "While a debugger has the program, the program does no work.",
    "Three instruments look; each look is shown with its phases.",
    "Beside it: for how long the program, by its own clock, could not write.",
)
DURATION_NS = NS_PER_SECOND
_INSTRUMENTS = ("dlv", "ptrace", "perf")
_LOOKS = ("--rate=5/s", "--count=9")
_STALL, _STALL_NS = "-stall=30us", 30_000
_BAR = 24


@dataclass(frozen=True, slots=True)
class Felt:
    """One look: what it cost, and the longest stall of the program's own account that it overlaps; 0 for none."""

    instrument: str
    cost: Cost
    stall_ns: int


def show(stage: Stage) -> None:
    with stage.program("tracee", "-calm=50ms", _STALL) as program:
        calm = untouched(program, stage.duration_ns, stage.halt)
        longest = format_duration(calm.longest_stall_ns)
        stage.say(f"untouched, for {format_duration(calm.elapsed_ns)}: its longest stall was {longest}", "")
        found = [felt for instrument in _INSTRUMENTS if (felt := _tried(stage, program, instrument)) is not None]
        stage.seen(*_told(found))


def _tried(stage: Stage, program: Program, instrument: str) -> Felt | None:
    if instrument != _INSTRUMENTS[0]:
        stage.part()
    stage.typed("sampler", "diode-gap", str(program.pid), f"--instrument={instrument}", *_LOOKS, *PATIENT)
    try:
        felt = _felt(stage, program, instrument)
    except SamplerError as error:
        stage.check()
        stage.note(f"{instrument} cannot ask here: {error}")
        return None
    stage.say(*_phases(felt.cost))
    for line in _cost(felt):
        stage.note(line)
    return felt


def _felt(stage: Stage, program: Program, instrument: str) -> Felt:
    """The look that the program felt least: what else may hold it, as the kernel's scheduler does, only adds."""
    program.report()
    words = [
        "record",
        f"--instrument={instrument}",
        *_LOOKS,
        *PATIENT,
        f"--at={POINT}",
        "--",
        str(program.pid),
        EXPRESSION,
    ]
    found = follow(words, _pass_over, stage.halt)
    stage.check()
    stalls = program.report()["stalls"]["list"]
    costs = [look.cost for look in found.looks if isinstance(look, Sample)]
    felt = [Felt(instrument, cost, overlapping_ns(_since_start(found, cost), stalls)) for cost in costs]
    if not felt:
        raise SamplerError("no look has found an answer")
    return min(felt, key=lambda one: (one.stall_ns, one.cost.suspended_ns.high))


def _pass_over(_line: Line, _recording: Recording) -> None:
    pass


def _since_start(recording: Recording, cost: Cost) -> Interval:
    """The look on the monotonic clock, from when it may have held anybody: to wait for a hit holds nobody."""
    marks = dict(cost.marks)
    begun_ns = cost.during_ns.low if "requested" in marks else marks.get("hit", cost.during_ns.low)
    start_ns = recording.header["started_monotonic_ns"]
    return Interval(start_ns + begun_ns, start_ns + cost.during_ns.high)


def overlapping_ns(during: Interval, stalls: Sequence[Sequence[int]]) -> int:
    """The longest of the stalls (start, length) that touch that time; 0 for none."""
    return max((length for start, length in stalls if start <= during.high and start + length >= during.low), default=0)


def _phases(cost: Cost) -> Iterator[str]:
    if len(cost.marks) < 2:
        return
    total = max(1, cost.marks[-1][1] - cost.marks[0][1])
    yield f"one look, {format_duration(total)} from its beginning to its end:"
    for (before, begun), (after, ended) in pairwise(cost.marks):
        bar = "█" * round(_BAR * (ended - begun) / total)
        yield f"  {f'{before} → {after}':<22} {format_duration(ended - begun):>8} {bar}".rstrip()


def _cost(felt: Felt) -> Iterator[str]:
    held = span(felt.cost.suspended_ns.low, felt.cost.suspended_ns.high)
    threads = felt.cost.threads_stopped
    yield f"{_threads(threads)} held for {held}" if threads else f"nobody is stopped; the hit itself takes {held}"
    yield f"the program's own account of it: {_own(felt)}"


def _threads(count: int) -> str:
    return f"{count} threads are" if count > 1 else "1 thread is"


def _own(felt: Felt) -> str:
    if felt.stall_ns > felt.cost.suspended_ns.high:
        return f"{format_duration(felt.stall_ns)} without a write, not all of it by the look"
    if felt.stall_ns:
        return f"{format_duration(felt.stall_ns)} without a write"
    return f"no stall over {format_duration(_STALL_NS)}"


def _told(found: Sequence[Felt]) -> Iterator[str]:
    for felt in found:
        who = f"{_threads(felt.cost.threads_stopped)} held" if felt.cost.threads_stopped else "nobody is held"
        yield f"By {felt.instrument} {who}; the program says: {_own(felt)}."
    first, last = found[:1], found[1:][-1:]
    for slow, quick in zip(first, last, strict=True) if last else ():
        times = slow.cost.suspended_ns.low / max(1, quick.cost.suspended_ns.high)
        if times > 1:
            yield f"So one look by {slow.instrument} takes at least as long as {times:,.0f} by {quick.instrument}."
    yield "Each is the one look of 9 that the program felt least: other work of the machine only adds to that."
