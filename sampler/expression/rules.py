"""What operations mean: Go's rules (the Go specification, "Operators") and C's (C11, 6.3 and 6.5)."""

from __future__ import annotations

import math
from typing import Protocol

from sampler.debuginfo import types
from sampler.debuginfo.types import Type, is_integer, plain
from sampler.expression.operands import (
    BOOL,
    C_INT,
    DOUBLE,
    GO_INT,
    Operand,
    computed,
    described,
    is_pointer,
    part,
    refusal,
    untyped,
    value,
)
from sampler.plan import numbers
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
    Text,
)

_LONGEST_COMPARED = 1 << 16
_INTEGERS_ONLY = ("%", "&", "|", "^", "&^", "<<", ">>")


class Rules(Protocol):
    """One language's rules. ``levels``: binary operators, those that bind loosest first."""

    @property
    def levels(self) -> tuple[tuple[str, ...], ...]: ...

    def arithmetic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand: ...

    def comparison(self, sign: str, left: Operand, right: Operand, text: str) -> Operand: ...

    def logic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand: ...

    def negation(self, operand: Operand, text: str) -> Operand: ...


class GoRules:
    """Operands have one type; untyped constants take the other's."""

    levels = (
        ("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-", "|", "^"),
        ("*", "/", "%", "<<", ">>", "&", "&^"),
    )  # fmt: skip

    def arithmetic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if left.is_constant and right.is_constant:
            return untyped(text, _folded(sign, left, right, text))
        if sign in ("<<", ">>"):
            return _shift(sign, left if left.type else adapted(left, GO_INT), right, text)
        left, right = _one_type(left, right, text)
        kind = _number_kind(left, sign, text)
        assert left.type is not None
        return computed(text, left.type, Arithmetic(sign, value(left), value(right), kind))

    def comparison(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if left.is_constant and right.is_constant:
            return computed(text, BOOL, Constant(_compared(sign, left, right, text)))
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
        return computed(text, BOOL, Logic(sign, _go_condition(left), _go_condition(right)))

    def negation(self, operand: Operand, text: str) -> Operand:
        return computed(text, BOOL, Not(_go_condition(operand)))


class CRules:
    """The usual arithmetic conversions; a condition is any scalar; a comparison is an int."""

    levels = (
        ("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", "<=", ">", ">="), ("<<", ">>"), ("+", "-"),
        ("*", "/", "%"),
    )  # fmt: skip

    def arithmetic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if is_pointer(left) or is_pointer(right):
            return _pointer_arithmetic(sign, left, right, text)
        if sign in ("<<", ">>"):
            return _shift(sign, promoted(left), promoted(right), text)
        common = common_type(left, right)
        kind = _number_kind(Operand(text, common), sign, text)
        return computed(text, common, Arithmetic(sign, _as(left, kind), _as(right, kind), kind))

    def comparison(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if is_pointer(left) or is_pointer(right):
            return computed(text, C_INT, Convert(Compare(sign, _c_address(left), _c_address(right)), C_INT.kind))
        kind = common_type(left, right)
        assert isinstance(kind, types.Scalar)
        found = Compare(sign, _as(left, kind.kind), _as(right, kind.kind))
        return computed(text, C_INT, Convert(found, C_INT.kind))

    def logic(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        return computed(text, C_INT, Convert(Logic(sign, _c_condition(left), _c_condition(right)), C_INT.kind))

    def negation(self, operand: Operand, text: str) -> Operand:
        return computed(text, C_INT, Convert(Not(_c_condition(operand)), C_INT.kind))


def adapted(constant: Operand, kind: Type) -> Operand:
    """An untyped constant as a value of that type; ExpressionRefused if it has none such."""
    wanted, given = types.scalar_kind(kind), constant.constant
    if isinstance(given, str) and isinstance(plain(kind), types.Text):
        return Operand(constant.text, kind, node=constant.node)
    if wanted is None or isinstance(given, str) or given is None:
        raise refusal(constant.text, f"it cannot be {described(kind)}")
    if isinstance(given, bool) != (wanted.base is Base.BOOLEAN):
        raise refusal(constant.text, f"it cannot be {described(kind)}")
    if wanted.base is Base.INTEGER:
        if given != math.trunc(given):
            raise refusal(constant.text, f"it is no integer, and would have to be {described(kind)}")
        if numbers.wrap(int(given), wanted.bits, wanted.signed) != int(given):
            raise refusal(constant.text, f"it does not fit into {kind.name}")
        given = int(given)
    return Operand(constant.text, kind, node=Constant(numbers.convert(given, wanted)))


def promoted(operand: Operand) -> Operand:
    """C's integer promotions; a constant is the first of int, long and unsigned long that holds it."""
    if operand.is_constant:
        return adapted(operand, _c_constant_type(operand))
    kind = operand.kind
    if kind is None or kind.base is Base.POINTER:
        raise refusal(operand.text, f"it is {described(operand.type)}, no number")
    if kind.base is not Base.FLOAT and kind.size < 4:
        return computed(operand.text, C_INT, Convert(value(operand), C_INT.kind))
    return operand


def common_type(left: Operand, right: Operand) -> types.Scalar:
    """The usual arithmetic conversions (C11, 6.3.1.8)."""
    kinds = [promoted(left), promoted(right)]
    scalars = [_c_scalar(operand) for operand in kinds]
    floats = [scalar for scalar in scalars if scalar.kind.base is Base.FLOAT]
    if floats:
        return max(floats, key=lambda scalar: scalar.kind.size)
    first, second = scalars
    if first.kind.signed == second.kind.signed or first.kind.size != second.kind.size:
        return max(scalars, key=lambda scalar: scalar.kind.size)
    return first if not first.kind.signed else second


def _c_scalar(operand: Operand) -> types.Scalar:
    found = operand.plain
    if isinstance(found, types.Scalar):
        return found
    kind = operand.kind
    assert kind is not None
    return types.Scalar(operand.type.name if operand.type else "int", kind.size, kind)


def _c_constant_type(operand: Operand) -> types.Scalar:
    given = operand.constant
    if isinstance(given, float):
        return DOUBLE
    if not isinstance(given, int):
        raise refusal(operand.text, "it is no number")
    if -(1 << 31) <= given < 1 << 31:
        return C_INT
    if given < 1 << 63:
        return types.Scalar("long", 8, INT64)
    return types.Scalar("unsigned long", 8, WORD)


def _as(operand: Operand, kind: Kind) -> Node:
    operand = promoted(operand)
    return value(operand) if operand.kind == kind else Convert(value(operand), kind)


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


def _number_kind(operand: Operand, sign: str, text: str) -> Kind:
    kind = operand.kind
    if kind is None or kind.base not in (Base.INTEGER, Base.FLOAT):
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}, no number")
    if kind.base is Base.FLOAT and sign in _INTEGERS_ONLY:
        raise refusal(text, f"{sign} is for integers, and {operand.text!r} is {described(operand.type)}")
    return kind


def _shift(sign: str, left: Operand, right: Operand, text: str) -> Operand:
    count = adapted(right, GO_INT) if right.is_constant else right
    _number_kind(count, sign, text)
    assert left.type is not None
    return computed(text, left.type, Arithmetic(sign, value(left), value(count), _number_kind(left, sign, text)))


def _folded(sign: str, left: Operand, right: Operand, text: str) -> int | float:
    first, second = left.constant, right.constant
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        raise refusal(text, "only numbers can be reckoned with")
    try:
        if isinstance(first, int) and isinstance(second, int):
            return int(numbers.INTEGER_OPERATIONS[sign](first, second))
        if sign in _INTEGERS_ONLY:
            raise refusal(text, f"{sign} is for integers")
        return float(numbers.FLOAT_OPERATIONS[sign](first, second))
    except (numbers.NoAnswer, OverflowError) as error:
        raise refusal(text, str(error)) from error


def _compared(sign: str, left: Operand, right: Operand, text: str) -> bool:
    try:
        return bool(numbers.COMPARISONS[sign](left.constant, right.constant))
    except TypeError as error:
        raise refusal(text, "the two cannot be compared") from error


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
    return Text(part(operand, found.pointer_at, 8), part(operand, found.length_at, 8), _LONGEST_COMPARED)


def _go_condition(operand: Operand) -> Node:
    if operand.is_constant and isinstance(operand.constant, bool):
        return value(operand)
    if operand.kind is None or operand.kind.base is not Base.BOOLEAN:
        raise refusal(
            operand.text, f"it is {described(operand.type)}, no condition", f"compare it: {operand.text} != 0"
        )
    return value(operand)


def _c_condition(operand: Operand) -> Node:
    if operand.is_constant:
        return Constant(bool(operand.constant))
    if operand.kind is None:
        raise refusal(operand.text, f"it is {described(operand.type)}, no condition")
    return Compare("!=", value(operand), Constant(0))


def _c_address(operand: Operand) -> Node:
    if operand.is_constant:
        return Constant(operand.constant or 0)
    if operand.kind is None:
        raise refusal(operand.text, f"it is {described(operand.type)}, no pointer")
    return Convert(value(operand), WORD)


def _pointer_arithmetic(sign: str, left: Operand, right: Operand, text: str) -> Operand:
    if sign == "+" and is_pointer(right):
        left, right = right, left
    found = left.plain
    if sign not in ("+", "-") or not isinstance(found, types.Pointer):
        raise refusal(text, f"{sign} is not for pointers")
    size = _target_size(left)
    if is_pointer(right):
        if sign == "+":
            raise refusal(text, "two pointers cannot be added")
        if size != _target_size(right):
            raise refusal(text, "they point to values of different sizes")
        apart = Arithmetic("-", Convert(value(left), INT64), Convert(value(right), INT64), INT64)
        return computed(text, types.Scalar("long", 8, INT64), Arithmetic("/", apart, Constant(size), INT64))
    if not (isinstance(right.constant, int) if right.is_constant else is_integer(right.type)):
        raise refusal(text, f"{right.text!r} is no integer")
    by = Arithmetic("*", _as(right, INT64), Constant(size), INT64)
    assert left.type is not None
    return computed(text, left.type, Arithmetic(sign, value(left), by, ADDRESS))


def _target_size(pointer: Operand) -> int:
    """As pointer arithmetic has it: 1 for void."""
    found = pointer.plain
    target = plain(found.target()) if isinstance(found, types.Pointer) else None
    return (target.size if target else 1) or 1


def rules_of(language: str) -> Rules:
    """Of ``go``, or of anything else: C's."""
    rules: Rules = GoRules() if language == "go" else CRules()
    return rules
