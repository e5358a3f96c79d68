"""What can be named at a place: parameters, locals, captured variables, globals, constants, types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sampler.debuginfo import entries, locations, tree, types
from sampler.debuginfo.frames import Frames
from sampler.debuginfo.globals import Globals
from sampler.debuginfo.image import Image
from sampler.debuginfo.languages import GO
from sampler.debuginfo.lines import declared_line
from sampler.debuginfo.machine import Surroundings, storage
from sampler.debuginfo.points import Place
from sampler.debuginfo.prologues import prologue_mark
from sampler.debuginfo.storage import Memory, Storage, Unlocated
from sampler.debuginfo.type_reader import TypeReader
from sampler.debuginfo.types import Type
from sampler.plan import numbers
from sampler.plan.nodes import Block, Node, Part, Register

_VARIABLES = ("DW_TAG_formal_parameter", "DW_TAG_variable")
_GO_CLOSURE_OFFSET = 0x2907  # cmd/internal/dwarf/dwarf.go
_CLOSURE = ".closureptr"
_CONTEXT = 1  # rdx, Go's context register: src/cmd/compile/abi-internal.md


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
    """The names at one place. Those of globals raise NotInScope."""

    def __init__(self, image: Image, place: Place) -> None:
        self.image, self.place = image, place
        self._globals = Globals(image, place)
        self.types = TypeReader(self._globals.definition)
        self._surroundings = Surroundings(place.address, self._frame_base, self._cfa, image.thread_storage)

    @property
    def owner(self) -> str:
        """What the scope belongs to, for messages."""
        return self.place.name

    @property
    def language(self) -> str:
        return self.place.language

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

    def global_named(self, name: str) -> Variable | None:
        """A global by its name as written: in Go with or without its package (path)."""
        entry = self._globals.variable(name)
        if entry is None:
            return None
        kind = self.types.of(entry)
        return Variable(name, kind, self._where(entry, kind))

    def constant(self, name: str) -> tuple[int, Type | None] | None:
        """A named integer constant or an enumerator, with its type."""
        entry = self._globals.constant(name)
        if entry is None:
            return None
        owner = tree.parent(entry) if entry.tag == "DW_TAG_enumerator" else entries.type_of(entry)
        kind = self.types.read(owner) if owner is not None else None
        return _in_kind(entries.value(entry, "DW_AT_const_value"), kind), kind

    def type_named(self, name: str) -> Type | None:
        """A type by its name as written."""
        entry = self._globals.type(name)
        return self.types.read(entry) if entry is not None else None

    # Locals.

    def _variables_of(self, block: Any) -> Iterator[Any]:
        seen = set()
        for entry in tree.children(block):
            if entry.tag in _VARIABLES and entries.name(entry) and self._is_declared(entry):
                seen.add(tree.identity(entries.origin(entry)))
                yield entry
        origin = entries.origin(block)
        if origin is not block:  # what has vanished altogether is told by the abstract instance only
            for entry in tree.children(origin):
                if entry.tag in _VARIABLES and tree.identity(entry) not in seen and entries.name(entry):
                    yield entry

    def _is_declared(self, entry: Any) -> bool:
        """In Go a block's entry begins before its variables do."""
        line = declared_line(entry)
        if self.language != GO or entry.tag != "DW_TAG_variable" or line is None or self.place.line is None:
            return True
        if _GO_CLOSURE_OFFSET in entry.attributes:  # it was there before the function
            return True
        return line <= self.place.line

    def _local(self, entry: Any) -> Variable:
        name, kind = entries.name(entry) or "", self.types.of(entry)
        captured = _GO_CLOSURE_OFFSET in entry.attributes
        where = self._captured(entry, kind) if captured else self._where(entry, kind)
        if self.language == GO and name.startswith("&"):  # it has escaped: a pointer to it is kept
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
            for entry in tree.children(block):
                if entries.name(entry) == _CLOSURE:
                    found = _behind(self._where(entry, self.types.of(entry)))
                    return found if isinstance(found, Memory) else None
        return None

    def _in_prologue(self) -> bool:
        low, high = entries.ranges(self.place.function)[0]
        end = prologue_mark(self.image.lines.of_function(low, high)) or low
        return not self.place.inlined and low <= self.place.address <= end

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
        found = storage(function.cu, code, self._surroundings, 8)
        return found.address if isinstance(found, Memory) else found.part(0, 8)

    def _cfa(self) -> Node:
        spans = entries.ranges(self.place.function)
        low = next((low for low, high in spans if low <= self.place.address < high), self.place.address)
        found = Frames(self.image).cfa(self.place.address, low)
        if found is None:
            raise Unlocated("the program has no call frame information for its function")
        return found


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
