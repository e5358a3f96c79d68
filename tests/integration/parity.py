"""Which of the questions that are asked of every instrument ``perf`` can ask, and how it refuses the others."""

from __future__ import annotations

import re
from dataclasses import replace

from sampler.errors import ExpressionRefused, NotAnswerable
from sampler.instruments.perf import kernel_program
from sampler.planning import PlannedPlace, plan_question
from sampler.question import Question
from sampler.target import Target

_REASON = re.compile(".*(vector register|the thread's own|so much at once.*|64 bits)")


def refused_by_perf(target: Target, point: str, expressions: list[str]) -> dict[str, str]:
    """The reason for each that can be planned, empty if it is not refused. AssertionError if it is no known one."""
    try:
        places = plan_question(Question(point, tuple(expressions)), target).places
    except ExpressionRefused:
        half = len(expressions) // 2
        if not half:
            return {}
        parts = (expressions[:half], expressions[half:])
        return {name: why for part in parts for name, why in refused_by_perf(target, point, part).items()}
    found = {expression: _why_not(places, number) for number, expression in enumerate(expressions)}
    assert all(not why or _REASON.fullmatch(why) for why in found.values()), found
    return found


def _why_not(places: tuple[PlannedPlace, ...], number: int) -> str:
    try:
        for place in places:
            kernel_program(replace(place, plans=(place.plans[number],)), 0, 1, None)
    except NotAnswerable as refusal:
        return refusal.why
    return ""
