"""What can be named at a place: parameters, locals, captured variables, globals, constants, types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sampler.debuginfo import entries, locations, references, types
from sampler.debuginfo.frames import Frames
from sampler.debuginfo.image import Image
from sampler.debuginfo.lines import declared_line, prologue_end
from sampler.debuginfo.locations import Memory, Storage, Surroundings, Unlocated
from sampler.debuginfo.packages import spellings
from sampler.debuginfo.points import Place
from sampler.debuginfo.type_reader import TypeReader
from sampler.debuginfo.types import Type
from sampler.debuginfo.units import Unit, find_all
from sampler.plan import numbers
from sampler.plan.nodes import Block, Node, Part, Register

_VARIABLES = ("DW_TAG_formal_parameter", "DW_TAG_variable")
_VARIABLE = ("DW_TAG_variable",)
_GO_CLOSURE_OFFSET = 0x2907  # cmd/internal/dwarf/dwarf.go
_CLOSURE = ".closureptr"
_CONTEXT = 1  # rdx, Go's context register: src/cmd/compile/abi-internal.md
_NAMES = ("DW_AT_name",)
_FORMS = ("DW_FORM_string", "DW_FORM_strp", "DW_FORM_strx1", "DW_FORM_strx2", "DW_FORM_strx")
_CODE_TAGS = ("DW_TAG_subprogram", "DW_TAG_lexical_block", "DW_TAG_inlined_subroutine")
_TYPE_TAGS = ("DW_TAG_base_type", "DW_TAG_structure_type", "DW_TAG_union_type", "DW_TAG_class_type",
              "DW_TAG_enumeration_type", "DW_TAG_typedef")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variable:
    """A name with its type. ``where``: its storage, or the reason why it has none here."""

    name: str
    type: Type | None
    where: Storage | Unlocated
    parameter: bool = False

    @property
    def storage(self) -> Storage:
        if isinstance(self.where, Unlocated):
            raise self.where
        return self.where


class Scope:
    """The names at one place."""

    def __init__(self, image: Image, place: Place) -> None:
        self.image, self.place = image, place
        self.types = TypeReader(image.is_go)
        self._surroundings = Surroundings(place.address, self._frame_base, self._cfa, image.thread_storage)

    @cached_property
    def locals(self) -> dict[str, Variable]:
        """Parameters and locals; of several of one name, that of the innermost block."""
        found: dict[str, Variable] = {}
        for block in self.place.scope:
            for entry in self._variables_of(block):
                variable = self._local(entry)
                if not variable.name.startswith("."):
                    found[variable.name] = variable
        return found

    def variable(self, name: str) -> Variable | None:
        """A local, or a global of the same package or unit; None."""
        return self.locals.get(name) or self.global_named(name)

    def global_named(self, name: str) -> Variable | None:
        """A global by its name as written: in Go with or without its package (path)."""
        for declared in self._globals(name, _VARIABLE):
            for entry in (declared, *references.referring(self.image.units, declared, _VARIABLE)):
                if "DW_AT_location" in entry.attributes:
                    return Variable(name, self.types.of(entry), self._where(entry, self.types.of(entry)))
        return None

    def constant(self, name: str) -> tuple[int, Type | None] | None:
        """A named integer constant or an enumerator, with its type."""
        for entry in self._globals(name, ("DW_TAG_constant", "DW_TAG_enumerator")):
            value = entries.value(entry, "DW_AT_const_value")
            if isinstance(value, int):
                owner = entry.get_parent() if entry.tag == "DW_TAG_enumerator" else entries.type_of(entry)
                kind = self.types.read(owner) if owner is not None else None
                return _in_kind(value, kind), kind
        return None

    def type_named(self, name: str) -> Type | None:
        """A type by its name as written."""
        for entry in self._globals(name, _TYPE_TAGS):
            if not entries.value(entry, "DW_AT_declaration"):
                return self.types.read(entry)
        return None

    @property
    def owner(self) -> str:
        """What the scope belongs to, for messages."""
        return self.place.name

    # Locals.

    def _variables_of(self, block: Any) -> Iterator[Any]:
        seen = set()
        for entry in block.iter_children():
            if entry.tag in _VARIABLES and entries.name(entry) and self._is_declared(entry):
                seen.add(entries.origin(entry).offset)
                yield entry
        origin = entries.origin(block)
        if origin is not block:  # what has vanished altogether is told by the abstract instance only
            for entry in origin.iter_children():
                if entry.tag in _VARIABLES and entry.offset not in seen and entries.name(entry):
                    yield entry

    def _is_declared(self, entry: Any) -> bool:
        """In Go a block's entry begins before its variables do."""
        line = declared_line(entry)
        if not self.image.is_go or entry.tag != "DW_TAG_variable" or line is None or self.place.line is None:
            return True
        if _GO_CLOSURE_OFFSET in entry.attributes:  # it was there before the function
            return True
        return line <= self.place.line

    def _local(self, entry: Any) -> Variable:
        name, kind = entries.name(entry) or "", self.types.of(entry)
        captured = _GO_CLOSURE_OFFSET in entry.attributes
        where = self._captured(entry, kind) if captured else self._where(entry, kind)
        if self.image.is_go and name.startswith("&"):  # it has escaped: a pointer to it is kept
            name, kind, where = name[1:], _target(kind), _behind(where)
        return Variable(name, kind, where, entry.tag == "DW_TAG_formal_parameter")

    def _captured(self, entry: Any, kind: Type | None) -> Storage | Unlocated:
        """A variable of an outer function: in the closure's record where that is at hand, else where it was put."""
        closure = self._closure
        if closure is not None:
            return closure.inside(entries.value(entry, _GO_CLOSURE_OFFSET))
        return self._where(entry, kind)

    @cached_property
    def _closure(self) -> Memory | None:
        """The record of the closure that is executed: in a register of its own until the prologue ends."""
        if self._in_prologue():
            return Memory(Register(_CONTEXT))
        for block in self.place.scope:
            for entry in block.iter_children():
                if entries.name(entry) == _CLOSURE:
                    found = _behind(self._where(entry, self.types.of(entry)))
                    return found if isinstance(found, Memory) else None
        return None

    def _in_prologue(self) -> bool:
        low, high = entries.ranges(self.place.function)[0]
        rows = self.image.lines.of_function(low, high)
        return not self.place.inlined and low <= self.place.address <= prologue_end(rows, low, optimised=True)

    def _where(self, entry: Any, kind: Type | None) -> Storage | Unlocated:
        try:
            return locations.locate(entry, self._surroundings, kind.size if kind else None)
        except Unlocated as reason:
            return reason

    def _frame_base(self) -> Node:
        function = entries.inherited(self.place.function, "DW_AT_frame_base")
        if function is None:
            raise Unlocated("its function has no frame base")
        attribute = function.attributes["DW_AT_frame_base"]
        code = locations.expression_at(function, attribute, self.place.address)
        found = locations.storage(function.cu, code, self._surroundings, 8)
        return found.address if isinstance(found, Memory) else found.part(0, 8)

    def _cfa(self) -> Node:
        spans = entries.ranges(self.place.function)
        low = next((low for low, high in spans if low <= self.place.address < high), self.place.address)
        found = Frames(self.image).cfa(self.place.address, low)
        if found is None:
            raise Unlocated("the program has no call frame information for its function")
        return found

    # Globals.

    def _globals(self, name: str, tags: tuple[str, ...]) -> Iterator[Any]:
        if self.image.is_go:
            yield from (entry for full in self._go_names(name, tags) for entry in self._entries(full, tags))
        else:
            last = name.rpartition("::")[2]
            for entry in self._entries(last, tags):
                named = last == name or "::".join([*entries.enclosing(entry), last]).endswith(name)
                if named and entry.get_parent().tag not in _CODE_TAGS:
                    yield entry

    def _go_names(self, name: str, tags: tuple[str, ...]) -> Iterator[str]:
        """The full names that a name may stand for. A package is named by its path, the end of that, or its name."""
        if "." not in name:
            for entry in (self.place.scope[0], self.place.function):
                yield from spellings(f"{entries.name(entry.cu.get_top_DIE())}.{name}")
            if tags == _TYPE_TAGS:
                yield name
            return
        for spelled in spellings(name):
            yield spelled
            yield from self._ending_in(f"/{spelled}\0".encode())
        for full in self.image.packages.with_paths(name):
            yield from spellings(full)

    def _ending_in(self, end: bytes) -> Iterator[str]:
        data = self.image.units.info
        for at in find_all(data, end):
            start = at
            while data[start - 1] >= 0x20:  # in front of a name stands the number of an abbreviation
                start -= 1
            yield data[start : at + len(end) - 1].decode(errors="replace")

    def _entries(self, name: str, tags: tuple[str, ...]) -> Iterator[Any]:
        """Entries of that very name: of the place's own unit first."""
        data, own = self.image.units.info, self.image.units.at(self.place.scope[0].offset)
        units = [unit for unit in self.image.units.mentioning(name) if own is None or unit.offset != own.offset]
        for unit in [own, *units] if own is not None else units:
            for at in self._places(unit, name):
                for entry in references.entries_with(unit, data, at, _NAMES, _FORMS):
                    if entry.tag in tags and entries.name(entry) == name:
                        yield entry

    def _places(self, unit: Unit, name: str) -> Iterator[int]:
        data = self.image.units.info
        yield from find_all(data, name.encode() + b"\0", *unit.span)
        for text in find_all(self.image.units.strings, name.encode() + b"\0"):
            yield from find_all(data, text.to_bytes(4, "little"), *unit.span)


def _in_kind(number: int, kind: Type | None) -> int:
    """As a value of its type: compilers write an unsigned constant as if it were signed."""
    scalar = types.scalar_kind(kind)
    return numbers.wrap(number, scalar.bits, scalar.signed) if scalar is not None else number


def _target(kind: Type | None) -> Type | None:
    pointer = types.plain(kind)
    return pointer.target() if isinstance(pointer, types.Pointer) else None


def _behind(where: Storage | Unlocated) -> Storage | Unlocated:
    """What a pointer that is stored there points to."""
    if isinstance(where, Unlocated):
        return where
    if isinstance(where, Memory):
        return Memory(Part(Block(where.address, 8), 0, 8))
    return Memory(where.part(0, 8))
