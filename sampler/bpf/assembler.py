"""An assembler for BPF: instructions with labels in, bytes out. Source: RFC 9669 (the instruction set)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_ENCODED = struct.Struct("<BBhi")
_FARTHEST = (1 << 15) - 1

# Classes of instructions.
_LDX, _ST, _STX, _JMP, _ALU64 = 0x01, 0x02, 0x03, 0x05, 0x07
_BY_REGISTER = 0x08
_MEMORY, _ATOMIC, _IMMEDIATE64 = 0x60, 0xC0, 0x18
_SIZES = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}
_FETCH_ADD = 0x01
_PSEUDO_MAP_FD, _PSEUDO_MAP_VALUE = 1, 2  # what the source of a 64-bit constant means: include/uapi/linux/bpf.h
_CALL, _EXIT, _ALWAYS = 0x85, 0x95, 0x05

ALU = {"+": 0x00, "-": 0x10, "*": 0x20, "/": 0x30, "|": 0x40, "&": 0x50, "<<": 0x60, ">>": 0x70, "%": 0x90,
       "^": 0xA0, "=": 0xB0, "s>>": 0xC0, "neg": 0x80}  # fmt: skip
JUMPS = {"==": 0x10, ">": 0x20, ">=": 0x30, "!=": 0x50, "s>": 0x60, "s>=": 0x70, "<": 0xA0, "<=": 0xB0,
         "s<": 0xC0, "s<=": 0xD0}  # fmt: skip

R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, FRAME = range(11)


@dataclass(frozen=True, slots=True)
class Label:
    """A place to jump to, forward only."""

    number: int


class TooFar(Exception):
    """A jump over more than 32767 instructions."""


class Assembler:
    """Collects instructions. Values are 64 bits wide."""

    def __init__(self) -> None:
        self._code: list[tuple[int, int, int, int]] = []
        self._jumps: list[tuple[int, Label]] = []
        self._places: dict[Label, int] = {}
        self._labels = 0

    # Arithmetic.

    def set(self, register: int, value: int) -> None:
        """A constant, in one instruction where it fits into 32 bits with its sign."""
        if -(1 << 31) <= value < 1 << 31:
            self._add(_ALU64 | ALU["="], register, imm=value)
        else:
            self._constant64(register, 0, value)

    def move(self, register: int, source: int) -> None:
        self.alu("=", register, source)

    def alu(self, operator: str, register: int, source: int) -> None:
        """``register = register operator source``, both registers."""
        self._add(_ALU64 | ALU[operator] | _BY_REGISTER, register, source)

    def alu_with(self, operator: str, register: int, value: int) -> None:
        """The same with a constant of 32 bits."""
        self._add(_ALU64 | ALU[operator], register, imm=value)

    def negate(self, register: int) -> None:
        self._add(_ALU64 | ALU["neg"], register)

    # Memory.

    def load(self, register: int, base: int, at: int, size: int = 8) -> None:
        """Unsigned, from ``base + at``."""
        self._add(_LDX | _MEMORY | _SIZES[size], register, base, at)

    def store(self, base: int, at: int, source: int, size: int = 8) -> None:
        self._add(_STX | _MEMORY | _SIZES[size], base, source, at)

    def store_constant(self, base: int, at: int, value: int, size: int = 8) -> None:
        self._add(_ST | _MEMORY | _SIZES[size], base, 0, at, value)

    def fetch_add(self, base: int, at: int, register: int) -> None:
        """Adds ``register`` to eight bytes of memory at one instant, and puts what stood there into it."""
        self._add(_STX | _ATOMIC | _SIZES[8], base, register, at, _FETCH_ADD)

    def map(self, register: int, descriptor: int) -> None:
        self._constant64(register, _PSEUDO_MAP_FD, descriptor)

    def map_value(self, register: int, descriptor: int) -> None:
        """The address of the first value of an array."""
        self._constant64(register, _PSEUDO_MAP_VALUE, descriptor)

    # Control.

    def label(self) -> Label:
        self._labels += 1
        return Label(self._labels)

    def place(self, label: Label) -> None:
        self._places[label] = len(self._code)

    def is_used(self, label: Label) -> bool:
        """Whether anything jumps there: the kernel takes no code that cannot be reached."""
        return any(one == label for _, one in self._jumps)

    def jump(self, label: Label) -> None:
        self._jump(_ALWAYS, 0, 0, 0, label)

    def jump_if(self, comparison: str, left: int, right: int, label: Label) -> None:
        """Of two registers; ``s<`` and the like are with sign."""
        self._jump(_JMP | JUMPS[comparison] | _BY_REGISTER, left, right, 0, label)

    def jump_if_constant(self, comparison: str, left: int, value: int, label: Label) -> None:
        self._jump(_JMP | JUMPS[comparison], left, 0, value, label)

    def call(self, helper: int) -> None:
        """Arguments are in R1 to R5, which do not survive; the result is in R0."""
        self._add(_CALL, imm=helper)

    def exit(self) -> None:
        self._add(_EXIT)

    def assembled(self) -> bytes:
        """Raises TooFar."""
        code = list(self._code)
        for at, label in self._jumps:
            operation, registers, _, value = code[at]
            distance = self._places[label] - at - 1
            if distance > _FARTHEST:
                raise TooFar
            code[at] = (operation, registers, distance, value)
        return b"".join(_ENCODED.pack(*instruction) for instruction in code)

    def _jump(self, operation: int, left: int, right: int, value: int, label: Label) -> None:
        self._jumps.append((len(self._code), label))
        self._add(operation, left, right, 0, value)

    def _constant64(self, register: int, source: int, value: int) -> None:
        low, high = value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF
        self._add(_IMMEDIATE64, register, source, 0, _signed(low))
        self._add(0, imm=0 if source else _signed(high))

    def _add(self, operation: int, target: int = 0, source: int = 0, at: int = 0, imm: int = 0) -> None:
        self._code.append((operation, source << 4 | target, at, imm))


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word
