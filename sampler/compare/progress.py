"""How far the target gets, measured without a stop: by a counter of its own in its memory, or by its processor time.

The counter is read by a recorder of the ``peek`` instrument that runs through the whole comparison, in windows with
an instrument and in those without alike: what the reading itself takes cancels out.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from sampler.budget import Budget
from sampler.compare.result import Line, Truth
from sampler.errors import CounterLost, InternalError, NotAnswerable, SamplerError
from sampler.frontend import Recorder, split_lines
from sampler.linux.cpu_time import used_ns
from sampler.recording import look_from
from sampler.sample import Sample, Samples

#: A counter that stood still is known to within two of these.
PERIOD_NS = 5_000_000
_READINGS_KEPT = 200_000  # of 15 minutes: more than a window has
_MISSING_READINGS, _MISSING_SHARE = 4, 0.1  # so much of a window may lie before the first reading and after the last
_SLICE_S = 0.25
_TELLS_WITHIN_S = 60.0
_ONCE = "8760h"  # where the counter lies is looked up, by a look of another instrument
_FIX = "give another --progress, or --progress-at a point that is met"


@dataclass(frozen=True, slots=True)
class Progressed:
    """Over ``elapsed_ns``; None where it cannot be told. ``truth``: what a target tells of itself besides."""

    elapsed_ns: int
    progress: float | None
    longest_stall_ns: int | None = None
    truth: Truth | None = None


class Progress(Protocol):
    """Measures from each ``begin`` to the ``end`` that follows it."""

    def describe(self) -> Line:
        """``by``: counter, cpu or target; and what belongs to it."""

    def begin(self) -> None: ...

    def end(self) -> Progressed:
        """Raises SamplerError where progress can be measured no more."""


class ProcessorTime:
    """The weaker measure: a target that stands uses none, but one whose calls have become dearer uses as much."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._begun = (0, 0)

    def describe(self) -> Line:
        return {"by": "cpu"}

    def begin(self) -> None:
        self._begun = self._now()

    def end(self) -> Progressed:
        (begun_ns, before), (ended_ns, after) = self._begun, self._now()
        return Progressed(ended_ns - begun_ns, after - before if after >= before else None)

    def _now(self) -> tuple[int, int]:
        try:
            return time.monotonic_ns(), used_ns(self._pid)
        except ProcessLookupError:
            return time.monotonic_ns(), 0


class PeekedCounter:
    """A counter in the target's memory, read all the while. Entering it raises SamplerError where that cannot be.

    ``budget``: of the look that finds it. ``halt``: once it is set, the first reading is not waited for.
    """

    def __init__(self, pid: int, expression: str, point: str, budget: Budget, halt: threading.Event) -> None:
        self._expression, self._point, self._halt = expression, point, halt
        self._recorder = Recorder(
            [
                "record",
                "--instrument=peek",
                f"--at={point}",
                f"--every={PERIOD_NS}ns",
                f"--anchor-every={_ONCE}",
                f"--max-pause={budget.max_pause_ns}ns",
                f"--max-suspended={budget.max_suspended:.6f}",
                "--",
                str(pid),
                expression,
            ]
        )
        self._told = threading.Event()  # the first reading is there, or there will be none
        self._readings: list[tuple[int, float]] = []
        self._started_ns, self._begun_ns = 0, 0
        self._failure: SamplerError | None = None
        self._footer = False

    def describe(self) -> Line:
        return {"by": "counter", "expression": self._expression, "point": self._point}

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(self._recorder)
            self._reader = threading.Thread(target=self._read, name="progress", daemon=True)
            self._reader.start()
            opening.callback(self._leave)
            self._wait_for_the_first()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def begin(self) -> None:
        self._begun_ns = time.monotonic_ns()

    def end(self) -> Progressed:
        ended_ns = time.monotonic_ns()
        if not self._reader.is_alive():
            raise self._failure or _lost("its recorder has ended")
        found = [one for one in self._readings.copy() if self._begun_ns <= one[0] <= ended_ns]
        if len(found) < 2:
            return Progressed(ended_ns - self._begun_ns, None)
        (first_ns, first), (last_ns, last) = found[0], found[-1]
        missing_ns = ended_ns - self._begun_ns - (last_ns - first_ns)
        if missing_ns > max(_MISSING_READINGS * PERIOD_NS, _MISSING_SHARE * (ended_ns - self._begun_ns)):
            return Progressed(ended_ns - self._begun_ns, None)  # the machine had no time for the reader
        return Progressed(last_ns - first_ns, last - first if last >= first else None, _longest_stall_ns(found))

    def _wait_for_the_first(self) -> None:
        """Not when halted: nothing is measured then."""
        give_up_s = time.monotonic() + _TELLS_WITHIN_S
        while not self._told.wait(_SLICE_S):
            if self._halt.is_set():
                return
            if time.monotonic() > give_up_s:
                raise NotAnswerable("the target's counter was not read", f"in {_TELLS_WITHIN_S:.0f} s", _FIX)
        if not self._readings and not self._halt.is_set():
            raise self._failure or _lost("it was never read")

    def _leave(self) -> None:
        self._recorder.stop()
        self._reader.join()

    def _read(self) -> None:
        try:
            for text in split_lines(self._recorder.chunks(lambda: None)):
                if text.endswith("\n"):
                    self._take(json.loads(text))
            if not self._footer:
                self._failure = self._recorder.see_to()  # it may have held the target, to find the counter
        except Exception as error:  # a thread of ours: it is raised where the counter is asked for
            self._failure = InternalError.of(error)
        finally:
            self._told.set()

    def _take(self, line: Line) -> None:
        self._recorder.take_note(line)
        match line["type"]:
            case "header":
                self._started_ns = line["started_monotonic_ns"]
            case "footer":
                self._footer = True
                if "error" in line:
                    self._failure = SamplerError.from_json(line["error"])
            case "sample" | "samples":
                self._keep(line)
            case "miss" if not self._readings:
                why = line["detail"] or line["reason"]
                self._failure = NotAnswerable("the target's counter cannot be read", why, _FIX)
                self._recorder.stop()

    def _keep(self, line: Line) -> None:
        look = look_from(line)
        samples = [look] if isinstance(look, Sample) else []
        if isinstance(look, Samples):
            samples = [look.sample(place) for place in range(len(look))]
        for sample in samples:
            value = sample.values[self._expression]
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                self._failure = NotAnswerable(f"{self._expression!r} counts nothing", f"it is {value!r}", _FIX)
                self._recorder.stop()
                return
            self._readings.append((self._started_ns + sample.t_ns, value))
        del self._readings[:-_READINGS_KEPT]
        self._told.set()


def _lost(why: str) -> CounterLost:
    return CounterLost("the target's counter is not read any more", why, "compare again; what was measured is kept")


def _longest_stall_ns(readings: list[tuple[int, float]]) -> int:
    """The longest time over which the counter was seen to stand; 0 where it was never seen twice alike."""
    longest, since = 0, readings[0]
    for reading in readings:
        if reading[1] != since[1]:
            since = reading
        longest = max(longest, reading[0] - since[0])
    return longest
