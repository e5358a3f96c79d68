"""Where a variable lies at one instruction: from DWARF's location expressions to nodes of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sampler.debuginfo import entries
from sampler.debuginfo.units import Range
from sampler.plan.nodes import (
    WORD,
    Arithmetic,
    Bias,
    Bits,
    Block,
    Constant,
    Joined,
    Node,
    Part,
    Register,
    ThreadPointer,
    offset,
)

_ARITHMETIC = {
    "DW_OP_plus": "+", "DW_OP_minus": "-", "DW_OP_mul": "*", "DW_OP_and": "&", "DW_OP_or": "|", "DW_OP_xor": "^",
    "DW_OP_shl": "<<", "DW_OP_shr": ">>",
}  # fmt: skip
_FIRST_VECTOR, _LAST_VECTOR = 17, 32  # xmm0 to xmm15, sixteen bytes each


class Unlocated(Exception):
    """The variable has no location at this instruction. ``alive``: the addresses at which it has one."""

    def __init__(self, reason: str, alive: tuple[Range, ...] = ()) -> None:
        super().__init__(reason)
        self.alive = alive


@dataclass(frozen=True, slots=True)
class Memory:
    """A value that lies in memory."""

    address: Node

    def part(self, at: int, size: int) -> Node:
        """``size`` bytes from byte ``at`` on, as an unsigned integer."""
        return Part(Block(offset(self.address, at), size), 0, size)

    def inside(self, at: int) -> Memory:
        """What lies ``at`` bytes further on."""
        return Memory(offset(self.address, at))


@dataclass(frozen=True, slots=True)
class Pieces:
    """A value that lies in registers, in several places, or nowhere: pieces of so many bytes.

    A piece of None was optimised out; only reading it is an error.
    """

    pieces: tuple[tuple[Node | None, int], ...]
    skipped: int = 0

    def part(self, at: int, size: int) -> Node:
        """As in ``Memory``; Unlocated where a part of it does not exist."""
        start, found, wanted = 0, list[tuple[Node, int]](), (at + self.skipped, at + self.skipped + size)
        for node, length in self.pieces:
            low, high = max(start, wanted[0]), min(start + length, wanted[1])
            if low < high:
                if node is None:
                    raise Unlocated("this part of it was optimised out")
                whole = low == start and high == start + length
                found.append((node if whole else Bits(node, 8 * (low - start), 8 * (high - low)), high - low))
            start += length
        if sum(length for _, length in found) < size:
            raise Unlocated("this part of it lies nowhere")
        return found[0][0] if len(found) == 1 else Joined(tuple(found))

    def inside(self, at: int) -> Pieces:
        return Pieces(self.pieces, self.skipped + at)


Storage = Memory | Pieces


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an expression may refer to. ``frame_base``, ``cfa``: worked out only where it is needed.

    ``thread_storage``: the offset of the program's thread-local storage from the thread pointer.
    """

    address: int
    frame_base: Callable[[], Node]
    cfa: Callable[[], Node]
    thread_storage: int = 0


def locate(variable: Any, around: Surroundings, size: int | None) -> Storage:
    """Where the variable lies; raises Unlocated."""
    constant = entries.inherited(variable, "DW_AT_const_value")
    attribute = variable.attributes.get("DW_AT_location")
    if attribute is None and constant is not None:
        return _constant(entries.value(constant, "DW_AT_const_value"), size or 8)
    if attribute is None:
        owner = entries.inherited(variable, "DW_AT_location")
        if owner is None:
            raise Unlocated("it was optimised out")
        variable, attribute = owner, owner.attributes["DW_AT_location"]
    code = expression_at(variable, attribute, around.address)
    return storage(variable.cu, code, around, size or 8)


def expression_at(entry: Any, attribute: Any, address: int) -> list[int]:
    """The location expression that holds at an address; raises Unlocated."""
    if attribute.form.startswith("DW_FORM_block") or attribute.form == "DW_FORM_exprloc":
        if not attribute.value:  # Go's way to say that it has none
            raise Unlocated("it was optimised out")
        return list(attribute.value)
    alive = []
    for low, high, code in _listed(entry, attribute):
        if low <= address < high and code:
            return code
        if code:
            alive.append((low, high))
    raise Unlocated("it has no value here", tuple(alive))


def _listed(entry: Any, attribute: Any) -> list[tuple[int, int, list[int]]]:
    base = entries.low_pc(entry.cu.get_top_DIE()) or 0
    found = []
    for item in entry.dwarfinfo.location_lists().get_location_list_at_offset(attribute.value, entry):
        if hasattr(item, "base_address"):
            base = item.base_address
        elif hasattr(item, "loc_expr"):
            start = 0 if item.is_absolute else base
            low, high = start + item.begin_offset, start + item.end_offset
            found.append((low, high if item.begin_offset != -1 else 1 << 64, list(item.loc_expr)))
    return found


def storage(cu: Any, code: list[int], around: Surroundings, size: int) -> Storage:
    """What a location expression describes; ``size``: of the whole value, in bytes."""
    machine = _Machine(cu, around, size)
    for operation in _decoded(cu, code):
        machine.step(operation)
    return machine.result()


