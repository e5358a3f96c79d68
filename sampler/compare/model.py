"""What a slowdown comes from: rate times what a look takes, or calls times what a hit takes.

Two predictions stand beside the measurement. The *reckoned* one multiplies what the instrument itself says that
a look or a hit takes. The *fitted* one is the same law with the figure that fits the rounds best: it says what
a look takes in progress, whatever the reason.

    sampling   lost = rate x look                 tracing   lost = 1 - 1 / (1 + calls x hit)

``calls`` is how often the untouched program comes by: a hit makes each call longer, so that fewer are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sampler.compare.beside import beside
from sampler.compare.findings import Finding
from sampler.compare.intervals import Estimate, mean
from sampler.compare.result import Arm, Comparison
from sampler.sample import Interval
from sampler.units import NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Sampling:
    """``look_ns``: progress lost a look, fitted; ``reckoned_ns``: what the instrument says."""

    instrument: str
    look_ns: Estimate
    reckoned_ns: Interval
    fastest: float

    def lost(self, rate: float) -> Estimate:
        """Share of progress at that rate, by the fit."""
        return _mapped(self.look_ns, lambda ns: min(1.0, rate * ns / NS_PER_SECOND))

    def reckoned(self, rate: float) -> tuple[float, float]:
        low, high = self.reckoned_ns.low, self.reckoned_ns.high
        return min(1.0, rate * low / NS_PER_SECOND), min(1.0, rate * high / NS_PER_SECOND)


@dataclass(frozen=True, slots=True)
class Tracing:
    """``hit_ns``: by which each call became longer, fitted; ``calls``: a second, of the untouched program."""

    instrument: str
    hit_ns: Estimate
    reckoned_ns: Interval
    calls: float

    @property
    def lost(self) -> Estimate:
        return _mapped(self.hit_ns, self._lost)

    @property
    def reckoned(self) -> tuple[float, float]:
        return self._lost(self.reckoned_ns.low), self._lost(self.reckoned_ns.high)

    def _lost(self, hit_ns: float) -> float:
        return 1 - 1 / (1 + max(-0.5, self.calls * hit_ns / NS_PER_SECOND))


@dataclass(frozen=True, slots=True)
class Crossover:
    """Below ``rate`` looks a second ``sampling`` takes less than ``tracing``. None where the rounds do not tell, for
    the reason ``why_not``. ``always``: it surely does at each rate up to ``fastest``, which is what it reached.
    """

    sampling: str
    tracing: str
    rate: Estimate | None
    fastest: float
    always: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    sampling: tuple[Sampling, ...]
    tracing: tuple[Tracing, ...]
    crossovers: tuple[Crossover, ...]


def model(comparison: Comparison, rows: Sequence[Finding]) -> Model:
    """From the rounds of a comparison, and what was found in them. Processor time alone makes none."""
    if comparison.header["progress"]["by"] == "cpu":
        return Model((), (), ())
    names = dict.fromkeys(row.arm.instrument for row in rows if row.arm.rate is not None)
    sampling = [one for name in names if (one := _sampling(comparison, name, rows)) is not None]
    tracing = [hit for row in rows if row.traces and (hit := _tracing(comparison, row)) is not None]
    crossovers = [_crossover(one, other) for one in sampling for other in tracing]
    return Model(tuple(sampling), tuple(tracing), tuple(crossovers))


def _sampling(comparison: Comparison, instrument: str, rows: Sequence[Finding]) -> Sampling | None:
    """Least squares through the origin in each round: the higher rates tell more. What failed mostly is left out."""
    of_it = [row for row in rows if row.arm.instrument == instrument and row.achieved and row.rounds > row.failed]
    points: dict[int, list[tuple[float, float]]] = {}
    for row in of_it:
        for number, rate, lost in _lost_by_round(comparison, row.arm):
            points.setdefault(number, []).append((rate, lost))
    whole = [found for found in points.values() if len(found) == max(map(len, points.values()))]
    slopes = [sum(rate * lost for rate, lost in found) / sum(rate * rate for rate, _ in found) for found in whole]
    look_ns = mean([slope * NS_PER_SECOND for slope in slopes])
    if look_ns is None:
        return None
    reckoned = [row.suspended_ns for row in of_it if row.suspended_ns is not None]
    fastest = max(row.achieved for row in of_it if row.achieved is not None)
    return Sampling(instrument, look_ns, reckoned[-1] if reckoned else Interval(), fastest)


def _lost_by_round(comparison: Comparison, arm: Arm) -> list[tuple[int, float, float]]:
    """Round, looks a second, share of progress lost."""
    found = []
    for one in beside(comparison, arm):
        asked, kept = one.window.asked, one.kept
        if asked is not None and kept is not None:
            looks = asked.samples + sum(asked.misses.values())
            if looks:
                found.append((one.window.round, looks * NS_PER_SECOND / asked.over_ns, 1 - kept))
    return found


def _tracing(comparison: Comparison, row: Finding) -> Tracing | None:
    longer, calls = [], []
    for one in beside(comparison, row.arm):
        kept, asked = one.kept, one.window.asked
        if asked is None or not asked.hits or not kept:
            continue
        rate = asked.hits * NS_PER_SECOND / asked.over_ns / kept
        calls.append(rate)
        longer.append((1 / kept - 1) / rate * NS_PER_SECOND)
    hit_ns = mean(longer)
    if hit_ns is None:
        return None
    return Tracing(row.arm.instrument, hit_ns, row.hit_ns or Interval(), sum(calls) / len(calls))


def _crossover(sampling: Sampling, tracing: Tracing) -> Crossover:
    def told(rate: Estimate | None, always: bool = False, why_not: str = "") -> Crossover:
        return Crossover(sampling.instrument, tracing.instrument, rate, sampling.fastest, always, why_not)

    lost, look_ns = tracing.lost, sampling.look_ns
    if lost.low is None or lost.high is None or look_ns.low is None or look_ns.high is None:
        return told(None, why_not="too few rounds to tell")
    if lost.low <= 0:
        return told(None, why_not=f"what {tracing.instrument} takes is not to be told from none")
    always = look_ns.high * sampling.fastest / NS_PER_SECOND < lost.low
    if look_ns.low <= 0:
        return told(None, always, f"what a look by {sampling.instrument} takes is not to be told from none")
    bounds = (lost.value / look_ns.value, lost.low / look_ns.high, lost.high / look_ns.low)
    return told(Estimate(*(NS_PER_SECOND * bound for bound in bounds)), always)


def _mapped(found: Estimate, law: Callable[[float], float]) -> Estimate:
    return Estimate(
        law(found.value),
        None if found.low is None else law(found.low),
        None if found.high is None else law(found.high),
    )
