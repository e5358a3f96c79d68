"""What a part of an expression stands for while it is compiled: its text, its type, and its value or place."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sampler.debuginfo import types
from sampler.debuginfo.storage import Memory, Pieces, Storage, Unlocated
from sampler.debuginfo.types import Type, plain, scalar_kind
from sampler.expression.refusals import no_value, refusal
from sampler.plan.nodes import ADDRESS, BOOLEAN, INT64, Base, Bits, Constant, Decode, Kind, Node, NotNil

#: Types of the results of operations, by their names in Go and C.
BOOL = types.Scalar("bool", 1, BOOLEAN)
GO_INT = types.Scalar("int", 8, INT64)
C_INT = types.Scalar("int", 4, Kind(Base.INTEGER, 4, signed=True))
UINTPTR = types.Scalar("uintptr", 8, Kind(Base.INTEGER, 8))
BYTE = types.Scalar("uint8", 1, Kind(Base.INTEGER, 1))
GO_STRING = types.Text("string", 16)
#: That are gone through in a row: in a damaged file one can point to itself.
MOST_POINTERS = 8
DOUBLE = types.Scalar("double", 8, Kind(Base.FLOAT, 8))


@dataclass(frozen=True, slots=True)
class Operand:
    """``storage``: where it lies; or ``node``: its value. An untyped constant has a value and no type.

    ``bits``: (first, width) of a bitfield within its storage.
    """

    text: str
    type: Type | None
    storage: Storage | None = None
    node: Node | None = None
    bits: tuple[int, int] | None = None

    @property
    def is_constant(self) -> bool:
        """An untyped constant: a literal, a named constant of Go, or what was made of such only."""
        return self.type is None and isinstance(self.node, Constant)

    @property
    def constant(self) -> int | float | bool | str | None:
        assert isinstance(self.node, Constant)
        return self.node.value

    @property
    def is_nil(self) -> bool:
        return self.is_constant and self.constant is None

    @property
    def plain(self) -> Type | None:
        return plain(self.type)

    @property
    def kind(self) -> Kind | None:
        """The kind of its scalar value; None if it has none."""
        return scalar_kind(self.type)

    def named(self, text: str) -> Operand:
        return replace(self, text=text)


def untyped(text: str, value: int | float | bool | str | None) -> Operand:
    return Operand(text, None, node=Constant(value))


def computed(text: str, kind: Type, node: Node) -> Operand:
    """The result of an operation, which lies nowhere."""
    return Operand(text, kind, node=node)


def stored(operand: Operand) -> Storage:
    """Where it lies; a computed value lies in a piece of its own."""
    if operand.storage is not None:
        return operand.storage
    if operand.node is None or operand.type is None:
        raise refusal(operand.text, "it lies nowhere")
    return Pieces(((operand.node, operand.type.size or 8),))


def part(operand: Operand, at: int, size: int) -> Node:
    """``size`` bytes of an operand's storage."""
    try:
        return stored(operand).part(at, size)
    except Unlocated as reason:
        raise no_value(operand.text, str(reason)) from reason


def value(operand: Operand) -> Node:
    """The node of a scalar's value; Refusal for anything else."""
    if operand.node is not None:
        return operand.node
    kind = operand.kind
    if kind is None:
        raise refusal(operand.text, f"it is {described(operand.type)}, no single value", "ask for one of its parts")
    if operand.bits is not None:
        return _bitfield(operand, kind)
    return Decode(part(operand, 0, kind.size), kind)


def _bitfield(operand: Operand, kind: Kind) -> Node:
    assert operand.bits is not None
    first, width = operand.bits
    start, end = first // 8, -(-(first + width) // 8)
    return Decode(Bits(part(operand, start, end - start), first - 8 * start, width), kind, width)


def address_of(operand: Operand) -> Node:
    """Where it lies in memory."""
    if not isinstance(operand.storage, Memory) or operand.bits is not None:
        raise refusal(operand.text, "it lies in registers here, it has no address")
    return operand.storage.address


def pointed(operand: Operand, target: Type | None) -> Operand:
    """What a pointer points to; a look at which it is nil has no answer."""
    return Operand(f"*{operand.text}", target, Memory(NotNil(value(operand), operand.text)))


def referred(operand: Operand) -> Operand:
    """What a reference of C++ refers to: it is never seen itself. Anything else as it is."""
    for _ in range(MOST_POINTERS):
        found = operand.plain
        if not isinstance(found, types.Pointer) or not found.reference:
            break
        operand = pointed(operand, found.target()).named(operand.text)
    return operand


def described(kind: Type | None) -> str:
    """A type, for messages."""
    return "a constant" if kind is None else f"of type {kind.name}"


def is_pointer(operand: Operand) -> bool:
    return isinstance(operand.plain, types.Pointer)


def pointer_to(target: Type | None, name: str) -> types.Pointer:
    return types.Pointer(name, ADDRESS.size, lambda: target)
