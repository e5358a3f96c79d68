"""Nodes of a plan as BPF instructions: the value of an integer expression, in R0.

The same answers as ``sampler.plan.steps`` gives, in 64 bits: with their sign, or without. What cannot
be expressed is refused by name, before the target is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatchmethod

from sampler.bpf.assembler import FRAME, R0, R1, R2, R3, R6, R7, Assembler, Label
from sampler.plan import nodes
from sampler.plan.nodes import Base, Kind, Node

_WIDEST = 64
_MOST_DEPTH = 60  # of the stack's 512 bytes
#: struct pt_regs, arch/x86/include/asm/ptrace.h, in the order of DWARF's numbers: rax, rdx, rcx, … r15, rip.
REGISTERS_AT = (80, 96, 88, 40, 104, 112, 32, 152, 72, 64, 56, 48, 24, 16, 8, 0, 128)


class NotExpressible(Exception):
    """What the kernel's programs cannot do: a phrase."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a reading is in the record: its data, and the word that is not negative if it could be read."""

    status_at: int
    data_at: int


class Values:
    """Emits values. R6: the context; R7: the record. ``stored``: what was read already, by its node."""

    def __init__(self, assembler: Assembler, stored: Mapping[Node, Stored], bias: int) -> None:
        self._code, self._stored, self._bias = assembler, stored, bias

    def put(self, node: Node, fail: Label, depth: int = 0) -> None:
        """The value into R0; jumps to ``fail`` where the evaluator would have no answer."""
        if depth > _MOST_DEPTH:
            raise NotExpressible("an expression that is nested so deeply")
        self._put(node, fail, depth)

    @singledispatchmethod
    def _put(self, node: Node, fail: Label, depth: int) -> None:
        raise NotExpressible(NAMES.get(type(node), f"{type(node).__name__}"))

    # Leaves.

    @_put.register
    def _register(self, node: nodes.Register, fail: Label, depth: int) -> None:
        if node.number >= nodes.FIRST_VECTOR:
            raise NotExpressible("a value in a vector register")
        self._code.load(R0, R6, REGISTERS_AT[node.number])
        self._wrap(8 * node.size, signed=False)

    @_put.register
    def _bias_of(self, node: nodes.Bias, fail: Label, depth: int) -> None:
        self._code.set(R0, self._bias)

    @_put.register
    def _constant(self, node: nodes.Constant, fail: Label, depth: int) -> None:
        if isinstance(node.value, str | float):
            raise NotExpressible("a string or a float as a number")
        self._code.set(R0, _as_signed(int(node.value or 0)))

    @_put.register
    def _part(self, node: nodes.Part, fail: Label, depth: int) -> None:
        where = self._stored[node.block]
        self._code.load(R1, R7, where.status_at)
        self._code.jump_if_constant("s<", R1, 0, fail)
        at = where.data_at + node.offset
        if node.size in (1, 2, 4, 8):
            self._code.load(R0, R7, at, node.size)
        elif node.size < 8:
            self._bytes(at, node.size)
        else:
            raise NotExpressible("a value of more than 64 bits")

    def _bytes(self, at: int, size: int) -> None:
        self._code.set(R0, 0)
        for place in reversed(range(size)):
            self._code.alu_with("<<", R0, 8)
            self._code.load(R1, R7, at + place, 1)
            self._code.alu("|", R0, R1)

    # Steps.

    @_put.register
    def _offset(self, node: nodes.Offset, fail: Label, depth: int) -> None:
        self.put(node.of, fail, depth)
        self._code.set(R1, _as_signed(node.by))
        self._code.alu("+", R0, R1)

    @_put.register
    def _bits(self, node: nodes.Bits, fail: Label, depth: int) -> None:
        self.put(node.of, fail, depth)
        self._code.alu_with(">>", R0, node.shift)
        self._wrap(node.width, signed=False)

    @_put.register
    def _joined(self, node: nodes.Joined, fail: Label, depth: int) -> None:
        if sum(size for _, size in node.parts) > 8:
            raise NotExpressible("a value of more than 64 bits")
        shift = 0
        self._spill_constant(0, depth)
        for part, size in node.parts:
            self.put(part, fail, depth + 1)
            self._wrap(8 * size, signed=False)
            self._code.alu_with("<<", R0, shift)
            self._code.load(R1, FRAME, _slot(depth))
            self._code.alu("|", R0, R1)
            self._code.store(FRAME, _slot(depth), R0)
            shift += 8 * size

    @_put.register
    def _decode(self, node: nodes.Decode, fail: Label, depth: int) -> None:
        self.put(node.of, fail, depth)
        width = node.bits or node.kind.bits
        if node.kind.base is Base.BOOLEAN:
            self._wrap(width, signed=False)
        self._as_kind(node.kind, width)

    @_put.register
    def _convert(self, node: nodes.Convert, fail: Label, depth: int) -> None:
        self.put(node.of, fail, depth)
        self._as_kind(node.kind, node.kind.bits)

    @_put.register
    def _negate(self, node: nodes.Negate, fail: Label, depth: int) -> None:
        self.put(node.of, fail, depth)
        self._code.negate(R0)
        self._as_kind(node.kind, node.kind.bits)

    @_put.register
    def _complement(self, node: nodes.Complement, fail: Label, depth: int) -> None:
        self.put(node.of, fail, depth)
        self._code.alu_with("^", R0, -1)
        self._as_kind(node.kind, node.kind.bits)

    @_put.register
    def _not(self, node: nodes.Not, fail: Label, depth: int) -> None:
        self.put(node.of, fail, depth)
        self._truth("==")

    @_put.register
    def _provided(self, node: nodes.Provided, fail: Label, depth: int) -> None:
        self.put(node.condition, fail, depth)
        self._code.jump_if_constant("==", R0, 0, fail)
        self.put(node.of, fail, depth)

    @_put.register
    def _within(self, node: nodes.Within, fail: Label, depth: int) -> None:
        self._pair(node.index, node.length, fail, depth)
        for register, part in ((R0, node.index), (R1, node.length)):
            if is_signed(part):
                self._code.jump_if_constant("s<", register, 0, fail)
        self._code.jump_if(">=", R0, R1, fail)

    @_put.register
    def _not_nil(self, node: nodes.NotNil, fail: Label, depth: int) -> None:
        self.put(node.of, fail, depth)
        self._code.jump_if_constant("==", R0, 0, fail)

    # Operators.

    @_put.register
    def _arithmetic(self, node: nodes.Arithmetic, fail: Label, depth: int) -> None:
        if node.kind.base is Base.FLOAT:
            raise NotExpressible("arithmetic with floats")
        self._pair(node.left, node.right, fail, depth)
        if node.operator in ("/", "%"):
            self._code.jump_if_constant("==", R1, 0, fail)
            (self._divide_signed if node.kind.signed else self._code.alu)(node.operator, R0, R1)
        elif node.operator in ("<<", ">>"):
            self._shift(node, fail)
        elif node.operator == "&^":
            self._code.alu_with("^", R1, -1)
            self._code.alu("&", R0, R1)
        else:
            self._code.alu(node.operator, R0, R1)
        self._as_kind(node.kind, node.kind.bits)

    def _divide_signed(self, operator: str, left: int, right: int) -> None:
        """The sizes are divided; a quotient is negative if one of the two is, a remainder if the left one is."""
        code = self._code
        code.move(R2, left)
        if operator == "/":
            code.alu("^", R2, right)
        for register in (left, right):
            with_sign = code.label()
            code.jump_if_constant("s>=", register, 0, with_sign)
            code.negate(register)
            code.place(with_sign)
        code.alu(operator, left, right)
        done = code.label()
        code.jump_if_constant("s>=", R2, 0, done)
        code.negate(left)
        code.place(done)

    def _shift(self, node: nodes.Arithmetic, fail: Label) -> None:
        """Beyond the width nothing is left, or the sign."""
        code, inside, done = self._code, self._code.label(), self._code.label()
        arithmetic = node.operator == ">>" and is_signed(node.left)
        if is_signed(node.right):
            code.jump_if_constant("s<", R1, 0, fail)
        code.jump_if_constant("<", R1, _WIDEST, inside)
        if arithmetic:
            code.alu_with("s>>", R0, _WIDEST - 1)
        else:
            code.set(R0, 0)
        code.jump(done)
        code.place(inside)
        code.alu("s>>" if arithmetic else node.operator, R0, R1)
        code.place(done)

    @_put.register
    def _compare(self, node: nodes.Compare, fail: Label, depth: int) -> None:
        self._pair(node.left, node.right, fail, depth)
        signed = compared_signed(node.left, node.right)
        self._truth(f"s{node.operator}" if signed and node.operator not in ("==", "!=") else node.operator, R1)

    @_put.register
    def _logic(self, node: nodes.Logic, fail: Label, depth: int) -> None:
        decided, done = self._code.label(), self._code.label()
        stays = "==" if node.operator == "&&" else "!="
        self.put(node.left, fail, depth)
        self._code.jump_if_constant(stays, R0, 0, decided)
        self.put(node.right, fail, depth)
        self._truth("!=")
        self._code.jump(done)
        self._code.place(decided)
        self._code.set(R0, 0 if node.operator == "&&" else 1)
        self._code.place(done)

    @_put.register
    def _either(self, node: nodes.Either, fail: Label, depth: int) -> None:
        otherwise, done = self._code.label(), self._code.label()
        self.put(node.condition, fail, depth)
        self._code.jump_if_constant("==", R0, 0, otherwise)
        self.put(node.then, fail, depth)
        self._code.jump(done)
        self._code.place(otherwise)
        self.put(node.otherwise, fail, depth)
        self._code.place(done)

    # Helpers.

    def _pair(self, left: Node, right: Node, fail: Label, depth: int) -> None:
        """Two values into R0 and R1."""
        self.put(left, fail, depth)
        self._code.store(FRAME, _slot(depth), R0)
        self.put(right, fail, depth + 1)
        self._code.move(R1, R0)
        self._code.load(R0, FRAME, _slot(depth))

    def _spill_constant(self, value: int, depth: int) -> None:
        self._code.set(R0, value)
        self._code.store(FRAME, _slot(depth), R0)

    def _truth(self, comparison: str, right: int | None = None) -> None:
        """1 into R0 if it compares so with another register, or with 0; else 0."""
        true = self._code.label()
        self._code.set(R3, 1)
        if right is None:
            self._code.jump_if_constant(comparison, R0, 0, true)
        else:
            self._code.jump_if(comparison, R0, right, true)
        self._code.set(R3, 0)
        self._code.place(true)
        self._code.move(R0, R3)

    def _as_kind(self, kind: Kind, width: int) -> None:
        if kind.base is Base.FLOAT:
            raise NotExpressible("arithmetic with floats")
        if kind.base is Base.BOOLEAN:
            self._truth("!=")
        else:
            self._wrap(width, kind.signed)

    def _wrap(self, width: int, signed: bool) -> None:
        if width > _WIDEST:
            raise NotExpressible("a value of more than 64 bits")
        if width < _WIDEST:
            self._code.alu_with("<<", R0, _WIDEST - width)
            self._code.alu_with("s>>" if signed else ">>", R0, _WIDEST - width)


