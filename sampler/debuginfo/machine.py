"""DWARF's stack machine, with nodes of a plan in the place of numbers (DWARF 5, 2.5 and 2.6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sampler.debuginfo import entries, tree
from sampler.debuginfo.storage import Memory, Pieces, Storage, Unlocated
from sampler.plan.nodes import (
    FIRST_VECTOR,
    INT64,
    WORD,
    Arithmetic,
    Base,
    Bias,
    Bits,
    Block,
    Compare,
    Complement,
    Constant,
    Convert,
    Decode,
    Kind,
    Negate,
    Node,
    Part,
    Register,
    ThreadPointer,
    offset,
)

# The operations of the machine, with the kind that their operands have.
_ARITHMETIC: dict[str, tuple[str, Kind]] = {
    "plus": ("+", WORD), "minus": ("-", WORD), "mul": ("*", WORD), "and": ("&", WORD), "or": ("|", WORD),
    "xor": ("^", WORD), "shl": ("<<", WORD), "shr": (">>", WORD), "shra": (">>", INT64), "div": ("/", INT64),
    "mod": ("%", WORD),
}  # fmt: skip
_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_LAST_VECTOR = 32  # from xmm0 to xmm15, sixteen bytes each
_WORD_SIZE = 8
_SIGNED, _UNSIGNED = (0x05, 0x06), (0x02, 0x07, 0x08)  # DW_ATE_*, DWARF 5, table 7.11


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an expression may refer to. ``frame_base``, ``cfa``: worked out only where it is needed.

    ``thread_storage``: the offset of the program's thread-local storage from the thread pointer.
    """

    address: int
    frame_base: Callable[[], Node]
    cfa: Callable[[], Node]
    thread_storage: int = 0


def storage(cu: Any, code: list[int], around: Surroundings, size: int) -> Storage:
    """What a location expression describes; ``size``: of the whole value, in bytes."""
    machine = _Machine(cu, around, size)
    machine.run(code)
    return machine.result()


def address_from(cu: Any, code: list[int], start: Node) -> Node:
    """The address that an expression makes of another one; Unlocated."""
    return computed(cu, code, [start])


def computed(unit: Any, code: list[int], stack: list[Node] | None = None) -> Node:
    """What an expression leaves on the stack that knows of no frame; Unlocated."""
    machine = _Machine(unit, Surroundings(0, _nowhere, _nowhere), _WORD_SIZE)
    machine.stack = stack or []
    machine.run(code)
    if not machine.stack:
        raise Unlocated("its expression leaves nothing")
    return machine.stack[-1]


def register(number: int, size: int) -> Register:
    """A register as far as it is read; Unlocated for those that are not."""
    if number > _LAST_VECTOR:
        raise Unlocated(f"it lies in register {number}, which is not read")
    return Register(number, min(size, width(number)))


def width(number: int) -> int:
    """Of a register, in bytes."""
    return 16 if FIRST_VECTOR <= number <= _LAST_VECTOR else _WORD_SIZE


def _nowhere() -> Node:
    raise Unlocated("it depends on a frame")


