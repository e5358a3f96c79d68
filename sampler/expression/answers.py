"""From a compiled operand to the node of its answer: scalars, strings, and small composites as text."""

from __future__ import annotations

from sampler.debuginfo import types
from sampler.debuginfo.languages import GO, RUST
from sampler.debuginfo.storage import Memory
from sampler.debuginfo.types import plain
from sampler.expression import access, fields
from sampler.expression.operands import Operand, described, part, referred, stored, value
from sampler.expression.refusals import Refusal, beyond, refusal
from sampler.expression.styles import style_of
from sampler.plan.nodes import (
    INT64,
    Address,
    Base,
    Chosen,
    Constant,
    Decode,
    Either,
    Elements,
    Kind,
    Labelled,
    Listing,
    Node,
    Quoted,
    TerminatedText,
    Text,
)

LONGEST_TEXT = 256
MOST_ELEMENTS = 16
_MOST_FIELDS = 32
_MOST_PARTS = 512  # of one answer: each is worked out at each look
_DEEPEST = 3


class Answers:
    """Makes the answers of one language; good for one expression."""

    def __init__(self, language: str) -> None:
        self._language, self._style = language, style_of(language)
        self._parts = 0

    def of(self, operand: Operand) -> Node:
        """The node whose value is the answer; a Refusal."""
        if operand.type is None:
            return self._constant(operand)
        return self._of(referred(operand), 0)

    def _constant(self, operand: Operand) -> Node:
        if operand.node is None:
            raise refusal(operand.text, "it is of no type")
        return operand.node

    def _of(self, operand: Operand, depth: int, bare: bool = False) -> Node:
        """``bare``: an element of an array or slice, whose type has been written already."""
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise beyond(operand.text, "there is too much in it for one answer", "ask for one of its parts")
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
        if depth < _DEEPEST and isinstance(found, types.Choice):
            return self._choice(operand, found, depth)
        if depth < _DEEPEST and isinstance(found, types.Array):
            return self._array(operand, found, depth, bare)
        if depth < _DEEPEST and isinstance(found, types.Slice):
            return self._slice(operand, found, depth, bare)
        raise self._refused(operand)

    def _refused(self, operand: Operand) -> Refusal:
        found = operand.plain
        if isinstance(found, types.Counted):
            return beyond(operand.text, "the entries of a map or channel are not read", f"ask len({operand.text})")
        if isinstance(found, types.Interface):
            return beyond(operand.text, "what an interface holds is not read", f"ask {operand.text} == nil")
        if type(found) is types.Type:
            return beyond(operand.text, f"it is {described(operand.type)}, a format that is not read")
        return beyond(operand.text, f"it is {described(operand.type)}, which is too much for one answer",
                       "ask for one of its parts")  # fmt: skip

    def _pointer(self, operand: Operand, found: types.Pointer) -> Node:
        target = plain(found.target())
        has_text = isinstance(target, types.Scalar) and target.character and target.size == 1
        if has_text and self._language not in (GO, RUST):
            return TerminatedText(value(operand), LONGEST_TEXT)
        return Address(value(operand))

    def _text(self, operand: Operand, found: types.Text) -> Node:
        if operand.node is not None:
            return operand.node
        length = Decode(part(operand, found.length_at, 8), INT64)
        return Text(part(operand, found.pointer_at, 8), length, LONGEST_TEXT)

    def _complex(self, operand: Operand, found: types.Complex) -> Node:
        half = (found.size or 16) // 2
        kind = Kind(Base.FLOAT, half)
        parts = (Decode(part(operand, 0, half), kind), Decode(part(operand, half, half), kind))
        return Listing(self._style.complex_head, parts, (), self._style.complex_tail, " + ")

    def _struct(self, operand: Operand, found: types.Struct, depth: int, bare: bool) -> Node:
        if len(found.fields) > _MOST_FIELDS:
            raise beyond(operand.text, f"{found.name} has {len(found.fields)} fields", "ask for one of them")
        items = tuple(self._item(fields.member_by(operand, field), depth) for field in found.fields)
        name = operand.type.name if operand.type is not None else ""
        head, names, tail = self._style.struct(name, found.fields, bare)
        return Listing(head, items, names, tail, ", ", self._style.assigned)

    def _choice(self, operand: Operand, found: types.Choice, depth: int) -> Node:
        """The form that it has now, with what that holds."""
        selector = fields.selector_of(operand, found)
        held = [(one, Operand(operand.text, one.field.type(), stored(operand).inside(one.field.offset)))
                for one in found.variants]  # fmt: skip
        if selector is None:
            if len(held) != 1:
                raise self._refused(operand)
            return self._item(held[0][1], depth, bare=True)
        return Chosen(selector, tuple((one.value, self._item(inner, depth, bare=True)) for one, inner in held))

    def _head(self, operand: Operand, bare: bool) -> str:
        return f"{operand.type.name} " if self._style.named and operand.type is not None and not bare else ""

    def _item(self, operand: Operand, depth: int, bare: bool = False) -> Node:
        found = self._of(referred(operand), depth + 1, bare)
        if isinstance(operand.plain, types.Enumeration):
            return Labelled(found, operand.plain.enumerators)
        if isinstance(found, Text | TerminatedText):
            return Quoted(found)
        if self._language == GO and isinstance(found, Address) and _is_typed_pointer(operand):
            return Either(found.of, found, Constant(f"{'*' if bare else self._head(operand, bare)}nil"))
        return found

    def _array(self, operand: Operand, found: types.Array, depth: int, bare: bool) -> Node:
        element = plain(found.element())
        is_text = isinstance(element, types.Scalar) and element.character and element.size == 1
        if is_text and self._language not in (GO, RUST):
            return self._characters(operand, found)
        if found.count is None:
            raise refusal(operand.text, "the number of its elements is not known", "ask for one of them")
        items = tuple(self._numbered(operand, at, depth) for at in range(min(found.count, MOST_ELEMENTS)))
        head = (self._head(operand, bare) if self._language == GO else "") + self._style.list_head
        return Elements(head, items, Constant(found.count), self._style.list_tail, self._style.between)

    def _numbered(self, operand: Operand, at: int, depth: int) -> Node:
        index = Operand(str(at), None, node=Constant(at))
        bare = self._language == GO
        return self._item(access.element(operand, index, f"{operand.text}[{at}]"), depth, bare)

    def _characters(self, operand: Operand, found: types.Array) -> Node:
        """An array of char is a string up to its first zero."""
        storage = stored(operand)
        if not isinstance(storage, Memory):
            raise beyond(operand.text, "it lies in registers here")
        return TerminatedText(storage.address, min(found.count or LONGEST_TEXT, LONGEST_TEXT))

    def _slice(self, operand: Operand, found: types.Slice, depth: int, bare: bool) -> Node:
        length = access.length(operand, operand.text).node
        assert length is not None
        items = tuple(self._numbered(operand, at, depth) for at in range(MOST_ELEMENTS))
        opening, closing, between = self._style.list_head, self._style.list_tail, self._style.between
        if found.capacity_at is None:  # not Go's
            return Elements(self._head(operand, bare), items, length, closing, between, opening=opening)
        sizes = "" if bare else f"{self._head(operand, bare)}len: \0, cap: \1, "
        room, start = access.capacity(operand, operand.text).node, part(operand, found.pointer_at, 8)
        return Elements(sizes, items, length, closing, between, room, opening, start)


def _is_typed_pointer(operand: Operand) -> bool:
    """One that Delve names the type of where it is nil."""
    return isinstance(operand.plain, types.Pointer) and operand.plain.target() is not None
