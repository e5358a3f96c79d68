"""What can be asked at a point: its variables with their types, and where each one lies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sampler.debuginfo.image import reading
from sampler.debuginfo.lines import Lines
from sampler.debuginfo.points import Points
from sampler.debuginfo.scope import Scope, Variable
from sampler.debuginfo.storage import Memory, Storage, Unlocated
from sampler.debuginfo.types import Pointer as PointerType
from sampler.debuginfo.types import Struct, Type, plain
from sampler.placing import described
from sampler.plan.nodes import Bias, Constant, Node, Offset, Part, Register, ThreadPointer
from sampler.plan.trees import walk
from sampler.planning import image_of, load_bias
from sampler.target import Target

# In the order of their DWARF numbers: System V ABI, AMD64, figure 3.36.
_GENERAL = ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp")
_REGISTERS = (*_GENERAL, *(f"r{number}" for number in range(8, 16)), "rip", *(f"xmm{number}" for number in range(16)))
_STACK = (6, 7)  # rbp, rsp
_MOST_FIELDS = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """One variable at one place. ``place``: where the point is. ``readable``: False if it has no value there."""

    place: str
    address: int
    name: str
    type: str
    where: str
    readable: bool
    fields: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "address": f"{self.address:#x}",
            "name": self.name,
            "type": self.type,
            "where": self.where,
            "readable": self.readable,
            "fields": list(self.fields),
        }


def inventory(target: Target, point: str) -> Iterator[Asked]:
    """The parameters and locals at each address of the point; raises BinaryError and QuestionError."""
    with image_of(target) as image, reading(target.executable):
        bias = load_bias(target.pid, image)
        for place in Points(image, bias).find(point):
            for variable in Scope(image, place).locals.values():
                name = variable.type.name if variable.type is not None else "void"
                where, readable = _where(variable, image.lines)
                yield Asked(described(place), place.address + bias, variable.name, name, where, readable,
                            tuple(_fields(variable.type)))  # fmt: skip


def _where(variable: Variable, lines: Lines) -> tuple[str, bool]:
    if not isinstance(variable.where, Unlocated):
        return lies(variable.where), True
    rows = [lines.line_at(low) for low, _ in variable.where.alive]
    places = sorted({f"{row.file.rpartition('/')[2]}:{row.line}" for row in rows if row is not None})
    return f"{variable.where}" + (f"; it has one at {', '.join(places[:3])}" if places else ""), False


def lies(storage: Storage) -> str:
    """Where a value lies, for people."""
    if isinstance(storage, Memory):
        return _memory(storage.address)
    return ", ".join(_piece(node) for node, _ in storage.pieces)


def _piece(node: Node | None) -> str:
    if node is None:
        return "a part optimised out"
    if isinstance(node, Register):
        return _REGISTERS[node.number]
    if isinstance(node, Constant):
        return f"the constant {node.value}"
    return _memory(node.block.address) if isinstance(node, Part) else "computed"


def _memory(address: Node) -> str:
    base, by = (address.of, address.by) if isinstance(address, Offset) else (address, 0)
    if isinstance(base, Register):
        return f"{'stack' if base.number in _STACK else 'memory'}, {_REGISTERS[base.number]}{by:+d}"
    if isinstance(base, Bias):
        return f"static, {by:#x}"
    if any(isinstance(node, ThreadPointer) for node in walk(address)):
        return "of the thread"
    return "behind a pointer"


def _fields(kind: Type | None) -> Iterator[str]:
    found = plain(kind)
    if isinstance(found, PointerType):
        found = plain(found.target())
    if isinstance(found, Struct):
        yield from [field.name for field in found.fields if field.name][:_MOST_FIELDS]
