"""One instrument on the target, for the length of one window: from its recorder's start to what it has seen.

The window begins when the instrument is attached and ends before it is asked to leave: attaching and leaving
are told beside it.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable

from sampler.compare.counts import Bucket
from sampler.compare.progress import Progress, Progressed
from sampler.compare.result import Asked, Line, Taken
from sampler.errors import SamplerError
from sampler.frontend import Recorder, split_lines
from sampler.linux.cpu_time import used_by_family_ns
from sampler.recording import Recording
from sampler.sample import Cost, Interval, Look, Miss, Sample, Samples, Value
from sampler.tally import Tally
from sampler.units import NS_PER_SECOND

#: Looks of a window that are kept one by one; all are in its counts.
LOOKS_KEPT = 400
_ATTACHES_WITHIN_S = 60.0


class Visit:
    """``run`` returns when the recorder has left the target; then ``asked``, ``progressed``, ``failed`` and ``ended``
    tell of the window. ``halt``: once it is set, the window ends.
    """

    def __init__(
        self,
        words: list[str],
        expression: str,
        window_ns: int,
        period_ns: int | None,
        progress: Progress,
        halt: threading.Event,
    ) -> None:
        """``period_ns``: from one look to the next, where there is such."""
        self._recorder, self._halt = Recorder(words), halt
        self._expression, self._window_ns, self._progress = expression, window_ns, progress
        self._period_ns = period_ns or window_ns
        self._recording: Recording | None = None
        self._started_ns = time.monotonic_ns()
        self._begun_ns: int | None = None
        self._ended_ns: int | None = None
        self._cpu = (0, 0, 0, 0)  # used and when, at the window's begin and last
        self.begun_ns = self._started_ns
        self.progressed: Progressed | None = None
        self.failed: SamplerError | None = None
        self.ended = ""

    def run(self, tick: Callable[[], None]) -> None:
        """SamplerErrors are kept in ``failed``."""

        def each() -> None:
            self._tick()
            tick()

        with self._recorder:
            for text in split_lines(self._recorder.chunks(each)):
                if text.endswith("\n"):
                    self._take(json.loads(text))
            self._end_window()
            self._close()

    @property
    def asked(self) -> Asked | None:
        """What the instrument saw and did in the window; None where it did not come to one."""
        if self._recording is None or self._begun_ns is None or self._ended_ns is None:
            return None
        start_ns = self._recording.header["started_monotonic_ns"]
        within = _Within(self._recording, self._begun_ns - start_ns, self._ended_ns - start_ns)
        begun, begun_at, last, last_at = self._cpu
        return within.asked(self._expression, self._period_ns, last - begun, last_at - begun_at)

    def _take(self, line: Line) -> None:
        if self._recording is None:
            if line["type"] == "footer":
                self.failed = SamplerError.from_json(line.get("error", {}))
                return
            self._recording = Recording(line)
        else:
            self._recording.add(line)
        self._recorder.take_note(line)
        if line.get("event") == "attach":
            self._begin_window()

    def _begin_window(self) -> None:
        self.begun_ns = self._begun_ns = time.monotonic_ns()
        used = used_by_family_ns(self._recorder.pid)
        self._cpu = (used, self._begun_ns, used, self._begun_ns)
        self._progress.begin()

    def _tick(self) -> None:
        now_ns = time.monotonic_ns()
        if self._begun_ns is None:
            over = now_ns > self._started_ns + _ATTACHES_WITHIN_S * NS_PER_SECOND
        else:
            over = now_ns >= self._begun_ns + self._window_ns
            self._account(now_ns)
        if over or self._halt.is_set():
            self._end_window()
            self._recorder.stop()

    def _account(self, now_ns: int) -> None:
        if self._ended_ns is None and (used := used_by_family_ns(self._recorder.pid)):
            self._cpu = (*self._cpu[:2], used, now_ns)

    def _end_window(self) -> None:
        if self._begun_ns is not None and self._ended_ns is None:
            self.progressed = self._progress.end()
            self._ended_ns = time.monotonic_ns()

    def _close(self) -> None:
        footer = self._recording.footer if self._recording else None
        if self.failed is not None:
            return
        if footer is None:
            self.failed = self._recorder.see_to()
        elif "error" in footer:
            self.failed = SamplerError.from_json(footer["error"])
        elif self._begun_ns is None:
            self.failed = SamplerError("nobody was attached", f"within {_ATTACHES_WITHIN_S:.0f} s")
        self.ended = footer["ended"] if footer else ""


class _Within:
    """The part of a recording that lies in the window; times in ns since the recording's start."""

    def __init__(self, recording: Recording, begun_ns: int, ended_ns: int) -> None:
        self._recording = recording
        self._looks = [look for look in recording.looks if begun_ns <= look.at_ns <= ended_ns]
        self._tallies = [one for one in recording.tallies if begun_ns <= one.read_ns.high and one.t_ns <= ended_ns]

    def asked(self, expression: str, period_ns: int, cpu_ns: int, cpu_elapsed_ns: int) -> Asked:
        values, misses, samples = Counter[Value](), Counter[str](), 0
        for look in self._looks:
            found = _values(look, expression)
            samples += len(found)
            values.update(found * len(range(look.cost.wait_ns or 0, -1, -period_ns)))
            misses += Counter(_misses(look))
        costs = [look.cost for look in self._looks]
        hits, over_ns, buckets, suspended = self._traced(expression)
        header = self._recording.header
        return Asked(
            samples=samples,
            misses=misses,
            hits=hits + sum(cost.hits for cost in costs),
            over_ns=over_ns,
            values=values,
            buckets=tuple(buckets),
            looks=_some([_taken(look, expression) for look in self._looks if isinstance(look, Sample)]),
            suspended_ns=sum((cost.total_ns for cost in costs), suspended),
            hit_ns=Interval(*header["hit_ns"]) if "hit_ns" in header else None,
            once_ns=self._once(),
            cpu_ns=max(0, cpu_ns),
            cpu_elapsed_ns=cpu_elapsed_ns,
            backed_off=sum(event.event == "back-off" for event in self._recording.events),
        )

    def _traced(self, expression: str) -> tuple[int, int | None, list[Bucket], Interval]:
        """What was counted from the first reading in the window to the last."""
        if not self._tallies:
            return 0, None, [], Interval()
        first, last = self._tallies[0], self._tallies[-1]
        spent = Cost(Interval(*(b - a for a, b in _both(first, last))))
        before = {(low, high): count for low, high, count in first.histograms.get(expression, ())}
        buckets = [
            (low, high, count - before.get((low, high), 0)) for low, high, count in last.histograms.get(expression, ())
        ]
        over_ns = sum(last.read_ns.to_json()) // 2 - sum(first.read_ns.to_json()) // 2
        return last.cost.hits - first.cost.hits, over_ns, buckets, spent.suspended_ns

    def _once(self) -> Interval:
        edges = [event.detail for event in self._recording.events if event.event in ("attach", "detach")]
        return sum((Interval(*edge["suspended_ns"]) for edge in edges if "suspended_ns" in edge), Interval())


def _both(first: Tally, last: Tally) -> list[tuple[int, int]]:
    return list(zip(first.cost.suspended_ns.to_json(), last.cost.suspended_ns.to_json(), strict=True))


def _values(look: Look, expression: str) -> list[Value]:
    """As signed numbers where an unsigned difference wrapped."""
    if isinstance(look, Sample):
        return [look.signed.get(expression, look.values[expression])]
    if isinstance(look, Samples):
        samples = (look.sample(place) for place in range(len(look)))
        return [one.signed.get(expression, one.values[expression]) for one in samples]
    return []


def _misses(look: Look) -> dict[str, int]:
    if isinstance(look, Miss):
        return {look.reason: look.count}
    return {"unreadable": look.unanswered} if isinstance(look, Samples) and look.unanswered else {}


def _taken(look: Sample, expression: str) -> Taken:
    value = look.signed.get(expression, look.values[expression])
    return Taken(value, look.cost.wait_ns, look.cost.suspended_ns)


def _some(looks: list[Taken]) -> tuple[Taken, ...]:
    """Evenly chosen."""
    step = max(1, -(-len(looks) // LOOKS_KEPT))
    return tuple(looks[::step])
