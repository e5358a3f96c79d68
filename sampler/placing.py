"""A question compiled at one address; and, for a probe that meets every hit, at the one where that costs least."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sampler.errors import ExpressionRefused
from sampler.plan.merge import merge
from sampler.plan.nodes import RBP, RSP, Node, Register
from sampler.plan.trees import walk
from sampler.question import Question

if TYPE_CHECKING:  # what compiles is imported where it is needed: an answer that was kept needs none of it
    from sampler.debuginfo.image import Image
    from sampler.debuginfo.instructions import Instruction
    from sampler.debuginfo.placement import Code
    from sampler.debuginfo.points import Place
    from sampler.expression.compile import Compiled

# An address, or so many bytes behind a function's first.
_EXACT = re.compile(r"0x[0-9a-fA-F]+|.+\+(0x[0-9a-fA-F]+|\d+)")

_LINE = re.compile(r".+[^:]:\d+")


@dataclass(frozen=True, slots=True)
class PlannedPlace:
    """One address (of the file) with one plan an expression, in their order. ``where``: for people.

    ``conditions``: that of ``--when``, if there is one; true where it is not 0. ``instruction``: what stands there,
    and ``emulated``: whether a uprobe on it is cheap, where that was asked for.
    """

    address: int
    where: str
    plans: tuple[Node, ...]
    conditions: tuple[Node, ...] = ()
    instruction: str = ""
    emulated: bool = False


def planned_at(question: Question, image: Image, place: Place) -> tuple[list[Compiled], PlannedPlace]:
    """Raises ExpressionRefused where the question has no answer there, ExpressionError."""
    from sampler.debuginfo.scope import Scope
    from sampler.expression.compile import compile_condition, compile_expression

    scope = Scope(image, place)
    compiled = [compile_expression(text, scope) for text in question.expressions]
    when = [compile_condition(question.when, scope)] if question.when is not None else []
    merged = merge([*(one.plan for one in compiled), *when])
    plans, conditions = merged[: len(compiled)], merged[len(compiled) :]
    return compiled, PlannedPlace(place.address, described(place), tuple(plans), tuple(conditions))


def described(place: Place) -> str:
    """A place for people: function, file and line."""
    line = f" at {os.path.basename(place.file)}:{place.line}" if place.line is not None else ""
    return f"{place.name}{' (inlined)' if place.inlined else ''}{line}"


def is_exact(point: str) -> bool:
    """Whether it names one instruction: then it is that which is asked at."""
    return _EXACT.fullmatch(point) is not None


def cheapest(question: Question, image: Image, place: Place, planned: PlannedPlace) -> PlannedPlace:
    """At the cheapest instruction where the question has the same answer; there, if it names one instruction."""
    from sampler.debuginfo.placement import Code

    code = Code.around(image, place.address)
    here = code.at(place.address) if code is not None else None
    if code is None or here is None:
        return planned
    stays = replace(planned, instruction=here.text, emulated=here.emulated)
    if here.emulated or is_exact(question.point):
        return stays
    of_function = not place.inlined and not _LINE.fullmatch(question.point)
    candidates = _candidates(code, place, planned, of_function)
    moved = (_asked_at(one, code, question, image, place, planned) for one in candidates)
    return next((found for found in moved if found is not None), stays)


def _candidates(code: Code, place: Place, planned: PlannedPlace, of_function: bool) -> Iterator[Instruction]:
    """The cheap ones, in the order of preference: where a function is meant in its prologue; behind the point."""
    from sampler.debuginfo.placement import unchanged

    run = code.run(code.low) if of_function else []
    yield from (one for one in run if one.emulated and one.address < place.address)
    behind = unchanged(code.run(place.address), _registers(planned))
    yield from (one for one in behind if one.emulated)


def _asked_at(
    one: Instruction, code: Code, question: Question, image: Image, place: Place, planned: PlannedPlace
) -> PlannedPlace | None:
    """None where the answer would be another.

    It must be the same plan, whose registers are what they were. In the prologue the frame is in the making: what is
    reckoned from it is not there yet. Behind the point the memory must be what it was, too.
    """
    try:
        _, found = planned_at(question, image, replace(place, address=one.address))
    except ExpressionRefused:
        return None
    registers = _registers(found)
    same = (found.plans, found.conditions) == (planned.plans, planned.conditions)
    if one.address < place.address:
        between = (other for other in code.instructions if one.address <= other.address < place.address)
        same = same and not registers & {RBP, RSP} and not any(other.writes & registers for other in between)
    return replace(found, where=planned.where, instruction=one.text, emulated=True) if same else None


def _registers(planned: PlannedPlace) -> frozenset[int]:
    return frozenset(node.number for node in walk(*planned.plans, *planned.conditions) if isinstance(node, Register))
