"""Steps from one operand to another: fields, elements, what a pointer points to, lengths."""

from __future__ import annotations

from sampler.debuginfo import types
from sampler.debuginfo.languages import GO
from sampler.debuginfo.storage import Memory, Pieces
from sampler.debuginfo.types import Type, is_integer, plain
from sampler.expression.operands import (
    BYTE,
    GO_INT,
    Operand,
    address_of,
    computed,
    described,
    part,
    pointed,
    pointer_to,
    stored,
    value,
)
from sampler.expression.refusals import beyond, refusal
from sampler.plan.nodes import (
    INT64,
    WORD,
    Arithmetic,
    Base,
    Block,
    Constant,
    Convert,
    Decode,
    Either,
    Kind,
    Node,
    Part,
    Within,
    offset,
)

_DEEPEST_EMBEDDING = 8
_MOST_NAMED = 6


def dereferenced(operand: Operand, text: str) -> Operand:
    """What a pointer points to, or an array's first element."""
    found = operand.plain
    if isinstance(found, types.Array):
        return element(operand, Operand("0", None, node=Constant(0)), text)
    if not isinstance(found, types.Pointer):
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}, no pointer")
    target = found.target()
    if target is None or plain(target) is None:
        raise refusal(text, f"{operand.text!r} points to no type", "convert it first")
    return pointed(operand, target).named(text)


def reference(operand: Operand, text: str) -> Operand:
    """The address of something."""
    name = operand.type.name if operand.type else "?"
    return computed(text, pointer_to(operand.type, f"{name} *"), address_of(operand))


def element(operand: Operand, index: Operand, text: str) -> Operand:
    """One element of an array, a slice, a string, or of what a pointer points to."""
    found = operand.plain
    if isinstance(found, types.Counted):
        raise beyond(text, "a map's entries are not read", f"ask len({operand.text})")
    position = _position(index, text)
    if isinstance(found, types.Text):
        return _in_memory(*_text_parts(operand, found), BYTE, position, text)
    if isinstance(found, types.Slice):
        return _in_memory(part(operand, found.pointer_at, 8), _length(operand, found), found.element(), position, text)
    if isinstance(found, types.Array):
        return _of_array(operand, found, position, text)
    if isinstance(found, types.Pointer):
        inner = plain(found.target())
        if isinstance(inner, types.Array) and found.language == GO:  # Go goes through a pointer to an array
            return element(pointed(operand, inner).named(operand.text), index, text)
        return _in_memory(value(operand), None, found.target(), position, text)
    raise refusal(text, f"{operand.text!r} is {described(operand.type)}, which has no elements")


def _position(index: Operand, text: str) -> Node:
    if index.is_constant:
        if not isinstance(index.constant, int) or isinstance(index.constant, bool):
            raise refusal(text, f"{index.text!r} is no index")
        return Constant(index.constant)
    if not is_integer(index.type):
        raise refusal(text, f"{index.text!r} is {described(index.type)}, no index")
    return value(index)


def _in_memory(base: Node, length: Node | None, kind: Type | None, position: Node, text: str) -> Operand:
    size = _element_size(kind, text)
    if length is not None:
        position = Within(position, length)
    if isinstance(position, Constant):
        return Operand(text, kind, Memory(offset(base, int(position.value or 0) * size)))
    by = Arithmetic("*", Convert(position, WORD), Constant(size), WORD)
    return Operand(text, kind, Memory(Arithmetic("+", base, by, WORD)))


def _of_array(operand: Operand, found: types.Array, position: Node, text: str) -> Operand:
    kind, storage = found.element(), stored(operand)
    size = _element_size(kind, text)
    if isinstance(position, Constant) and (found.count is None or 0 <= int(position.value or 0) < found.count):
        return Operand(text, kind, storage.inside(int(position.value or 0) * size))
    if isinstance(position, Constant):
        raise refusal(text, f"{operand.text!r} has {found.count} elements")
    if isinstance(storage, Pieces):
        raise refusal(text, f"{operand.text!r} lies in registers here", "give a constant index")
    length = Constant(found.count) if found.count is not None else None
    return _in_memory(storage.address, length, kind, position, text)


