"""A file of bench/timeline.py: one look of each instrument, as who did what when. Times in ns since it began."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sampler.errors import RecordingError
from sampler.units import format_duration, span

KIND = "timeline"
Line = dict[str, Any]
Span = tuple[float, float]
#: The writer is woken so late now and then, and reads its clock no more often than that.
_LATE_NS = 150_000


@dataclass(frozen=True, slots=True)
class Lane:
    """``works``: when the tracer or the kernel does. ``held``: when a thread is, as the instrument says; ``stood``:
    when it was, by its own clock.
    """

    name: str
    works: Sequence[Span] = ()
    held: Sequence[Span] = ()
    stood: Sequence[Span] = ()


#: When control goes from which lane to which.
Passing = tuple[float, int, int]
TRACER, KERNEL, WRITER, OTHER = range(4)


@dataclass(frozen=True, slots=True)
class Look:
    """``says``: for how long who is stopped. ``passings``: of control."""

    instrument: str
    target: str
    says: str
    hit_ns: float
    length_ns: float
    lanes: tuple[Lane, ...]
    passings: Sequence[Passing]


@dataclass(frozen=True, slots=True)
class _Phases:
    """``held``: surely. ``may``: at most; what a thread felt within is by the look."""

    tracer: Sequence[Span]
    held: Sequence[Span]
    may: Sequence[Span]
    passings: Sequence[Passing]
    kernel: Sequence[Span] = ()


def is_timeline(path: str) -> bool:
    """Whether a file begins like one; False also where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return f'"type": "{KIND}"'.encode() in file.read(64)
    except OSError:
        return False


def load(path: str) -> tuple[Line, list[Look]]:
    """The whole file, and its looks. RecordingError says what is wrong with it."""
    try:
        with open(path, encoding="utf-8") as file:
            fields = json.load(file)
        return fields, [*map(_look, fields["panels"]), _uprobe(fields["uprobe"])]
    except OSError as error:
        raise RecordingError(f"cannot read {path}", error.strerror or str(error)) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RecordingError(f"{path} is no timeline", f"{type(error).__name__}: {error}") from error


def _look(panel: Mapping[str, Any]) -> Look:
    name, at = panel["instrument"], _first(panel["marks"])
    low, high = panel["suspended_ns"]
    phases = _by_perf(at, low) if name == "perf" else _by_ptrace(at) if name == "ptrace" else _by_debugger(at)
    writer, other = (_caused(panel["threads"][thread], phases.may) for thread in ("writer", "bystander"))
    all_of_them = name not in _ONE_THREAD
    lanes = (
        Lane("tracer", phases.tracer),
        Lane("kernel", phases.kernel),
        Lane("writer", held=phases.held, stood=writer),
        Lane("other thread", held=phases.held if all_of_them else (), stood=other if all_of_them else ()),
    )
    says = f"{_ONE_THREAD.get(name, 'every thread is stopped,')} {span(low, high)}"
    return Look(name, panel["target"], says, at["hit"], panel["length_ns"], lanes, phases.passings)


_ONE_THREAD = {"ptrace": "one thread is stopped,", "perf": "nobody is stopped; the hit takes its thread"}


def _first(marks: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Each phase where it came first, but the hit and the end where they came last: an interrupt may be repeated."""
    return dict(reversed(marks)) | {name: at_ns for name, at_ns in marks if name in ("hit", "resumed")}


def _by_debugger(at: Mapping[str, int]) -> _Phases:
    """All stand while the breakpoint is set, and from its hit on until they are let go."""
    return _Phases(
        tracer=[(at["requested"], at["continued"]), (at["hit"], at["resumed"])],
        held=[(at["stopped"], at["continued"]), (at["hit"], at["released"])],
        may=[(at["requested"], at["released"])],
        passings=[
            (at["requested"], TRACER, WRITER),
            (at["continued"], TRACER, WRITER),
            (at["hit"], WRITER, TRACER),
            (at["released"], TRACER, WRITER),
        ],
    )


def _by_ptrace(at: Mapping[str, int]) -> _Phases:
    held: list[Span] = [(at["hit"], at["resumed"])]
    return _Phases(
        [(0, at["armed"]), *held], held, held, [(at["hit"], WRITER, TRACER), (at["resumed"], TRACER, WRITER)]
    )


def _by_perf(at: Mapping[str, int], hit_ns: float) -> _Phases:
    """What the exception takes was measured on ourselves; the kernel's record of it is from somewhere in its middle."""
    inside: list[Span] = [(at["hit"] - hit_ns / 2, at["hit"] + hit_ns / 2)]
    working: list[Span] = [(at["opening"], at["armed"]), (at["noticed"], at["closed"])]
    passings = [(inside[0][0], WRITER, KERNEL), (inside[0][1], KERNEL, WRITER)]
    return _Phases(working, inside, inside, passings, inside)


def _caused(stalls: Sequence[Sequence[float]], may: Sequence[Span]) -> list[Span]:
    """Those that begin with what the instrument did, or in it, and last; others are the thread's own sleep, from which
    it is woken a little late, or the scheduler's.
    """
    spans = [(begun, begun + long) for begun, long in stalls]
    return [one for one in spans if any(_by_it(one, first, last) for first, last in may)]


def _by_it(stall: Span, first: float, last: float) -> bool:
    begun, ended = stall
    return first - _LATE_NS <= begun <= last and ended - max(begun, first) >= min(_LATE_NS, (last - first) / 2)


def _uprobe(panel: Mapping[str, Any]) -> Look:
    """Of one hit: there is nobody who looks."""
    hit_ns, (without, with_it) = sum(panel["hit_ns"]) / 2, panel["call_ns"]
    inside: list[Span] = [(0.0, hit_ns)]
    lanes = (Lane("tracer"), Lane("kernel", inside), Lane("writer", held=inside), Lane("other thread"))
    says = f"nobody is stopped; each call takes {format_duration(with_it)}, not {format_duration(without)}"
    passings = [(0.0, WRITER, KERNEL), (hit_ns, KERNEL, WRITER)]
    return Look("uprobe", panel["target"], says, 0.0, hit_ns, lanes, passings)