def _decoded(cu: Any, code: list[int]) -> Any:
    from elftools.dwarf.dwarf_expr import DWARFExprParser

    return DWARFExprParser(cu.structs).parse_expr(code)


def _constant(value: Any, size: int) -> Pieces:
    if isinstance(value, bytes | list):
        value = int.from_bytes(bytes(value), "little")
    return Pieces(((Constant(int(value) & (1 << 8 * size) - 1), size),))


def register(number: int, size: int) -> Register:
    widest = 16 if _FIRST_VECTOR <= number <= _LAST_VECTOR else 8
    if number > _LAST_VECTOR:
        raise Unlocated(f"it lies in register {number}, which is not read")
    return Register(number, min(size, widest))


class _Machine:
    """DWARF's stack machine, with nodes in the place of numbers (DWARF 5, 2.5 and 2.6)."""

    def __init__(self, cu: Any, around: Surroundings, size: int) -> None:
        self._cu, self._around, self._size = cu, around, size
        self._stack: list[Node] = []
        self._value: Node | None = None  # of a location that is no memory: a register, or a value itself
        self._pieces: list[tuple[Node | None, int]] = []

    def result(self) -> Storage:
        if self._pieces:
            return Pieces(tuple(self._pieces))
        if self._value is not None:
            return Pieces(((self._value, self._size),))
        if not self._stack:
            raise Unlocated("it was optimised out")
        return Memory(self._stack[-1])

    def step(self, operation: Any) -> None:
        name, arguments = operation.op_name, operation.args
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(self, *arguments)
        elif name in _ARITHMETIC:
            right, left = self._stack.pop(), self._stack.pop()
            self._stack.append(Arithmetic(_ARITHMETIC[name], left, right, WORD))
        elif name.startswith("DW_OP_lit"):
            self._stack.append(Constant(int(name[9:])))
        elif name.startswith("DW_OP_const") and name[11:12] in "1248us":
            self._stack.append(Constant(arguments[0] & (1 << 64) - 1))
        elif name.startswith("DW_OP_breg"):
            self._stack.append(offset(register(int(name[10:]), 8), arguments[0]))
        elif name.startswith("DW_OP_reg"):
            self._in_register(int(name[9:]))
        else:
            raise Unlocated(_UNTOLD.get(name, f"its location uses {name}, which is not understood"))

    def _in_register(self, number: int) -> None:
        self._value = register(number, 16 if number >= _FIRST_VECTOR else 8)

    def _based_register(self, number: int, by: int) -> None:
        self._stack.append(offset(register(number, 8), by))

    def _frame_base(self, by: int) -> None:
        self._stack.append(offset(self._around.frame_base(), by))

    def _call_frame(self) -> None:
        self._stack.append(self._around.cfa())

    def _address(self, address: int) -> None:
        self._stack.append(offset(Bias(), address))

    def _indexed_address(self, index: int) -> None:
        self._address(self._cu.dwarfinfo.get_addr(self._cu, index))

    def _plus(self, by: int) -> None:
        self._stack.append(offset(self._stack.pop(), by))

    def _load(self, size: int = 8) -> None:
        self._stack.append(Part(Block(self._stack.pop(), size), 0, size))

    def _duplicate(self) -> None:
        self._stack.append(self._stack[-1])

    def _thread_local(self) -> None:
        self._stack[-1] = Arithmetic("+", offset(ThreadPointer(), self._around.thread_storage), self._stack[-1], WORD)

    def _stack_value(self) -> None:
        self._value = self._stack.pop()

    def _implicit(self, data: list[int]) -> None:
        self._value = Constant(int.from_bytes(bytes(data), "little"))

    def _nothing(self) -> None:
        return

    def _piece(self, size: int) -> None:
        node = self._value
        if node is None and self._stack:
            node = Part(Block(self._stack.pop(), size), 0, size)
        self._pieces.append((node, size))
        self._value = None


_HANDLERS: dict[str, Callable[..., None]] = {
    "DW_OP_regx": _Machine._in_register,
    "DW_OP_bregx": _Machine._based_register,
    "DW_OP_fbreg": _Machine._frame_base,
    "DW_OP_call_frame_cfa": _Machine._call_frame,
    "DW_OP_addr": _Machine._address,
    "DW_OP_addrx": _Machine._indexed_address,
    "DW_OP_GNU_addr_index": _Machine._indexed_address,
    "DW_OP_plus_uconst": _Machine._plus,
    "DW_OP_deref": _Machine._load,
    "DW_OP_deref_size": _Machine._load,
    "DW_OP_dup": _Machine._duplicate,
    "DW_OP_GNU_push_tls_address": _Machine._thread_local,
    "DW_OP_form_tls_address": _Machine._thread_local,
    "DW_OP_stack_value": _Machine._stack_value,
    "DW_OP_implicit_value": _Machine._implicit,
    "DW_OP_piece": _Machine._piece,
    "DW_OP_nop": _Machine._nothing,
}
_UNTOLD = {
    "DW_OP_entry_value": "only its value at the function's entry was kept, and that is gone",
    "DW_OP_GNU_entry_value": "only its value at the function's entry was kept, and that is gone",
    "DW_OP_implicit_pointer": "what it points to was optimised out",
    "DW_OP_GNU_implicit_pointer": "what it points to was optimised out",
}
