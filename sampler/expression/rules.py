"""What operations mean in each language, and what the languages share."""

from __future__ import annotations

from typing import Protocol

from sampler.expression.constants import INTEGERS_ONLY, adapted
from sampler.expression.operands import GO_INT, Operand, computed, described, value
from sampler.expression.refusals import refusal
from sampler.plan.nodes import Arithmetic, Base, Kind


class Rules(Protocol):
    """One language's rules. ``levels``: binary operators, those that bind loosest first; ``complements``: in front.

    ``name``: of the language, for messages.
    """

    name: str
    levels: tuple[tuple[str, ...], ...]
    complements: tuple[str, ...]

    def arithmetic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand: ...

    def comparison(self, sign: str, left: Operand, right: Operand, text: str) -> Operand: ...

    def logic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand: ...

    def negation(self, operand: Operand, text: str) -> Operand: ...

    def promoted(self, operand: Operand) -> Operand:
        """An operand of ``-`` or ``~``, as it is reckoned with."""


def number_kind(operand: Operand, sign: str, text: str) -> Kind:
    """The kind of an operand of arithmetic."""
    kind = operand.kind
    if kind is None or kind.base not in (Base.INTEGER, Base.FLOAT):
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}, no number")
    if kind.base is Base.FLOAT and sign in INTEGERS_ONLY:
        raise refusal(text, f"{sign} is for integers, and {operand.text!r} is {described(operand.type)}")
    return kind


def shift(sign: str, left: Operand, right: Operand, text: str) -> Operand:
    """``<<`` and ``>>``: the count may be of another type."""
    count = adapted(right, GO_INT) if right.is_constant else right
    kind = number_kind(left, sign, text)
    number_kind(count, sign, text)
    assert left.type is not None
    return computed(text, left.type, Arithmetic(sign, value(left), value(count), kind))
