"""Untyped constants: literals and what is made of them, and how they become values of a type."""

from __future__ import annotations

import ast
import math

from sampler.debuginfo import types
from sampler.debuginfo.types import Type, plain
from sampler.expression.operands import Operand, described
from sampler.expression.refusals import refusal
from sampler.plan import numbers
from sampler.plan.nodes import Base, Constant

#: Operations that floats do not have.
INTEGERS_ONLY = ("%", "&", "|", "^", "&^", "<<", ">>")
_MOST_BITS = 1024  # of a constant: more than any type holds


def number(text: str) -> int | float:
    """A literal: decimal, hexadecimal, octal or binary, or with a fraction."""
    bare = text.replace("_", "")
    try:
        if "." in bare or ("e" in bare.lower() and not bare.lower().startswith("0x")):
            return float(bare)
        octal = bare.isdigit() and len(bare) > 1 and bare.startswith("0")
        return int(bare, 8 if octal else 0)
    except ValueError as error:
        raise refusal(text, "it is no number") from error


def unquoted(text: str) -> str:
    """The text of a string or character literal."""
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError) as error:
        raise refusal(text, "its escapes are not understood") from error


def character(text: str) -> int:
    """The number of a character literal."""
    found = unquoted(text)
    if len(found) != 1:
        raise refusal(text, "it is no single character")
    return ord(found)


def adapted(constant: Operand, kind: Type) -> Operand:
    """An untyped constant as a value of that type; a Refusal if it has none such."""
    wanted, given = types.scalar_kind(kind), constant.constant
    if isinstance(given, str) and isinstance(plain(kind), types.Text):
        return Operand(constant.text, kind, node=constant.node)
    if wanted is None or isinstance(given, str) or given is None:
        raise refusal(constant.text, f"it cannot be {described(kind)}")
    if isinstance(given, bool) != (wanted.base is Base.BOOLEAN):
        raise refusal(constant.text, f"it cannot be {described(kind)}")
    if wanted.base is Base.INTEGER:
        if not math.isfinite(given) or given != math.trunc(given):
            raise refusal(constant.text, f"it is no integer, and would have to be {described(kind)}")
        if numbers.wrap(int(given), wanted.bits, wanted.signed) != int(given):
            raise refusal(constant.text, f"it does not fit into {kind.name}")
        given = int(given)
    if wanted.base is Base.POINTER:
        raise refusal(constant.text, f"it cannot be {described(kind)}", "compare with nil")
    return Operand(constant.text, kind, node=Constant(converted(given, kind, constant.text)))


def converted(given: int | float, kind: Type, text: str) -> int | float | bool:
    """A constant as another type would hold it: wrapped, rounded."""
    wanted = types.scalar_kind(kind)
    assert wanted is not None
    try:
        return numbers.convert(given, wanted)
    except (OverflowError, numbers.NoAnswer) as error:
        raise refusal(text, f"it does not fit into {kind.name}") from error


def folded(sign: str, left: Operand, right: Operand, text: str) -> int | float:
    """The arithmetic of two constants."""
    first, second = left.constant, right.constant
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        raise refusal(text, "only numbers can be reckoned with")
    if sign in INTEGERS_ONLY and not (isinstance(first, int) and isinstance(second, int)):
        raise refusal(text, f"{sign} is for integers")
    try:
        if isinstance(first, int) and isinstance(second, int):
            return _small(int(numbers.INTEGER_OPERATIONS[sign](first, second)), text)
        return float(numbers.FLOAT_OPERATIONS[sign](float(first), float(second)))
    except (numbers.NoAnswer, OverflowError) as error:
        raise refusal(text, str(error)) from error


def compared(sign: str, left: Operand, right: Operand, text: str) -> bool:
    """The comparison of two constants."""
    try:
        return bool(numbers.COMPARISONS[sign](left.constant, right.constant))
    except TypeError as error:
        raise refusal(text, "the two cannot be compared") from error


def with_sign(sign: str, operand: Operand, text: str) -> int | float:
    """``-``, ``+``, ``^`` or ``~`` in front of a constant."""
    given = operand.constant
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise refusal(text, f"{operand.text} is no number")
    if sign in ("^", "~"):
        if isinstance(given, float):
            raise refusal(text, f"{sign} is for integers")
        return ~given
    return -given if sign == "-" else given


def _small(given: int, text: str) -> int:
    if given.bit_length() > _MOST_BITS:
        raise refusal(text, "it is too large for any type")
    return given
