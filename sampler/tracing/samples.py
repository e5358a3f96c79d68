"""Hits as the samples that they are: their numbers made into answers."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sampler.plan.evaluate import Evaluator
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment
from sampler.sample import Cost, Interval, Look, Miss, Samples, Value, signed_readings
from sampler.tracing.events import Hit
from sampler.tracing.slots import Slots
from sampler.tracing.tasks import Watching


class Answering:
    """``start_ns``: what the run's times count from. Raises NotExpressible."""

    def __init__(self, task: Watching, start_ns: int) -> None:
        self._expressions, self._unsigned_bits, self._start_ns = task.expressions, task.unsigned_bits, start_ns
        self._evaluators = [Evaluator(Slots.of(site.plans).answers) for site in task.probe.sites]

    def looks(self, hits: Sequence[Hit], each_ns: Interval) -> Iterator[Look]:
        """One line of all; a miss where none of them has an answer. ``each_ns``: what one hit takes."""
        cost = Cost(Interval(len(hits) * each_ns.low, len(hits) * each_ns.high), hits=len(hits))
        answered = [(hit, values) for hit in hits if (values := self._values(hit)) is not None]
        without = len(hits) - len(answered)
        detail = "something could not be read" if without else ""
        if not answered:
            yield Miss(hits[-1].at_ns - self._start_ns, "unreadable", cost, detail, count=without)
            return
        times = array("q", (hit.at_ns - self._start_ns for hit, _ in answered))
        columns: dict[str, list[Value]] = {
            name: [values[place] for _, values in answered] for place, name in enumerate(self._expressions)
        }
        yield Samples(times, columns, cost, self._signed(columns), unanswered=without, detail=detail)

    def _values(self, hit: Hit) -> list[Any] | None:
        if hit.values is None:
            return None
        try:
            return self._evaluators[hit.site].answers(Moment(tuple(hit.values), _nothing))
        except NoAnswer:
            return None

    def _signed(self, columns: Mapping[str, Sequence[Value]]) -> dict[str, list[int | None]]:
        found: dict[str, list[int | None]] = {}
        for name in self._unsigned_bits:
            readings = [signed_readings({name: value}, self._unsigned_bits).get(name) for value in columns[name]]
            if any(reading is not None for reading in readings):
                found[name] = readings
        return found


def _nothing(address: int, size: int) -> bytes:
    raise OSError(f"{size} bytes of memory at {address:#x} were not read at the hit")