class _Machine:
    def __init__(self, cu: Any, around: Surroundings, size: int) -> None:
        self._cu, self._around, self._size = cu, around, size
        self.stack: list[Node] = []
        self._value: tuple[Node, int] | None = None  # of a location that is no memory, and how long it is
        self._pieces: list[tuple[Node | None, int]] = []

    def run(self, code: list[int]) -> None:
        from elftools.dwarf.dwarf_expr import DWARFExprParser

        try:
            for operation in DWARFExprParser(self._cu.structs).parse_expr(code):
                self._step(operation)
        except IndexError as error:
            raise Unlocated("its location takes more from the stack than there is") from error

    def result(self) -> Storage:
        if self._pieces:
            return Pieces(tuple(self._pieces))
        if self._value is not None:
            node, length = self._value
            return Pieces(((node, min(length, self._size)),))
        if not self.stack:
            raise Unlocated("it was optimised out")
        return Memory(self.stack[-1])

    def _step(self, operation: Any) -> None:
        name, arguments = operation.op_name.removeprefix("DW_OP_"), operation.args
        handler = _HANDLERS.get(name)
        if handler is not None:
            handler(self, *arguments)
        elif name in _ARITHMETIC:
            sign, kind = _ARITHMETIC[name]
            right, left = self._as(kind), self._as(kind)
            made = Arithmetic(sign, left, right, kind)
            self.stack.append(made if kind == WORD else Convert(made, WORD))
        elif name in _COMPARISONS:
            right, left = self._as(INT64), self._as(INT64)
            self.stack.append(Convert(Compare(_COMPARISONS[name], left, right), WORD))
        elif name.startswith("lit"):
            self.stack.append(Constant(int(name[3:])))
        elif name.startswith("const") and name[5:6] in "1248us":
            self.stack.append(Constant(arguments[0] & (1 << 64) - 1))
        elif name.startswith("breg"):
            self._based_register(int(name[4:]), arguments[0])
        elif name.startswith("reg") and name[3:].isdigit():
            self._in_register(int(name[3:]))
        else:
            raise Unlocated(_UNTOLD.get(name, f"its location uses DW_OP_{name}, which is not understood"))

    def _as(self, kind: Kind) -> Node:
        node = self.stack.pop()
        return node if kind == WORD else Convert(node, kind)

    def _in_register(self, number: int) -> None:
        self._value = register(number, width(number)), width(number)

    def _based_register(self, number: int, by: int) -> None:
        self.stack.append(offset(register(number, _WORD_SIZE), by))

    def _frame_base(self, by: int) -> None:
        self.stack.append(offset(self._around.frame_base(), by))

    def _call_frame(self) -> None:
        self.stack.append(self._around.cfa())

    def _address(self, address: int) -> None:
        self.stack.append(offset(Bias(), address))

    def _indexed_address(self, index: int) -> None:
        self._address(self._cu.dwarfinfo.get_addr(self._cu, index))

    def _indexed_constant(self, index: int) -> None:
        self.stack.append(Constant(self._cu.dwarfinfo.get_addr(self._cu, index)))

    def _plus(self, by: int) -> None:
        self.stack.append(offset(self.stack.pop(), by))

    def _negate(self) -> None:
        self.stack.append(Negate(self.stack.pop(), WORD))

    def _complement(self) -> None:
        self.stack.append(Complement(self.stack.pop(), WORD))

    def _load(self, size: int = _WORD_SIZE) -> None:
        self.stack.append(Part(Block(self.stack.pop(), size), 0, size))

    def _converted(self, type_at: int) -> None:
        """To a base type, which the operand refers to; 0 stands for the type of the stack itself."""
        kind, bits = self._integer_at(type_at) if type_at else (WORD, 0)
        node = self.stack.pop()
        self.stack.append(Convert(Decode(Bits(node, 0, bits), kind, bits), kind) if bits else Convert(node, kind))

    def _integer_at(self, type_at: int) -> tuple[Kind, int]:
        """The kind of an integer, and how many bits it has if these are no whole bytes: LLVM has that in the name."""
        entry = tree.entry_at(self._cu, self._cu.cu_offset + type_at)
        size, encoding = entries.value(entry, "DW_AT_byte_size", 0), entries.value(entry, "DW_AT_encoding")
        if (encoding not in _SIGNED and encoding not in _UNSIGNED) or not 0 < size <= _WORD_SIZE:
            raise Unlocated("its location reckons with a type that is not understood there")
        named = re.fullmatch(r"DW_ATE_\w+_(\d+)", entries.name(entry) or "")
        bits = int(named[1]) if named else 0
        return Kind(Base.INTEGER, size, encoding in _SIGNED), bits if bits % 8 and bits < size * 8 else 0

    def _pick(self, depth: int = 0) -> None:
        self.stack.append(self.stack[-1 - depth])

    def _over(self) -> None:
        self._pick(1)

    def _swap(self) -> None:
        self.stack[-1], self.stack[-2] = self.stack[-2], self.stack[-1]

    def _rotate(self) -> None:
        self.stack[-3:] = [self.stack[-1], self.stack[-3], self.stack[-2]]

    def _drop(self) -> None:
        self.stack.pop()

    def _thread_local(self) -> None:
        self.stack[-1] = Arithmetic("+", offset(ThreadPointer(), self._around.thread_storage), self.stack[-1], WORD)

    def _stack_value(self) -> None:
        node = self.stack.pop()
        self._value = Convert(node, WORD) if isinstance(node, Convert) else node, _WORD_SIZE

    def _implicit(self, data: list[int]) -> None:
        self._value = Constant(int.from_bytes(bytes(data), "little")), len(data)

    def _nothing(self) -> None:
        return

    def _piece(self, size: int) -> None:
        node = self._value[0] if self._value is not None else None
        if node is not None and self._value is not None and self._value[1] < size:
            raise Unlocated("its location tells of more than the register holds")
        if node is None and self.stack:
            node = Part(Block(self.stack.pop(), size), 0, size)
        self._pieces.append((node, size))
        self._value = None


_HANDLERS: dict[str, Callable[..., None]] = {
    "regx": _Machine._in_register,
    "bregx": _Machine._based_register,
    "fbreg": _Machine._frame_base,
    "call_frame_cfa": _Machine._call_frame,
    "addr": _Machine._address,
    "addrx": _Machine._indexed_address,
    "GNU_addr_index": _Machine._indexed_address,
    "constx": _Machine._indexed_constant,
    "GNU_const_index": _Machine._indexed_constant,
    "plus_uconst": _Machine._plus,
    "neg": _Machine._negate,
    "not": _Machine._complement,
    "deref": _Machine._load,
    "deref_size": _Machine._load,
    "dup": _Machine._pick,
    "pick": _Machine._pick,
    "over": _Machine._over,
    "swap": _Machine._swap,
    "rot": _Machine._rotate,
    "drop": _Machine._drop,
    "convert": _Machine._converted,
    "GNU_convert": _Machine._converted,
    "GNU_push_tls_address": _Machine._thread_local,
    "form_tls_address": _Machine._thread_local,
    "stack_value": _Machine._stack_value,
    "implicit_value": _Machine._implicit,
    "piece": _Machine._piece,
    "nop": _Machine._nothing,
}
_ENTRY_VALUE = "only its value at the function's entry was kept, and that is gone"
_IMPLICIT_POINTER = "what it points to was optimised out"
_UNTOLD = {
    "entry_value": _ENTRY_VALUE,
    "GNU_entry_value": _ENTRY_VALUE,
    "implicit_pointer": _IMPLICIT_POINTER,
    "GNU_implicit_pointer": _IMPLICIT_POINTER,
    "GNU_parameter_ref": "the compiler has left it out of the call",
}
