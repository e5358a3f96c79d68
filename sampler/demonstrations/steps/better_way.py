"""The same sweep by what suspends nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampler.demonstrations.asking import Measured
from sampler.demonstrations.stage import Stage
from sampler.demonstrations.sweep import at, by_chance, short_of_rate, sweep
from sampler.units import NS_PER_SECOND

TITLE = "a better way"
LINE = "the same by perf and peek, a thousand times a second"
LOOK = (
    "The same program, question and table; other instruments.",
    "perf: a breakpoint of the processor, answered in the kernel by a BPF program. Nobody is stopped.",
    "peek: reads the memory from outside. Not even a hit.",
)
DURATION_NS = 3 * NS_PER_SECOND
_INSTRUMENTS = ("perf", "peek")
_RATES = (1, 100, 1000)


def show(stage: Stage) -> None:
    with stage.program("tracee", "-calm=50ms") as program:
        found: list[Measured] = []
        for instrument in _INSTRUMENTS:
            if instrument != _INSTRUMENTS[0]:
                stage.part()
            found += sweep(stage, program, instrument, _RATES)
        stage.seen(*_told(found))


def _told(found: Sequence[Measured]) -> Iterator[str]:
    for instrument in _INSTRUMENTS:
        of_it = [one for one in found if one.instrument == instrument]
        yield from map(at, of_it[-1:])
        yield from short_of_rate(of_it)
    yield from by_chance(found)
    if not found:
        yield "Nothing: neither could ask here."
