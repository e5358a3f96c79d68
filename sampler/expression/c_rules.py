"""C and C++: the usual arithmetic conversions, and arithmetic with pointers (C11, 6.3 and 6.5)."""

from __future__ import annotations

from sampler.debuginfo import types
from sampler.debuginfo.languages import CPP
from sampler.debuginfo.types import plain
from sampler.expression.constants import adapted
from sampler.expression.operands import BOOL, C_INT, DOUBLE, Operand, computed, described, is_pointer, value
from sampler.expression.refusals import refusal
from sampler.expression.rules import number_kind, shift
from sampler.plan.nodes import (
    ADDRESS,
    INT64,
    WORD,
    Arithmetic,
    Base,
    Compare,
    Constant,
    Convert,
    Kind,
    Logic,
    Node,
    Not,
)

_LONG = types.Scalar("long", 8, INT64)
_UNSIGNED_LONG = types.Scalar("unsigned long", 8, WORD)


class CRules:
    """A condition is any scalar; what compares gives an int in C and a bool in C++."""

    levels: tuple[tuple[str, ...], ...] = (
        ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"),
        ("*", "/", "%"),
    )  # fmt: skip
    complements: tuple[str, ...] = ("~",)

    def __init__(self, language: str) -> None:
        self.name = "C++" if language == CPP else "C"
        self._truth = BOOL if language == CPP else C_INT

    def arithmetic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if is_pointer(left) or is_pointer(right):
            return _pointer_arithmetic(sign, left, right, text)
        if sign in ("<<", ">>"):
            return shift(sign, promoted(left), promoted(right), text)
        common = _common_type(left, right)
        kind = number_kind(Operand(text, common), sign, text)
        return computed(text, common, Arithmetic(sign, _as(left, kind), _as(right, kind), kind))

    def comparison(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if is_pointer(left) or is_pointer(right):
            return self._true_if(Compare(sign, _address(left), _address(right)), text)
        kind = _common_type(left, right).kind
        return self._true_if(Compare(sign, _as(left, kind), _as(right, kind)), text)

    def logic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        return self._true_if(Logic(sign, _condition(left), _condition(right)), text)

    def negation(self, operand: Operand, text: str) -> Operand:
        return self._true_if(Not(_condition(operand)), text)

    def promoted(self, operand: Operand) -> Operand:
        return promoted(operand)

    def _true_if(self, condition: Node, text: str) -> Operand:
        return computed(text, self._truth, Convert(condition, self._truth.kind))


def promoted(operand: Operand) -> Operand:
    """C's integer promotions; a constant is the first of int, long and unsigned long that holds it."""
    if operand.is_constant:
        return adapted(operand, _constant_type(operand))
    kind = operand.kind
    if kind is None or kind.base is Base.POINTER:
        raise refusal(operand.text, f"it is {described(operand.type)}, no number")
    if kind.base is not Base.FLOAT and kind.size < C_INT.kind.size:
        return computed(operand.text, C_INT, Convert(value(operand), C_INT.kind))
    return operand


def _common_type(left: Operand, right: Operand) -> types.Scalar:
    """The usual arithmetic conversions (C11, 6.3.1.8)."""
    scalars = [_scalar(promoted(operand)) for operand in (left, right)]
    floats = [scalar for scalar in scalars if scalar.kind.base is Base.FLOAT]
    if floats:
        return max(floats, key=lambda scalar: scalar.kind.size)
    first, second = scalars
    if first.kind.signed == second.kind.signed or first.kind.size != second.kind.size:
        return max(scalars, key=lambda scalar: scalar.kind.size)
    return first if not first.kind.signed else second


def _scalar(operand: Operand) -> types.Scalar:
    found = operand.plain
    if isinstance(found, types.Scalar):
        return found
    kind = operand.kind
    assert kind is not None
    return types.Scalar(operand.type.name if operand.type else "int", kind.size, kind)


def _constant_type(operand: Operand) -> types.Scalar:
    given = operand.constant
    if isinstance(given, float):
        return DOUBLE
    if not isinstance(given, int):
        raise refusal(operand.text, "it is no number")
    if -(1 << 31) <= given < 1 << 31:
        return C_INT
    return _LONG if given < 1 << 63 else _UNSIGNED_LONG


def _as(operand: Operand, kind: Kind) -> Node:
    operand = promoted(operand)
    return value(operand) if operand.kind == kind else Convert(value(operand), kind)


def _condition(operand: Operand) -> Node:
    if operand.is_constant:
        return Constant(bool(operand.constant))
    if operand.kind is None:
        raise refusal(operand.text, f"it is {described(operand.type)}, no condition")
    return Compare("!=", value(operand), Constant(0))


def _address(operand: Operand) -> Node:
    if operand.is_constant:
        if isinstance(operand.constant, str | float):
            raise refusal(operand.text, "it is no address")
        return Constant(operand.constant or 0)
    if operand.kind is None or operand.kind.base is Base.FLOAT:
        raise refusal(operand.text, f"it is {described(operand.type)}, no pointer")
    return Convert(value(operand), WORD)


def _pointer_arithmetic(sign: str, left: Operand, right: Operand, text: str) -> Operand:
    if sign == "+" and is_pointer(right):
        left, right = right, left
    if sign not in ("+", "-") or not isinstance(left.plain, types.Pointer):
        raise refusal(text, f"{sign} is not for pointers")
    size = _target_size(left)
    if is_pointer(right):
        if sign == "+":
            raise refusal(text, "two pointers cannot be added")
        if size != _target_size(right):
            raise refusal(text, "they point to values of different sizes")
        apart = Arithmetic("-", Convert(value(left), INT64), Convert(value(right), INT64), INT64)
        return computed(text, _LONG, Arithmetic("/", apart, Constant(size), INT64))
    kind = number_kind(promoted(right), sign, text)
    if kind.base is Base.FLOAT:
        raise refusal(text, f"{right.text!r} is no integer")
    by = Arithmetic("*", _as(right, INT64), Constant(size), INT64)
    assert left.type is not None
    return computed(text, left.type, Arithmetic(sign, value(left), by, ADDRESS))


def _target_size(pointer: Operand) -> int:
    """As pointer arithmetic has it: 1 for void."""
    found = pointer.plain
    target = plain(found.target()) if isinstance(found, types.Pointer) else None
    return (target.size if target else 1) or 1