def is_signed(node: Node) -> bool:
    """Whether the value may be negative."""
    match node:
        case nodes.Decode() | nodes.Convert() | nodes.Arithmetic() | nodes.Negate() | nodes.Complement():
            return node.kind.base is Base.INTEGER and node.kind.signed
        case nodes.Constant(value=int(value)):
            return value < 0
        case nodes.Either():
            return is_signed(node.then) or is_signed(node.otherwise)
        case nodes.Within():
            return is_signed(node.index)
    return False


def compared_signed(left: Node, right: Node) -> bool:
    signed = [is_signed(node) for node in (left, right) if not isinstance(node, nodes.Constant)]
    if len(set(signed)) > 1:
        raise NotExpressible("a comparison of a number with a sign and one without")
    return signed[0] if signed else is_signed(left) or is_signed(right)


def _slot(depth: int) -> int:
    return -8 * (depth + 1)


def _as_signed(value: int) -> int:
    value &= (1 << _WIDEST) - 1
    return value - (1 << _WIDEST) if value >> (_WIDEST - 1) else value


NAMES: dict[type[Node], str] = {
    nodes.ThreadPointer: "storage of the thread's own",
    nodes.Text: "a comparison of strings",
    nodes.TerminatedText: "a comparison of strings",
    nodes.Address: "an address as text",
    nodes.Elements: "a list as a whole",
    nodes.Chosen: "a value of several forms",
}
