"""The talk's question put to a program of ours, beside what the program tells of itself."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sampler.demonstrations.programs import Program
from sampler.errors import SamplerError
from sampler.frontend import Recorder, split_lines
from sampler.recording import Line, Recording
from sampler.sample import Interval, Look, Sample
from sampler.units import NS_PER_SECOND

POINT = "main.write"
EXPRESSION = "d.writeIndex - d.readIndex"
#: On our own program only: what a budget keeps from others is to be seen here.
ALL = "--max-suspended=100%"
#: Of looks, also how long one may hold it.
PATIENT = ("--max-pause=10s", ALL)


@dataclass(frozen=True, slots=True)
class Did:
    """What the program did in a stretch of time, as it tells itself."""

    elapsed_ns: int
    writes: int
    longest_stall_ns: int

    @property
    def speed(self) -> float:
        """Writes a second."""
        return self.writes * NS_PER_SECOND / max(1, self.elapsed_ns)

    @staticmethod
    def since_the_last(program: Program) -> Did:
        """Report, that is."""
        found = program.report()
        return Did(found["interval_ns"], found["writes"], found["stalls"]["longest_ns"])


@dataclass(frozen=True, slots=True)
class Measured:
    """One instrument at one rate: so many ``looks`` in ``elapsed_ns``, each of which suspends so long (the median).

    ``writes``: a second; ``untouched``: the same, just before and just after.
    """

    instrument: str
    rate: float
    looks: int
    elapsed_ns: int
    writes: float
    untouched: float
    suspended_ns: Interval

    @property
    def kept(self) -> float:
        """Of what it writes untouched."""
        return self.writes / max(1.0, self.untouched)


def _no_tick() -> bool:
    return False


def follow(
    words: list[str],
    each: Callable[[Line, Recording], None],
    halt: threading.Event,
    enough: Callable[[], bool] = _no_tick,
) -> Recording:
    """One recorder from its start to its end; ``each`` gets every line. Raises what the run ended with, if it ended
    neither in good order nor by ``halt``. ``enough``: asked a few times a second; once it is, the recorder leaves.
    """
    recorder, recording = Recorder(words), None

    def tick() -> None:
        if halt.is_set() or enough():
            recorder.stop()

    with recorder:
        for text in split_lines(recorder.chunks(tick)):
            if not text.endswith("\n"):
                break  # cut off
            line: Line = json.loads(text)
            if "error" in line and line["type"] == "footer":
                raise SamplerError.from_json(line["error"])
            recorder.take_note(line)
            if recording is None:
                recording = Recording(line)
            else:
                recording.add(line)
            each(line, recording)
        if recording is None or recording.footer is None:
            raise recorder.see_to()
    return recording


def untouched(program: Program, duration_ns: int, halt: threading.Event) -> Did:
    """What it does while nobody asks."""
    program.report()
    halt.wait(duration_ns / NS_PER_SECOND)
    return Did.since_the_last(program)


class Window:
    """The stretch of a run from when the instrument is attached until it has asked for so long: attaching and leaving
    are not in it.
    """

    def __init__(self, program: Program, duration_ns: int) -> None:
        self._program, self._duration_ns = program, duration_ns
        self._begun_ns, self._ended_ns = 0, 0
        self.did: Did | None = None

    def take(self, line: Line, _recording: Recording) -> None:
        if line.get("event") == "attach":
            self._program.report()
            self._begun_ns = time.monotonic_ns()

    def is_over(self) -> bool:
        now_ns = time.monotonic_ns()
        if self.did is None and self._begun_ns and now_ns >= self._begun_ns + self._duration_ns:
            self._ended_ns = now_ns
            self.did = Did.since_the_last(self._program)
        return self.did is not None

    def looks(self, recording: Recording) -> list[Look]:
        """Those that ended in it."""
        start_ns = recording.header["started_monotonic_ns"]
        return [look for look in recording.looks if self._begun_ns <= start_ns + look.at_ns <= self._ended_ns]


def measure(
    program: Program, instrument: str, rate: float, duration_ns: int, halt: threading.Event
) -> tuple[list[Look], Did]:
    """The looks, and what the program did meanwhile. SamplerError: that instrument cannot ask here."""
    every = f"--every={round(NS_PER_SECOND / rate)}ns"
    words = ["record", f"--instrument={instrument}", f"--at={POINT}", every, *PATIENT, "--", str(program.pid)]
    window = Window(program, duration_ns)
    found = follow([*words, EXPRESSION], window.take, halt, window.is_over)
    if window.did is None:
        raise SamplerError(f"{instrument} has ended before its time")
    return window.looks(found), window.did


def typical_ns(looks: list[Look]) -> Interval:
    """For how long the median look suspends; of those that are taken together none does."""
    held = sorted((look.cost.suspended_ns for look in looks if isinstance(look, Sample)), key=lambda one: one.high)
    return held[len(held) // 2] if held else Interval()
