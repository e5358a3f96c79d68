"""A comparison while it goes on: which arm asks, what was found, and how much time is left."""

from __future__ import annotations

import time
from contextlib import suppress
from types import TracebackType
from typing import IO, Any, Self

from sampler.compare.result import UNTOUCHED, Arm, Window
from sampler.compare.rounds import Plan
from sampler.units import NS_PER_SECOND, format_duration
from sampler.view import figures
from sampler.view.statistics import printable

# Besides its window an arm takes time to start, to find its place and to leave.
_BESIDE_S = 1.5
_DRAWN_EVERY_S = 0.5


class Silent:
    """Shows nothing; also the base of those that do."""

    def __init__(self, plan: Plan, of: str = "") -> None:
        """``of``: which of several targets it is."""
        self._plan, self._of = plan, f"{printable(of)}  " if of else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begins(self, number: int, arm: Arm) -> None:
        pass

    def done(self, window: Window) -> None:
        pass

    def tick(self) -> None:
        pass


class Clock:
    """How long the rest will take: as long an arm as those before, or, as long as there are none, as is usual."""

    def __init__(self, plan: Plan) -> None:
        self._total, self._done = plan.rounds * len(plan.arms), 0
        self._usual_s = 2 * plan.window_ns / NS_PER_SECOND + _BESIDE_S
        self._begun = time.monotonic()

    def done(self, window: Window) -> None:
        self._done += window.arm.instrument != UNTOUCHED

    @property
    def left_s(self) -> float:
        each_s = (time.monotonic() - self._begun) / self._done if self._done else self._usual_s
        return each_s * (self._total - self._done)

    @property
    def part(self) -> float:
        return self._done / self._total


class Told(Silent):
    """In a pipe: a line for each arm of each round."""

    def __init__(self, plan: Plan, stream: IO[str], of: str = "") -> None:
        super().__init__(plan, of)
        self._stream, self._clock = stream, Clock(plan)

    def done(self, window: Window) -> None:
        self._clock.done(window)
        if window.arm.instrument != UNTOUCHED:
            left = format_duration(self._clock.left_s * NS_PER_SECOND)
            said = f"{self._of}round {window.round} of {self._plan.rounds}  {window.arm.name:<14} {result(window)}"
            with suppress(OSError):  # nobody reads it: what is measured goes on
                print(f"{said}; {left} left", file=self._stream, flush=True)


class Shown(Silent):
    """On a terminal: one line that is written over, and a bar."""

    def __init__(self, plan: Plan, stream: IO[str], of: str = "") -> None:
        super().__init__(plan, of)
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._clock = Clock(plan)
        columns = (TextColumn("{task.fields[arm]}", markup=False), BarColumn(), TextColumn("{task.fields[left]} left"))
        self._bar = Progress(*columns, console=Console(file=stream), transient=True, auto_refresh=False)
        self._due = 0.0
        self._task: Any = self._bar.add_task("", total=1.0, arm="", left=self._left())

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begins(self, number: int, arm: Arm) -> None:
        self._bar.update(self._task, arm=f"{self._of}round {number} of {self._plan.rounds}: {arm.name}", refresh=True)

    def done(self, window: Window) -> None:
        self._clock.done(window)
        self._bar.update(self._task, completed=self._clock.part, left=self._left(), refresh=True)

    def tick(self) -> None:
        if (now := time.monotonic()) >= self._due:  # drawing takes time, which the target may want
            self._bar.update(self._task, left=self._left(), refresh=True)
            self._due = now + _DRAWN_EVERY_S

    def _left(self) -> str:
        return format_duration(self._clock.left_s * NS_PER_SECOND)


def result(window: Window) -> str:
    """One window in a few words."""
    if window.failed is not None:
        return f"failed: {printable(str(window.failed.get('what', '')))}"
    if window.asked is None:
        return "nobody asked"
    asked = window.asked
    if window.arm.rate is None:
        return f"{asked.hits:,} hits"
    missed = sum(asked.misses.values())
    looks = (asked.samples + missed) * NS_PER_SECOND / max(1, window.elapsed_ns)
    return f"{asked.samples:,} samples" + (f", {missed:,} misses" if missed else "") + f", {figures.rate(looks)}"


def choose_watcher(plan: Plan, quiet: bool, stream: IO[str], of: str = "") -> Silent:
    if quiet:
        return Silent(plan, of)
    return Shown(plan, stream, of) if stream.isatty() else Told(plan, stream, of)
