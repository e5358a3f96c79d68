"""Conversions: a value under another type."""

from __future__ import annotations

from dataclasses import replace

from sampler.debuginfo import types
from sampler.debuginfo.locations import Pieces
from sampler.debuginfo.types import Scalar, Type, plain
from sampler.expression import access
from sampler.expression.operands import Operand, computed, described, part, pointer_to, refusal, stored, value
from sampler.expression.rules import adapted
from sampler.plan.nodes import ADDRESS, BOOLEAN, WORD, Base, Constant, Convert, Kind
from sampler.plan.numbers import convert


def _integers() -> dict[str, Type]:
    found: dict[str, Type] = {}
    for size in (1, 2, 4, 8):
        for signed in (True, False):
            name = f"{'' if signed else 'u'}int{size * 8}"
            kind = Kind(Base.INTEGER, size, signed)
            found[name] = Scalar(name, size, kind)
            found[f"{name}_t"] = Scalar(f"{name}_t", size, kind)
    return found


#: Types that every program of the language has, by the names that Go and C give them.
BASIC: dict[str, Type] = _integers() | {
    "int": Scalar("int", 8, Kind(Base.INTEGER, 8, signed=True)),
    "uint": Scalar("uint", 8, Kind(Base.INTEGER, 8)),
    "uintptr": Scalar("uintptr", 8, Kind(Base.INTEGER, 8)),
    "byte": Scalar("uint8", 1, Kind(Base.INTEGER, 1)),
    "rune": Scalar("int32", 4, Kind(Base.INTEGER, 4, signed=True)),
    "float32": Scalar("float32", 4, Kind(Base.FLOAT, 4)),
    "float64": Scalar("float64", 8, Kind(Base.FLOAT, 8)),
    "bool": Scalar("bool", 1, BOOLEAN),
    "string": types.Text("string", 16),
}
_SIZES = {"char": 1, "short": 2, "long": 8}
_C_NAMED = {"size_t": "uint64", "uintptr_t": "uint64", "ssize_t": "int64", "intptr_t": "int64"}


def of_c_words(words: list[str]) -> Type | None:
    """``unsigned long``, ``char``, ``uint32_t``: C's arithmetic types; None for any other name."""
    name = " ".join(words)
    if name in ("bool", "_Bool"):
        return Scalar(name, 1, BOOLEAN)
    if name in ("float", "double"):
        size = 4 if name == "float" else 8
        return Scalar(name, size, Kind(Base.FLOAT, size))
    alone = words[0] if len(words) == 1 else ""
    if alone in _C_NAMED or alone.endswith("_t"):
        found = BASIC.get(_C_NAMED.get(alone, alone))
        return replace(found, name=alone) if found is not None else None
    if not set(words) <= {"unsigned", "signed", "char", "short", "int", "long"}:
        return None
    size = next((_SIZES[word] for word in words if word in _SIZES), 4)
    return Scalar(name, size, Kind(Base.INTEGER, size, "unsigned" not in words), "char" in words)


def pointer(target: Type | None, go: bool) -> Type:
    """The type of a pointer to it."""
    name = target.name if target is not None else "void"
    return pointer_to(target, f"*{name}" if go else f"{name} *")


def converted(operand: Operand, kind: Type, text: str, go: bool) -> Operand:
    """A scalar as another scalar, an address as a pointer, bytes as a string."""
    wanted = plain(kind)
    if isinstance(wanted, types.Text):
        return _as_text(operand, kind, text)
    target = types.scalar_kind(kind)
    if target is None:
        return _as_composite(operand, kind, text)
    if operand.is_constant:
        return _constant(operand, kind, target, text, go)
    if isinstance(operand.plain, types.Array) and target.base is Base.POINTER:
        return computed(text, kind, access.reference(operand, text).node or value(operand))
    if operand.kind is None:
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}, no single value")
    if go and (target.base is Base.BOOLEAN) != (operand.kind.base is Base.BOOLEAN):
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}")
    return computed(text, kind, Convert(value(operand), target if target.base is not Base.POINTER else WORD))


def _constant(operand: Operand, kind: Type, target: Kind, text: str, go: bool) -> Operand:
    if target.base is Base.POINTER and isinstance(operand.constant, int):
        return computed(text, kind, Constant(operand.constant & (1 << ADDRESS.bits) - 1))
    if go:
        return adapted(operand, kind).named(text)
    if not isinstance(operand.constant, int | float):
        raise refusal(text, f"{operand.text} is no number")
    return computed(text, kind, Constant(convert(operand.constant, target)))


def _as_text(operand: Operand, kind: Type, text: str) -> Operand:
    found = operand.plain
    if isinstance(found, types.Text) or (operand.is_constant and isinstance(operand.constant, str)):
        return replace(operand, type=kind)
    element = plain(found.element()) if isinstance(found, types.Slice) else None
    if isinstance(found, types.Slice) and element is not None and element.size == 1:
        pieces = ((part(operand, found.pointer_at, 8), 8), (part(operand, found.length_at, 8), 8))
        return Operand(text, kind, Pieces(pieces))
    raise refusal(text, f"{operand.text!r} is {described(operand.type)}", "only bytes become a string")


def _as_composite(operand: Operand, kind: Type, text: str) -> Operand:
    if operand.type is not None and operand.type.size == kind.size:
        return Operand(text, kind, stored(operand))
    raise refusal(text, f"{operand.text!r} is {described(operand.type)}, which does not become {kind.name}")


def with_sign(sign: str, operand: Operand, text: str) -> int | float:
    """``-``, ``+``, ``^`` or ``~`` in front of a constant."""
    number = operand.constant
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise refusal(text, f"{operand.text} is no number")
    if sign in ("^", "~"):
        if isinstance(number, float):
            raise refusal(text, f"{sign} is for integers")
        return ~number
    return -number if sign == "-" else number
