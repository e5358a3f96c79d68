"""The same question at rising rates, and what the program still does at each, as it tells itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampler.demonstrations.asking import PATIENT, Measured, measure, typical_ns, untouched
from sampler.demonstrations.programs import Program
from sampler.demonstrations.stage import Stage
from sampler.errors import SamplerError
from sampler.units import NS_PER_SECOND, span
from sampler.view import figures

#: Under so much of its work, a program is hurt: a higher rate has no more to show.
HURT = 0.5
_REACHED = 0.8
_ROW = "{:>8} {:>5} {:>16} {:>9} {:>9} {:>6}"
HEADER = _ROW.format("asked", "looks", "a look suspends", "writes", "untouched", "kept")


def sweep(
    stage: Stage, program: Program, instrument: str, rates: Sequence[float], least: float = 0.0
) -> list[Measured]:
    """A line a rate, as it is done; it ends where the program keeps less than ``least``."""
    stage.typed("sampler", "diode-gap", str(program.pid), f"--instrument={instrument}", "--rate=N/s", *PATIENT)
    stage.say(f"for {stage.length} at each N:", HEADER)
    found: list[Measured] = []
    try:
        for one in _measured(stage, program, instrument, rates):
            found.append(one)
            stage.say(_row(one))
            if one.looks and one.kept < least:
                break
    except SamplerError as error:
        stage.check()
        stage.note(f"{instrument} cannot ask here: {error}")
    return found


def _measured(stage: Stage, program: Program, instrument: str, rates: Sequence[float]) -> Iterator[Measured]:
    """Between two of them, and at both ends, nobody asks."""
    before = untouched(program, stage.duration_ns // 2, stage.halt).speed
    for rate in rates:
        looks, did = measure(program, instrument, rate, stage.duration_ns, stage.halt)
        after = untouched(program, stage.duration_ns // 2, stage.halt).speed
        stage.check()
        count, calm = sum(look.count for look in looks), (before + after) / 2
        yield Measured(instrument, rate, count, did.elapsed_ns, did.speed, calm, typical_ns(looks))
        before = after


def _row(one: Measured) -> str:
    held = span(one.suspended_ns.low, one.suspended_ns.high) if one.suspended_ns.high else "nobody"
    held = held if one.looks else figures.NONE
    speeds = figures.rate(one.writes), figures.rate(one.untouched)
    return _ROW.format(f"{one.rate:g}/s", one.looks, held, *speeds, percent(one.kept))


def percent(part: float) -> str:
    return f"{100 * part:.0f} %"


def at(one: Measured) -> str:
    """One row as a sentence."""
    return f"At {one.rate:g}/s by {one.instrument} it wrote {percent(one.kept)} of what it writes untouched."


def by_chance(found: Sequence[Measured]) -> Iterator[str]:
    """How much the program differs by itself, or by what else the machine does."""
    calm = [one.untouched for one in found]
    if len(calm) > 1:
        yield f"Untouched it wrote from {figures.rate(min(calm))} to {figures.rate(max(calm))}: so much is chance."


def short_of_rate(found: Sequence[Measured]) -> Iterator[str]:
    """Where fewer looks came than were asked for."""
    for one in found[-1:]:
        came = one.looks * NS_PER_SECOND / one.elapsed_ns
        if came < _REACHED * one.rate:
            yield f"{one.instrument} does not come to {one.rate:g}/s here: it was {came:.0f}/s."
