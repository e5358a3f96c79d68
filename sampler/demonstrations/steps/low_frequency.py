"""What the talk says of a debugger on a timer: it works at a low frequency only. Here is how low."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampler.demonstrations.asking import Measured
from sampler.demonstrations.stage import Stage
from sampler.demonstrations.sweep import HURT, at, by_chance, percent, short_of_rate, sweep
from sampler.units import NS_PER_SECOND

TITLE = "low frequency"
LINE = "ever more often by dlv, until the program is hurt"
LOOK = (
    '"This only works for sampling at a low frequency." How low?',
    "We ask more and more often; the program tells how much it still writes.",
    "Look at the last column: what it keeps of what it does while nobody asks.",
)
DURATION_NS = 4 * NS_PER_SECOND
_RATES = (1, 2, 5, 10, 20, 50)
#: What most would hardly notice.
_FELT = 0.9


def show(stage: Stage) -> None:
    with stage.program("tracee", "-calm=50ms") as program:
        found = sweep(stage, program, "dlv", _RATES, HURT)
        stage.seen(*_told(found))


def _told(found: Sequence[Measured]) -> Iterator[str]:
    if not found:
        yield "Nothing: the debugger could not ask."
        return
    yield at(found[0])
    if len(found) > 1:
        yield at(found[-1])
    yield from short_of_rate(found)
    yield from by_chance(found)
    felt = next((one for one in found if one.kept < _FELT), None)
    if felt is not None:
        yield f"From {felt.rate:g}/s on more than {percent(1 - _FELT)} of its work was lost."
    if found[-1].looks and found[-1].kept < HURT:
        yield "There we stopped: more than half of it was lost."
    yield "Without --max-suspended=100%, sampler would have slowed down: no run takes more than 10 % of the time."
