"""The types of a program, as its debug information tells them. A pointer's target is read when asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sampler.plan.nodes import ADDRESS, Base, Kind, Node


@dataclass(frozen=True, slots=True)
class Type:
    """``name``: as the program writes it. ``size``: in bytes, None where it is not known."""

    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Scalar(Type):
    """An integer, float or boolean. ``character``: one of C's char types."""

    kind: Kind
    character: bool = False


@dataclass(frozen=True, slots=True)
class Complex(Type):
    """Two floats, the real part first."""


@dataclass(frozen=True, slots=True)
class Enumeration(Type):
    """An integer whose values have names."""

    kind: Kind
    enumerators: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Pointer(Type):
    """``target``: gives the type that it points to; None stands for void. ``reference``: C++'s &.

    ``language``: whose it is; Go and Rust go through pointers without a star more often than C.
    """

    target: Callable[[], Type | None] = field(compare=False)
    reference: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """A member at ``offset`` bytes. ``bit_size`` with ``bit_offset`` (from the start) for a bitfield.

    ``embedded``: its own fields can be named as if they were its owner's. ``base``: it is what a class
    inherits from. ``place``: gives the member's address from the owner's, where no offset does.
    """

    name: str
    offset: int
    type: Callable[[], Type | None] = field(compare=False)
    embedded: bool = False
    bit_offset: int = 0
    bit_size: int = 0
    base: bool = False
    place: Callable[[Node], Node] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the forms of a Rust enum. ``value``: of the discriminant, None for all that no other has."""

    name: str
    value: int | None
    field: Field


@dataclass(frozen=True, slots=True)
class Choice(Type):
    """A Rust enum that holds data: one of several variants. ``discriminant``: None where there is one only."""

    discriminant: Field | None
    variants: tuple[Variant, ...]


@dataclass(frozen=True, slots=True)
class Struct(Type):
    """A struct, class or union."""

    fields: tuple[Field, ...] = ()
    union: bool = False


@dataclass(frozen=True, slots=True)
class Text(Type):
    """A string that knows its length: Go's string, Rust's &str. Offsets in bytes."""

    pointer_at: int = 0
    length_at: int = 8


@dataclass(frozen=True, slots=True)
class Slice(Type):
    """A pointer and a length, and in Go a capacity."""

    element: Callable[[], Type | None] = field(compare=False)
    pointer_at: int = 0
    length_at: int = 8
    capacity_at: int | None = 16


@dataclass(frozen=True, slots=True)
class Array(Type):
    """``count`` elements in place; None where the count is not known."""

    element: Callable[[], Type | None] = field(compare=False)
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Interface(Type):
    """Go's interface: nil, or a type and a word."""


@dataclass(frozen=True, slots=True)
class Counted(Type):
    """A pointer to something that Go counts: a map or a channel. ``counter_at``: where, in what it points to.

    ``capacity_at``: likewise the capacity of a channel.
    """

    counter_at: int | None = None
    counter_size: int = 8
    capacity_at: int | None = None


@dataclass(frozen=True, slots=True)
class Function(Type):
    """A function's value: in Go a pointer to a closure."""


@dataclass(frozen=True, slots=True)
class Alias(Type):
    """A type under another name."""

    of: Callable[[], Type | None] = field(compare=False)


def plain(found: Type | None) -> Type | None:
    """The type behind all its names."""
    while isinstance(found, Alias):
        found = found.of()
    return found


def scalar_kind(found: Type | None) -> Kind | None:
    """The kind of a type whose values are one scalar; None of any other."""
    found = plain(found)
    if isinstance(found, Scalar | Enumeration):
        return found.kind
    if isinstance(found, Pointer | Function | Counted):
        return ADDRESS
    return None


def is_integer(found: Type | None) -> bool:
    kind = scalar_kind(found)
    return kind is not None and kind.base is Base.INTEGER
