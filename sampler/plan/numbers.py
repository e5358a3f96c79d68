"""The arithmetic of Go and C: width and sign, truncation, IEEE 754."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable
from typing import Any

from sampler.plan.nodes import Base, Kind

MASK64 = (1 << 64) - 1
_FLOATS = {2: "<e", 4: "<f", 8: "<d"}
_LARGEST_SHIFT = 1 << 16

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class NoAnswer(Exception):
    """The expression has no value at this moment (nil, out of bounds, unreadable): the look is a miss."""


def wrap(value: int, bits: int, signed: bool) -> int:
    """The integer that is left of ``value`` in so many bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def decode(raw: int, kind: Kind, bits: int) -> int | float | bool:
    """``raw`` (unsigned) as a scalar of that kind."""
    if kind.base is Base.FLOAT:
        return _decode_float(raw, kind.size)
    if kind.base is Base.BOOLEAN:
        return bool(raw & (1 << bits) - 1)
    return wrap(raw, bits, kind.signed)


def _decode_float(raw: int, size: int) -> float:
    if size in _FLOATS:
        return float(struct.unpack(_FLOATS[size], raw.to_bytes(16, "little")[:size])[0])
    # x87's 80 bits: a sign, 15 bits of exponent, 64 of mantissa with the leading one written out.
    mantissa, exponent, sign = raw & MASK64, raw >> 64 & 0x7FFF, -1 if raw >> 79 & 1 else 1
    if exponent == 0x7FFF:
        return sign * (math.nan if mantissa << 1 & MASK64 else math.inf)
    try:
        return sign * math.ldexp(mantissa, exponent - 16383 - 63)
    except OverflowError:
        return sign * math.inf


def convert(value: Any, kind: Kind) -> int | float | bool:
    """A number as another kind: integers wrap, floats lose their fraction, float32 loses precision."""
    if kind.base is Base.FLOAT:
        return _rounded(float(value), kind.size)
    if kind.base is Base.BOOLEAN:
        return bool(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NoAnswer(f"{value} has no integer value")
        value = math.trunc(value)
    return wrap(int(value), kind.bits, kind.signed)


def _rounded(value: float, size: int) -> float:
    if size != 4:
        return value
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def operation(sign: str, kind: Kind) -> Callable[[Any, Any], Any]:
    """The binary operation of that sign on two values of that kind."""
    if kind.base is Base.FLOAT:
        apply = FLOAT_OPERATIONS[sign]
        return lambda left, right: _rounded(apply(left, right), kind.size)
    bits, signed, work = kind.bits, kind.signed, INTEGER_OPERATIONS[sign]
    return lambda left, right: wrap(work(left, right), bits, signed)


def _quotient(left: int, right: int) -> int:
    if right == 0:
        raise NoAnswer("division by zero")
    size = abs(left) // abs(right)
    return size if (left < 0) == (right < 0) else -size


def _remainder(left: int, right: int) -> int:
    return left - right * _quotient(left, right)


def _shift_left(left: int, right: int) -> int:
    return 0 if _checked_shift(right) >= 128 else left << right


def _shift_right(left: int, right: int) -> int:
    return left >> min(_checked_shift(right), _LARGEST_SHIFT)


def _checked_shift(count: int) -> int:
    if count < 0:
        raise NoAnswer(f"a shift by {count}")
    return count


def _ratio(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


FLOAT_OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _ratio,
}  # fmt: skip

INTEGER_OPERATIONS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": _quotient, "%": _remainder,
    "&": operator.and_, "|": operator.or_, "^": operator.xor, "&^": lambda left, right: left & ~right,
    "<<": _shift_left, ">>": _shift_right,
}  # fmt: skip
