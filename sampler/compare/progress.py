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

from sampler.compare.result import Line, Truth
from sampler.errors import NotAnswerable, SamplerError
from sampler.frontend import Recorder, split_lines
from sampler.linux.cpu_time import used_ns
from sampler.recording import look_from
from sampler.sample import Sample, Samples

#: A counter that stood still is known to within so long.
PERIOD_NS = 5_000_000
_READINGS_KEPT = 100_000
_SLICE_S = 0.25
_ONCE = "8760h"  # where the counter lies is looked up, by a look of another instrument


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

    def end(self) -> Progressed: ...


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
        return Progressed(ended_ns - begun_ns, after - before)

    def _now(self) -> tuple[int, int]:
        try:
            return time.monotonic_ns(), used_ns(self._pid)
        except ProcessLookupError:
            return time.monotonic_ns(), 0


class PeekedCounter:
    """A counter in the target's memory, read all the while. Entering it raises SamplerError where that cannot be.

    ``halt``: once it is set, the first reading is not waited for.
    """

    def __init__(self, pid: int, expression: str, point: str, halt: threading.Event) -> None:
        self._expression, self._point, self._halt = expression, point, halt
        self._recorder = Recorder(
            [
                "record",
                "--instrument=peek",
                f"--at={point}",
                f"--every={PERIOD_NS}ns",
                f"--anchor-every={_ONCE}",
                "--",
                str(pid),
                expression,
            ]
        )
        self._told = threading.Event()  # the first reading is there, or there will be none
        self._readings: list[tuple[int, float]] = []
        self._started_ns, self._failure = 0, SamplerError("the target's counter is not read any more")
        self._begun_ns = 0

    def describe(self) -> Line:
        return {"by": "counter", "expression": self._expression, "point": self._point}

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            opening.enter_context(self._recorder)
            self._reader = threading.Thread(target=self._read, name="progress", daemon=True)
            self._reader.start()
            opening.callback(self._leave)
            while not self._told.wait(_SLICE_S) and not self._halt.is_set():
                pass
            if not self._readings:
                raise self._failure
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def begin(self) -> None:
        self._readings = self._readings[-1:]
        self._begun_ns = time.monotonic_ns()

    def end(self) -> Progressed:
        ended_ns = time.monotonic_ns()
        found = [one for one in list(self._readings) if self._begun_ns <= one[0] <= ended_ns]
        if len(found) < 2:
            return Progressed(ended_ns - self._begun_ns, None)
        (first_ns, first), (last_ns, last) = found[0], found[-1]
        return Progressed(last_ns - first_ns, last - first if last >= first else None, _longest_stall_ns(found))

    def _leave(self) -> None:
        self._recorder.stop()
        self._reader.join()

    def _read(self) -> None:
        try:
            for text in split_lines(self._recorder.chunks(lambda: None)):
                self._take(json.loads(text))
        except (OSError, ValueError, KeyError) as error:  # cut off: it is told as the end of the readings
            self._failure = SamplerError("the target's counter is not read any more", str(error))
        finally:
            self._told.set()

    def _take(self, line: Line) -> None:
        self._recorder.take_note(line)
        match line["type"]:
            case "header":
                self._started_ns = line["started_monotonic_ns"]
            case "footer" if "error" in line:
                self._failure = SamplerError.from_json(line["error"])
            case "sample" | "samples":
                self._keep(line)
            case "miss" if not self._readings:
                self._failure = NotAnswerable(
                    "the target's counter cannot be read", line["detail"] or line["reason"],
                    "give another --progress, or --progress-at a point that is met",
                )  # fmt: skip
                self._recorder.stop()

    def _keep(self, line: Line) -> None:
        look = look_from(line)
        samples: list[Sample] = [look] if isinstance(look, Sample) else []
        if isinstance(look, Samples):
            samples = [look.sample(place) for place in range(len(look))]
        for sample in samples:
            value = sample.values[self._expression]
            if isinstance(value, (int, float)):
                self._readings.append((self._started_ns + sample.t_ns, value))
        self._told.set()
        del self._readings[:-_READINGS_KEPT]


def _longest_stall_ns(readings: list[tuple[int, float]]) -> int:
    """The longest time over which the counter was seen to stand; 0 where it was never seen twice alike."""
    longest, since = 0, readings[0]
    for reading in readings:
        if reading[1] != since[1]:
            since = reading
        longest = max(longest, reading[0] - since[0])
    return longest
