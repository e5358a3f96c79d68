"""The talk's first demonstration of BPF: all calls of a function, counted in the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampler.demonstrations.asking import ALL, follow
from sampler.demonstrations.programs import Program
from sampler.demonstrations.stage import Stage
from sampler.linux.cpu_time import used_ns
from sampler.recording import Line, Recording
from sampler.units import NS_PER_SECOND, span
from sampler.view import tallies

TITLE = "uprobe"
LINE = "every call of a function, counted in the kernel"
LOOK = (
    "The program calls main.f 100,000 times a second.",
    "First the BPF program that will run at each call, then what it counts.",
    "Every call pays. How much, is told at the end.",
)
DURATION_NS = 5 * NS_PER_SECOND
_POINT = "main.f"


def show(stage: Stage) -> None:
    with stage.program("go_uprobe", "-rate=100000") as program:
        asked = ("count", str(program.pid), _POINT, *stage.by_tool)
        stage.typed("sampler", *asked, "--program")
        stage.text(stage.output_of(*asked, "--program"))
        stage.part()
        before = Account(program)
        stage.halt.wait(stage.duration_ns / 2 / NS_PER_SECOND)
        before.read()
        counted = Account(program)
        recording = _counted(stage, asked, counted)
        stage.seen(*_told(recording, before, counted))


class Account:
    """What the program tells of its calls, and its processor time, from the beginning to the last ``read``."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.begin()

    def begin(self) -> None:
        self._begun = self._last = self._now()

    def read(self) -> None:
        self._last = self._now()

    @property
    def calls_a_second(self) -> float:
        return (self._last[1] - self._begun[1]) * NS_PER_SECOND / self._elapsed_ns

    @property
    def share(self) -> float:
        """Of one processor."""
        return (self._last[2] - self._begun[2]) / self._elapsed_ns

    @property
    def _elapsed_ns(self) -> int:
        return max(1, self._last[0] - self._begun[0])

    def _now(self) -> tuple[int, int, int]:
        found: dict[str, Any] = self._program.report()
        return sum(found["at_ns"]) // 2, found["calls"], used_ns(self._program.pid)


def _counted(stage: Stage, asked: tuple[str, ...], account: Account) -> Recording:
    stage.typed("sampler", *asked, f"--duration={stage.length}", ALL)

    def each(line: Line, recording: Recording) -> None:
        if line["type"] == "tally":
            account.begin() if len(recording.tallies) == 1 else account.read()
            if said := tallies.line(recording):
                stage.say(said)

    every = f"--every={min(NS_PER_SECOND, stage.duration_ns // 2)}ns"
    words = ["count", *stage.by_tool, every, f"--duration={stage.length}", ALL, "--", *asked[1:3]]
    found = follow(words, each, stage.halt)
    stage.check()
    return found


def _told(recording: Recording, before: Account, counted: Account) -> Iterator[str]:
    first, last = recording.tallies[0], recording.tallies[-1]
    calls = last.counts[_POINT] - first.counts.get(_POINT, 0)
    tool, (low, high) = recording.header["instrument"], recording.header.get("hit_ns", (0, 0))
    own = f"{counted.calls_a_second:,.0f}/s"
    yield f"{tool} counted {tallies.rate(calls, first, last)}; the program itself says {own}."
    yield (
        f"The program used {before.share:.0%} of a processor untouched,"
        f" {counted.share:.0%} while every call was counted."
    )
    if high:
        share = 100 * (low + high) / 2 * counted.calls_a_second / NS_PER_SECOND
        yield f"One hit takes {span(low, high)} on this machine: at that rate some {share:.2g} % of a processor."
        seldom = share * 100 / max(1, counted.calls_a_second)
        yield f"At 100 calls a second it would be {seldom:.1g} %: it is the calls that pay."