def _element_size(kind: Type | None, text: str) -> int:
    if kind is None or kind.size is None:
        raise refusal(text, "the size of its elements is not known")
    return kind.size


def sliced(operand: Operand, first: Operand | None, last: Operand | None, text: str) -> Operand:
    """``[first:last]`` of a string, a slice or an array."""
    found = operand.plain
    kind: Type | None
    if isinstance(found, types.Text):
        base, length = _text_parts(operand, found)
        room, kind, size = length, operand.type, 1
    elif isinstance(found, types.Slice):
        base, length, kind = part(operand, found.pointer_at, 8), _length(operand, found), operand.type
        room = capacity(operand, text).node or length if found.capacity_at is not None else length
        size = _element_size(found.element(), text)
    elif isinstance(found, types.Array) and found.count is not None:
        base, length, size = address_of(operand), Constant(found.count), _element_size(found.element(), text)
        room = length
        kind = types.Slice(f"[]{found.name.partition(']')[2]}", 24, found.element)
    else:
        raise refusal(text, f"{operand.text!r} is {described(operand.type)}, which cannot be cut")
    end = _position(last, text) if last is not None else length
    end = Within(end, _one_more(room))
    start = Within(_position(first, text), _one_more(end)) if first is not None else Constant(0)
    at = Arithmetic("+", base, Arithmetic("*", start, Constant(size), WORD), WORD)
    rest, room = Arithmetic("-", end, start, INT64), Arithmetic("-", room, start, INT64)
    return Operand(text, kind, Pieces(((at, 8), (rest, 8), (room, 8))))


def _one_more(length: Node) -> Node:
    return Arithmetic("+", length, Constant(1), INT64)


def length(operand: Operand, text: str) -> Operand:
    """``len(x)``."""
    found = operand.plain
    if isinstance(found, types.Text):
        return computed(text, GO_INT, _text_parts(operand, found)[1])
    if isinstance(found, types.Slice):
        return computed(text, GO_INT, _length(operand, found))
    if isinstance(found, types.Array) and found.count is not None:
        return computed(text, GO_INT, Constant(found.count))
    if isinstance(found, types.Counted) and found.counter_at is not None:
        return computed(text, GO_INT, _counted(operand, found.counter_at, found.counter_size))
    raise refusal(text, f"{operand.text!r} is {described(operand.type)}, which has no length")


def capacity(operand: Operand, text: str) -> Operand:
    """``cap(x)``."""
    found = operand.plain
    if isinstance(found, types.Slice) and found.capacity_at is not None:
        return computed(text, GO_INT, Decode(part(operand, found.capacity_at, 8), INT64))
    if isinstance(found, types.Array) and found.count is not None:
        return computed(text, GO_INT, Constant(found.count))
    if isinstance(found, types.Counted) and found.capacity_at is not None:
        return computed(text, GO_INT, _counted(operand, found.capacity_at, 8))
    raise refusal(text, f"{operand.text!r} is {described(operand.type)}, which has no capacity")


def _counted(operand: Operand, at: int, size: int) -> Node:
    """A count behind a pointer; of a nil map or channel it is 0."""
    pointer = value(operand)
    count = Part(Block(offset(pointer, at), size), 0, size)
    return Either(pointer, Decode(count, Kind(Base.INTEGER, size, signed=True)), Constant(0))


def _text_parts(operand: Operand, found: types.Text) -> tuple[Node, Node]:
    if isinstance(operand.node, Constant):
        raise refusal(operand.text, "it is a constant")
    return part(operand, found.pointer_at, 8), Decode(part(operand, found.length_at, 8), INT64)


def _length(operand: Operand, found: types.Slice) -> Node:
    return Decode(part(operand, found.length_at, 8), INT64)
