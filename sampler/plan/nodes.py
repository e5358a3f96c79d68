"""What a plan is made of. A plan is data: one evaluator, and one emitter a language, serve them all.

A node's value is a Python ``int``, ``float``, ``bool``, ``str``, ``bytes`` or None (nil). Nodes are
frozen; a node that occurs twice (one block of memory, two fields of it) is worked out once a look.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Base(Enum):
    """What the bits of a scalar mean."""

    INTEGER = "integer"
    FLOAT = "float"
    BOOLEAN = "boolean"
    POINTER = "pointer"


@dataclass(frozen=True, slots=True)
class Kind:
    """A scalar: what its bits mean, its size in bytes, and whether an integer has a sign."""

    base: Base
    size: int
    signed: bool = False

    @property
    def bits(self) -> int:
        return self.size * 8


ADDRESS = Kind(Base.POINTER, 8)
WORD = Kind(Base.INTEGER, 8)
INT64 = Kind(Base.INTEGER, 8, signed=True)
BOOLEAN = Kind(Base.BOOLEAN, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """The base of all."""


@dataclass(frozen=True, slots=True)
class Register(Node):
    """A register by its DWARF number (System V ABI, AMD64, figure 3.36), its low ``size`` bytes unsigned."""

    number: int
    size: int = 8


#: Of the frame pointer and the stack pointer, in DWARF's numbers (System V ABI, AMD64, figure 3.36).
RBP, RSP = 6, 7
#: Bytes that a function may use below its stack pointer (System V ABI, AMD64, 3.2.2).
RED_ZONE = 128
#: The number of xmm0. Those below are the general registers, 16 the instruction pointer.
FIRST_VECTOR = 17


@dataclass(frozen=True, slots=True)
class ThreadPointer(Node):
    """The base of the thread's own storage: the register fs_base."""


@dataclass(frozen=True, slots=True)
class Bias(Node):
    """What was added to the file's addresses when the program was loaded (0 unless it is PIE)."""


@dataclass(frozen=True, slots=True)
class Offset(Node):
    """An address, ``by`` bytes further."""

    of: Node
    by: int


@dataclass(frozen=True, slots=True)
class Constant(Node):
    value: int | float | bool | str | None


@dataclass(frozen=True, slots=True)
class Block(Node):
    """``size`` bytes of memory, read at once."""

    address: Node
    size: int


@dataclass(frozen=True, slots=True)
class Part(Node):
    """``size`` bytes of a block from ``offset``, as an unsigned little-endian integer."""

    block: Block
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Bits(Node):
    """``width`` bits of an unsigned integer from bit ``shift`` up."""

    of: Node
    shift: int
    width: int


@dataclass(frozen=True, slots=True)
class Joined(Node):
    """Unsigned integers side by side, the lowest first: a value that lies in several places."""

    parts: tuple[tuple[Node, int], ...]


@dataclass(frozen=True, slots=True)
class Decode(Node):
    """Raw bits, read as a scalar. ``bits``: the width where it is not the kind's own (a bitfield)."""

    of: Node
    kind: Kind
    bits: int = 0


@dataclass(frozen=True, slots=True)
class Convert(Node):
    """A scalar as another kind, by the rules that Go and C share."""

    of: Node
    kind: Kind


@dataclass(frozen=True, slots=True)
class Negate(Node):
    of: Node
    kind: Kind


@dataclass(frozen=True, slots=True)
class Complement(Node):
    of: Node
    kind: Kind


@dataclass(frozen=True, slots=True)
class Not(Node):
    of: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """``+ - * / % & | ^ &^ << >>`` in the width and with the sign of ``kind``."""

    operator: str
    left: Node
    right: Node
    kind: Kind


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """``== != < <= > >=`` of two values of one kind."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """``&&`` or ``||``: the right side is looked at only where it decides."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Either(Node):
    """``then`` if the condition is not 0 or false, else ``otherwise``; only one of them is looked at."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Within(Node):
    """``index``, if it is at least 0 and less than ``length``; else the look has no answer."""

    index: Node
    length: Node


@dataclass(frozen=True, slots=True)
class NotNil(Node):
    """``of``, if it is no nil pointer; else the look has no answer. ``name``: what the reason names."""

    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Provided(Node):
    """``of``, if the condition is true; else the look has no answer, for that reason."""

    of: Node
    condition: Node
    reason: str


@dataclass(frozen=True, slots=True)
class Chosen(Node):
    """One of several answers: the one whose value the selector has, else the one of None."""

    selector: Node
    cases: tuple[tuple[int | None, Node], ...]


@dataclass(frozen=True, slots=True)
class Address(Node):
    """An address as an answer: None for nil, else its hexadecimal text."""

    of: Node


@dataclass(frozen=True, slots=True)
class Text(Node):
    """``length`` bytes at ``address`` as text, at most ``limit`` of them."""

    address: Node
    length: Node
    limit: int


@dataclass(frozen=True, slots=True)
class TerminatedText(Node):
    """The bytes at ``address`` up to a zero, at most ``limit`` of them; None where the address is 0."""

    address: Node
    limit: int


@dataclass(frozen=True, slots=True)
class Listing(Node):
    """Several answers written as one text: ``head``, the items (with names where they have some), ``tail``."""

    head: str
    items: tuple[Node, ...]
    names: tuple[str, ...]
    tail: str
    between: str = ", "
    assigned: str = ": "


@dataclass(frozen=True, slots=True)
class Elements(Node):
    """The first of ``length`` elements as text. In ``head``, \\0 stands for the length, \\1 for the capacity.

    ``start``, if given, is where they lie: neither ``opening`` nor elements nor ``tail`` where it is nil.
    """

    head: str
    items: tuple[Node, ...]
    length: Node
    tail: str
    between: str = ","
    capacity: Node | None = None
    opening: str = ""
    start: Node | None = None


@dataclass(frozen=True, slots=True)
class Labelled(Node):
    """A number as it stands inside of a composite's text: by its name, where it has one."""

    of: Node
    names: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Quoted(Node):
    """A value as it stands inside of a composite's text: a string in quotation marks."""

    of: Node


def offset(address: Node, by: int) -> Node:
    """The address ``by`` bytes further, several steps taken as one."""
    if isinstance(address, Offset):
        return offset(address.of, address.by + by)
    return Offset(address, by) if by else address


#: What reads memory.
Reading = Block | Text | TerminatedText
