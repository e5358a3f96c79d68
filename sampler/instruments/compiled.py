"""A question as it was compiled for one running process: where it is asked, and how it is answered there."""

from __future__ import annotations

from typing import Any

from sampler.instruments.base import Assignment
from sampler.placing import PlannedPlace
from sampler.plan.evaluate import Evaluator
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment
from sampler.planning import image_of, load_bias, plan_question
from sampler.sample import Cost, Miss, Sample, signed_readings


class Compiled:
    """``places`` by their address in the process; ``bias``: where its program was loaded.

    Raises what ``plan_question`` raises.
    """

    def __init__(self, assignment: Assignment) -> None:
        self.expressions = assignment.question.expressions
        self.plan = assignment.plan or plan_question(assignment.question, assignment.target)
        with image_of(assignment.target) as image:
            self.bias = load_bias(assignment.target.pid, image)
        self.places: dict[int, PlannedPlace] = {place.address + self.bias: place for place in self.plan.places}

    def describe(self) -> dict[str, Any]:
        """For the recording's header."""
        return {
            "places": [[f"{address:#x}", place.where] for address, place in self.places.items()],
            "unanswerable": [[f"{address + self.bias:#x}", why] for address, why in self.plan.unanswerable],
            "types": self.plan.types,
        }

    def answer(
        self, evaluator: Evaluator, moment: Moment, t_ns: int, cost: Cost, late_ns: int, atomic: bool = True
    ) -> Sample | Miss:
        """A look's answer; a miss where there is no value at this moment."""
        try:
            values = dict(zip(self.expressions, evaluator.answers(moment), strict=True))
        except NoAnswer as reason:
            return Miss(t_ns, "unreadable", cost, str(reason), late_ns)
        return Sample(t_ns, values, cost, signed_readings(values, self.plan.unsigned_bits), late_ns, atomic)
