"""Go and Rust: both sides of an operator are of one type (the Go specification, "Operators"; the Rust Reference)."""

from __future__ import annotations

from sampler.debuginfo import types
from sampler.expression.constants import adapted, compared, folded
from sampler.expression.operands import BOOL, GO_INT, Operand, computed, described, part, untyped, value
from sampler.expression.refusals import refusal
from sampler.expression.rules import number_kind, shift
from sampler.plan.nodes import (
    INT64,
    Arithmetic,
    Base,
    Compare,
    Complement,
    Constant,
    Decode,
    Logic,
    Node,
    Not,
    Text,
)

_LONGEST_COMPARED = 1 << 16


class StrictRules:
    """Untyped constants take the other side's type."""

    name: str
    levels: tuple[tuple[str, ...], ...]
    complements: tuple[str, ...]

    def arithmetic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if left.is_constant and right.is_constant:
            return untyped(text, folded(sign, left, right, text))
        if sign in ("<<", ">>"):
            return shift(sign, left if left.type else adapted(left, GO_INT), right, text)
        left, right = _one_type(left, right, text)
        kind = number_kind(left, sign, text)
        assert left.type is not None
        return computed(text, left.type, Arithmetic(sign, value(left), value(right), kind))

    def comparison(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if left.is_constant and right.is_constant:
            return computed(text, BOOL, Constant(compared(sign, left, right, text)))
        if left.is_nil or right.is_nil:
            return computed(text, BOOL, _against_nil(sign, right if left.is_nil else left, text))
        left, right = _one_type(left, right, text)
        if isinstance(left.plain, types.Text):
            return computed(text, BOOL, Compare(sign, _whole_text(left), _whole_text(right)))
        ordered = left.kind is not None and left.kind.base in (Base.INTEGER, Base.FLOAT)
        if left.kind is None or (sign not in ("==", "!=") and not ordered):
            raise refusal(text, f"{left.text!r} is {described(left.type)}", f"{sign} does not compare such values")
        return computed(text, BOOL, Compare(sign, value(left), value(right)))

    def logic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        return computed(text, BOOL, Logic(sign, _condition(left), _condition(right)))

    def negation(self, operand: Operand, text: str) -> Operand:
        return computed(text, BOOL, Not(_condition(operand)))

    def promoted(self, operand: Operand) -> Operand:
        return operand


class GoRules(StrictRules):
    name = "Go"
    levels: tuple[tuple[str, ...], ...] = (
        ("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-", "|", "^"),
        ("*", "/", "%", "<<", ">>", "&", "&^"),
    )  # fmt: skip
    complements: tuple[str, ...] = ("^",)


class RustRules(StrictRules):
    """As without overflow checks: what does not fit wraps."""

    name = "Rust"
    levels: tuple[tuple[str, ...], ...] = (
        ("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="), ("|",), ("^",), ("&",), ("<<", ">>"), ("+", "-"),
        ("*", "/", "%"),
    )  # fmt: skip
    complements: tuple[str, ...] = ()

    def negation(self, operand: Operand, text: str) -> Operand:
        """``!`` turns the bits of an integer round."""
        kind = operand.kind
        if kind is not None and kind.base is Base.INTEGER and operand.type is not None:
            return computed(text, operand.type, Complement(value(operand), kind))
        return super().negation(operand, text)


def _one_type(left: Operand, right: Operand, text: str) -> tuple[Operand, Operand]:
    if left.is_constant:
        assert right.type is not None
        return adapted(left, right.type), right
    assert left.type is not None
    if right.is_constant:
        return left, adapted(right, left.type)
    if left.type.name != right.type.name:  # type: ignore[union-attr]
        raise refusal(
            text, f"{left.text!r} is {described(left.type)}, {right.text!r} {described(right.type)}",
            f"convert one, like {left.type.name}({right.text})",
        )  # fmt: skip
    return left, right


def _against_nil(sign: str, operand: Operand, text: str) -> Node:
    if sign not in ("==", "!="):
        raise refusal(text, "nil is neither less nor more")
    if isinstance(operand.plain, types.Interface | types.Slice):
        return Compare(sign, part(operand, 0, 8), Constant(0))
    if operand.kind is None or operand.kind.base is not Base.POINTER:
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}, which is never nil")
    return Compare(sign, value(operand), Constant(0))


def _whole_text(operand: Operand) -> Node:
    if operand.node is not None:
        return operand.node
    found = operand.plain
    assert isinstance(found, types.Text)
    length = Decode(part(operand, found.length_at, 8), INT64)
    return Text(part(operand, found.pointer_at, 8), length, _LONGEST_COMPARED)


def _condition(operand: Operand) -> Node:
    if operand.is_constant and isinstance(operand.constant, bool):
        return value(operand)
    if operand.kind is None or operand.kind.base is not Base.BOOLEAN:
        raise refusal(
            operand.text, f"it is {described(operand.type)}, no condition", f"compare it: {operand.text} != 0"
        )
    return value(operand)
