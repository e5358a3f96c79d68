"""From a compiled operand to the node of its answer: scalars, strings, and small composites as text.

Composites are written as the language's debugger writes them, so that the two can be compared.
"""

from __future__ import annotations

from sampler.debuginfo import types
from sampler.debuginfo.locations import Memory
from sampler.debuginfo.types import plain
from sampler.expression import access
from sampler.expression.operands import Operand, described, part, refusal, stored, value
from sampler.plan.nodes import (
    Address,
    Base,
    Constant,
    Decode,
    Either,
    Elements,
    Kind,
    Listing,
    Node,
    Quoted,
    TerminatedText,
    Text,
)

LONGEST_TEXT = 256
MOST_ELEMENTS = 16
_MOST_FIELDS = 32
_DEEPEST = 3


class Answers:
    """Makes the answers of one language. ``go``: as Delve writes; else as GDB does."""

    def __init__(self, go: bool) -> None:
        self._go = go

    def of(self, operand: Operand) -> Node:
        """The node whose value is the answer; ExpressionRefused."""
        if operand.type is None:
            return self._constant(operand)
        return self._of(operand, 0)

    def _constant(self, operand: Operand) -> Node:
        if operand.node is None:
            raise refusal(operand.text, "it is of no type")
        return operand.node

    def _of(self, operand: Operand, depth: int, bare: bool = False) -> Node:
        """``bare``: an element of an array or slice, whose type has been written already."""
        match operand.plain:
            case types.Scalar() | types.Enumeration():
                return value(operand)
            case types.Pointer() as found:
                return self._pointer(operand, found)
            case types.Function():
                return Address(value(operand))
            case types.Text() as found:
                return self._text(operand, found)
            case types.Complex() as found:
                return self._complex(operand, found)
        return self._composite(operand, depth, bare)

    def _composite(self, operand: Operand, depth: int, bare: bool) -> Node:
        found = operand.plain
        if depth < _DEEPEST and isinstance(found, types.Struct):
            return self._struct(operand, found, depth, bare)
        if depth < _DEEPEST and isinstance(found, types.Array):
            return self._array(operand, found, depth, bare)
        if depth < _DEEPEST and isinstance(found, types.Slice):
            return self._slice(operand, found, depth, bare)
        raise self._refused(operand)

    def _refused(self, operand: Operand) -> Exception:
        found = operand.plain
        if isinstance(found, types.Counted):
            return refusal(operand.text, "the entries of a map or channel are not read", f"ask len({operand.text})")
        if isinstance(found, types.Interface):
            return refusal(operand.text, "what an interface holds is not read", f"ask {operand.text} == nil")
        return refusal(operand.text, f"it is {described(operand.type)}, which is too much for one answer",
                       "ask for one of its parts")  # fmt: skip

    def _pointer(self, operand: Operand, found: types.Pointer) -> Node:
        target = plain(found.target())
        if not self._go and isinstance(target, types.Scalar) and target.character and target.size == 1:
            return TerminatedText(value(operand), LONGEST_TEXT)
        return Address(value(operand))

    def _text(self, operand: Operand, found: types.Text) -> Node:
        if operand.node is not None:
            return operand.node
        length = Decode(part(operand, found.length_at, 8), Kind(Base.INTEGER, 8, signed=True))
        return Text(part(operand, found.pointer_at, 8), length, LONGEST_TEXT)

    def _complex(self, operand: Operand, found: types.Complex) -> Node:
        half = (found.size or 16) // 2
        kind = Kind(Base.FLOAT, half)
        parts = (Decode(part(operand, 0, half), kind), Decode(part(operand, half, half), kind))
        return Listing("(", parts, (), "i)", " + ") if self._go else Listing("", parts, (), "i", " + ")

    def _struct(self, operand: Operand, found: types.Struct, depth: int, bare: bool) -> Node:
        if len(found.fields) > _MOST_FIELDS:
            raise refusal(operand.text, f"{found.name} has {len(found.fields)} fields", "ask for one of them")
        items = tuple(self._item(access.member_by(operand, field), depth) for field in found.fields)
        names = tuple(field.name for field in found.fields)
        return Listing(self._head(operand, bare) + "{", items, names, "}", ", ", ": " if self._go else " = ")

    def _head(self, operand: Operand, bare: bool) -> str:
        return f"{operand.type.name} " if self._go and operand.type is not None and not bare else ""

    def _item(self, operand: Operand, depth: int, bare: bool = False) -> Node:
        found = self._of(operand, depth + 1, bare)
        if isinstance(found, Text | TerminatedText):
            return Quoted(found)
        if self._go and isinstance(found, Address) and self._is_typed_pointer(operand):
            return Either(found.of, found, Constant(f"{'*' if bare else self._head(operand, bare)}nil"))
        return found

    def _is_typed_pointer(self, operand: Operand) -> bool:
        """One that Delve names the type of where it is nil."""
        return isinstance(operand.plain, types.Pointer) and operand.plain.target() is not None

    def _array(self, operand: Operand, found: types.Array, depth: int, bare: bool) -> Node:
        element = plain(found.element())
        if not self._go and isinstance(element, types.Scalar) and element.character and element.size == 1:
            return self._characters(operand, found)
        if found.count is None:
            raise refusal(operand.text, "the number of its elements is not known", "ask for one of them")
        items = tuple(self._numbered(operand, at, depth) for at in range(min(found.count, MOST_ELEMENTS)))
        brackets, between = ("[]", ",") if self._go else ("{}", ", ")
        return Elements(self._head(operand, bare), items, Constant(found.count), brackets, between)

    def _numbered(self, operand: Operand, at: int, depth: int) -> Node:
        index = Operand(str(at), None, node=Constant(at))
        return self._item(access.element(operand, index, f"{operand.text}[{at}]"), depth, bare=True)

    def _characters(self, operand: Operand, found: types.Array) -> Node:
        """An array of char is a string up to its first zero."""
        storage = stored(operand)
        if not isinstance(storage, Memory):
            raise refusal(operand.text, "it lies in registers here")
        return TerminatedText(storage.address, min(found.count or LONGEST_TEXT, LONGEST_TEXT))

    def _slice(self, operand: Operand, found: types.Slice, depth: int, bare: bool) -> Node:
        length = access.length(operand, operand.text).node
        assert length is not None
        items = tuple(self._numbered(operand, at, depth) for at in range(MOST_ELEMENTS))
        if found.capacity_at is None:  # not Go's
            return Elements(self._head(operand, bare), items, length)
        sizes = "" if bare else f"{self._head(operand, bare)}len: \0, cap: \1, "
        room, start = access.capacity(operand, operand.text).node, part(operand, found.pointer_at, 8)
        return Elements(sizes, items, length, capacity=room, start=start)
