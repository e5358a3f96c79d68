"""Conversions: a value under another type."""

from __future__ import annotations

from dataclasses import replace

from sampler.debuginfo import types
from sampler.debuginfo.languages import GO, RUST
from sampler.debuginfo.storage import Pieces
from sampler.debuginfo.types import Type, plain
from sampler.expression import access, constants
from sampler.expression.operands import Operand, computed, described, part, pointer_to, stored, value
from sampler.expression.refusals import refusal
from sampler.plan.nodes import ADDRESS, WORD, Base, Compare, Constant, Convert, Either, Kind, Node

_POINTERS = {GO: "*{}", RUST: "*mut {}"}


def pointer(target: Type | None, language: str) -> Type:
    """The type of a pointer to it."""
    name = target.name if target is not None else "void"
    return pointer_to(target, _POINTERS.get(language, "{} *").format(name))


def converted(operand: Operand, kind: Type, text: str, language: str) -> Operand:
    """A scalar as another scalar, an address as a pointer, bytes as a string."""
    wanted = plain(kind)
    if isinstance(wanted, types.Text):
        return _as_text(operand, kind, text)
    target = types.scalar_kind(kind)
    if target is None:
        return _as_composite(operand, kind, text)
    if operand.is_constant:
        return _constant(operand, kind, target, text, language)
    if isinstance(operand.plain, types.Array) and target.base is Base.POINTER:
        return computed(text, kind, access.reference(operand, text).node or value(operand))
    if operand.kind is None:
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}, no single value")
    is_truth, was_truth = target.base is Base.BOOLEAN, operand.kind.base is Base.BOOLEAN
    if (language == GO and is_truth != was_truth) or (language == RUST and is_truth and not was_truth):
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}")
    if language == RUST and operand.kind.base is Base.FLOAT and target.base is Base.INTEGER:
        return computed(text, kind, _saturated(value(operand), target))
    return computed(text, kind, Convert(value(operand), target if target.base is not Base.POINTER else WORD))


def _saturated(node: Node, kind: Kind) -> Node:
    """A float as an integer in Rust: the nearest that there is, and 0 for what is no number."""
    least = -(1 << kind.bits - 1) if kind.signed else 0
    most = least + (1 << kind.bits) - 1
    within = Either(Compare("<=", node, Constant(float(least))), Constant(least), Convert(node, kind))
    limited = Either(Compare(">=", node, Constant(float(most))), Constant(most), within)
    return Convert(Either(Compare("!=", node, node), Constant(0), limited), kind)


def _constant(operand: Operand, kind: Type, target: Kind, text: str, language: str) -> Operand:
    if target.base is Base.POINTER and isinstance(operand.constant, int):
        return computed(text, kind, Constant(operand.constant & (1 << ADDRESS.bits) - 1))
    if language in _POINTERS:
        return constants.adapted(operand, kind).named(text)
    if not isinstance(operand.constant, int | float):
        raise refusal(text, f"{operand.text} is no number")
    return computed(text, kind, Constant(constants.converted(operand.constant, kind, text)))


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
