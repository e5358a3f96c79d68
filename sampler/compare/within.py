"""The part of a recording that lies in a window, and the ticks of the clock that its looks stand for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sampler.compare.result import Asked, Line, Taken
from sampler.recording import look_from
from sampler.sample import Interval, Look, Miss, Sample, Samples, Value
from sampler.tally import Bucket, Tally

#: Looks of a window that are kept one by one; all are in its counts.
LOOKS_KEPT = 400
_NOT_REACHED = "not-reached"


@dataclass(frozen=True, slots=True)
class _Turn:
    """A look, and the deadlines that had passed before it since the one before."""

    look: Look
    skipped: int
    skipped_at_ns: tuple[int, ...]


class Within:
    """Takes in the lines of a recording; ``asked`` is what of it was in a window. Times in ns since the run's start."""

    def __init__(self, expression: str, header: Line) -> None:
        self._expression, self._header = expression, header
        self._start_ns: int = header["started_monotonic_ns"]
        self._turns: list[_Turn] = []
        self._tallies: list[Tally] = []
        self._once, self._backed_off, self._attached_ns = Interval(), 0, 0

    def add(self, line: Line) -> None:
        match line["type"]:
            case "sample" | "samples" | "miss":
                skipped_at_ns = tuple(line.get("skipped_at", ()))
                self._turns.append(_Turn(look_from(line), line.get("skipped", 0), skipped_at_ns))
            case "tally":
                self._tallies.append(Tally.from_json(line))
            case "event":
                self._backed_off += line["event"] == "back-off"
                if line["event"] == "attach":
                    self._attached_ns = line["t_ns"]
                if line["event"] in ("attach", "detach") and "suspended_ns" in line:
                    self._once += Interval(*line["suspended_ns"])

    def asked(self, begun_ns: int, ended_ns: int, cpu_ns: int, cpu_elapsed_ns: int) -> Asked:
        """Of a window between these moments of the monotonic clock."""
        begun_ns, ended_ns = begun_ns - self._start_ns, ended_ns - self._start_ns
        turns = [turn for turn in self._turns if begun_ns <= turn.look.at_ns <= ended_ns]
        tallies = [one for one in self._tallies if one.t_ns <= ended_ns]
        values, misses, samples, looks = Counter[Value](), Counter[str](), 0, list[Taken]()
        for turn, waits_ns in with_ticks(turns):
            found = _values(turn.look, self._expression)
            samples += len(found)
            values.update(found * max(1, len(waits_ns)))
            misses += Counter(_misses(turn.look))
            if isinstance(turn.look, Sample):
                looks.append(Taken(found[0], waits_ns, turn.look.cost.suspended_ns))
        costs = [turn.look.cost for turn in turns]
        hits, over_ns, buckets, suspended = self._traced(tallies)
        return Asked(
            samples=samples,
            misses=misses,
            skipped=sum(turn.skipped for turn in turns),
            hits=hits + sum(cost.hits for cost in costs),
            over_ns=over_ns or ended_ns - begun_ns,
            values=values,
            buckets=buckets,
            looks=_some(looks),
            suspended_ns=sum((cost.total_ns for cost in costs), suspended),
            hit_ns=Interval(*self._header["hit_ns"]) if "hit_ns" in self._header else None,
            once_ns=self._once,
            cpu_ns=max(0, cpu_ns),
            cpu_elapsed_ns=cpu_elapsed_ns,
            backed_off=self._backed_off,
        )

    def _traced(self, tallies: list[Tally]) -> tuple[int, int, tuple[Bucket, ...], Interval]:
        """What was counted since all probes were set, and over how long: each tally tells it up to its own time."""
        if not tallies:
            return 0, 0, (), Interval()
        last = tallies[-1]
        over_ns = sum(last.read_ns.to_json()) // 2 - self._attached_ns
        return last.cost.hits, over_ns, tuple(last.histograms.get(self._expression, ())), last.cost.suspended_ns


def with_ticks(turns: list[_Turn]) -> Iterator[tuple[_Turn, tuple[int, ...]]]:
    """Each with how long each tick that it stands for has waited for its call.

    A deadline that passed while a look was waiting would have found the same call. One at which, or after which, nobody
    came by in time has the next call that was met. Those that passed when nobody waited tell nothing.
    """
    open_ns: list[int] = []  # ticks whose call has not come
    for place, turn in enumerate(turns):
        look = turn.look
        if look.cost.wait_ns is None or isinstance(look, Samples):
            yield turn, ()
            continue
        armed_ns, until_ns = _waited(look)
        passed_ns = turns[place + 1].skipped_at_ns if place + 1 < len(turns) else ()
        open_ns += [armed_ns, *(at_ns for at_ns in passed_ns if armed_ns < at_ns <= until_ns)]
        if isinstance(look, Sample):
            yield turn, tuple(until_ns - at_ns for at_ns in open_ns)
        else:
            yield turn, ()
        if isinstance(look, Sample) or look.reason != _NOT_REACHED:
            open_ns = []


def _waited(look: Sample | Miss) -> tuple[int, int]:
    """From when to when."""
    if isinstance(look, Sample):
        return look.t_ns - (look.cost.wait_ns or 0), look.t_ns
    return look.cost.during_ns.low, look.cost.during_ns.high


def _values(look: Look, expression: str) -> list[Value]:
    """As signed numbers where an unsigned difference wrapped."""
    if isinstance(look, Sample):
        return [look.signed.get(expression, look.values[expression])]
    if isinstance(look, Samples):
        signed = look.signed.get(expression) or [None] * len(look)
        return [value if wrapped is None else wrapped
                for value, wrapped in zip(look.values[expression], signed, strict=True)]  # fmt: skip
    return []


def _misses(look: Look) -> dict[str, int]:
    if isinstance(look, Miss):
        return {look.reason: look.count}
    return {"unreadable": look.unanswered} if isinstance(look, Samples) and look.unanswered else {}


def _some(looks: list[Taken]) -> tuple[Taken, ...]:
    """Evenly chosen."""
    step = max(1, -(-len(looks) // LOOKS_KEPT))
    return tuple(looks[::step])
