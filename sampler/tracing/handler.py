"""A handler's statements, and plans as expressions in them, for tools that take text. What differs between the tools'
languages is a ``Dialect``. Values are 64 bits wide and unsigned; a number below 0 is its two's complement.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import singledispatchmethod

from sampler.bpf.values import NAMES, NotExpressible, compared_signed, is_signed
from sampler.plan import nodes
from sampler.plan.nodes import Base, Kind, Node

_WIDEST = 64
_MOST_DEPTH = 30
#: Names of the kernel's struct pt_regs, and of bpftrace, in the order of DWARF's numbers.
REGISTERS = ["ax", "dx", "cx", "bx", "si", "di", "bp", "sp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "ip"]


class Dialect(ABC):
    """Collects the statements of one handler, and writes expressions."""

    def __init__(self) -> None:
        self._body: list[str] = []
        self._registers: dict[str, str] = {}
        self._depth = 1
        self._names = 0

    @property
    def lines(self) -> list[str]:
        """All statements. Each register is read once, first of all: of an address of one that a compiler has reckoned
        itself the kernel's verifier wants to know nothing.
        """
        return [*self._registers.values(), *self._body]

    def add(self, line: str) -> None:
        self._body.append("    " * self._depth + line)

    def register(self, name: str) -> str:
        """The variable that has it."""
        self._registers.setdefault(name, f"    {self.first(name)}")
        return f"{self.sigil}{name}"

    def fresh(self) -> str:
        """A name that no other variable of the handler has."""
        self._names += 1
        return f"{self.sigil}v{self._names}"

    @contextmanager
    def block(self, condition: str) -> Iterator[None]:
        """What is added meanwhile is done only if the condition holds."""
        self.add(f"if ({condition}) {{")
        self._depth += 1
        yield
        self._depth -= 1
        self.add("}")

    sigil: str

    @abstractmethod
    def let(self, value: str) -> str:
        """A new variable with that value; its name."""

    @abstractmethod
    def change(self, name: str, value: str) -> None: ...

    @abstractmethod
    def fail_if(self, condition: str) -> None:
        """Leaves the handler there: the question has no answer at this hit, which is counted."""

    @abstractmethod
    def first(self, register: str) -> str:
        """The statement that reads a register into a variable of its name."""

    @abstractmethod
    def read(self, address: str, size: int) -> str:
        """``size`` (1, 2, 4 or 8) bytes of the program's memory."""

    @abstractmethod
    def constant(self, value: int) -> str: ...

    @abstractmethod
    def extended(self, value: str, width: int) -> str:
        """The low ``width`` bits of a value, with their sign."""

    @abstractmethod
    def as_signed(self, value: str) -> str:
        """For a comparison of numbers with a sign."""

    @abstractmethod
    def shifted_with_sign(self, value: str, by: str) -> str: ...


class Emitter:
    """Plans as expressions of a handler. ``bias``: of the running program. Raises NotExpressible."""

    def __init__(self, dialect: Dialect, bias: int) -> None:
        self._to, self._bias = dialect, bias
        self._known: dict[Node, str] = {}

    def of(self, node: Node, depth: int = 0) -> str:
        """A name, a call or an expression in brackets."""
        if depth > _MOST_DEPTH:
            raise NotExpressible("an expression that is nested so deeply")
        if node not in self._known:
            text = self._of(node, depth)
            # Only what is known on every way through the handler may be used again.
            if not isinstance(node, nodes.NotNil | nodes.Within | nodes.Provided | nodes.Part):
                return text
            self._known[node] = text
        return self._known[node]

    @singledispatchmethod
    def _of(self, node: Node, depth: int) -> str:
        raise NotExpressible(NAMES.get(type(node), type(node).__name__))

    # Leaves.

    @_of.register
    def _register(self, node: nodes.Register, depth: int) -> str:
        if node.number >= nodes.FIRST_VECTOR:
            raise NotExpressible("a value in a vector register")
        return self._wrapped(self._to.register(REGISTERS[node.number]), 8 * node.size, signed=False)

    @_of.register
    def _bias_of(self, node: nodes.Bias, depth: int) -> str:
        return self._to.constant(self._bias)

    @_of.register
    def _constant(self, node: nodes.Constant, depth: int) -> str:
        if isinstance(node.value, str | float | bytes):
            raise NotExpressible("a string or a float as a number")
        return self._to.constant(int(node.value or 0))

    @_of.register
    def _part(self, node: nodes.Part, depth: int) -> str:
        if node.size > 8:
            raise NotExpressible("a value of more than 64 bits")
        at = nodes.offset(node.block.address, node.offset)
        pieces, done = [], 0
        while done < node.size:
            size = next(size for size in (8, 4, 2, 1) if size <= node.size - done)
            piece = self._to.read(self.of(nodes.offset(at, done), depth + 1), size)
            pieces.append(f"({piece} << {8 * done})" if done else piece)
            done += size
        return f"({' | '.join(pieces)})" if len(pieces) > 1 else pieces[0]

    # Steps.

    @_of.register
    def _offset(self, node: nodes.Offset, depth: int) -> str:
        sign, by = ("-", -node.by) if node.by < 0 else ("+", node.by)
        return f"({self.of(node.of, depth + 1)} {sign} {by})"

    @_of.register
    def _bits(self, node: nodes.Bits, depth: int) -> str:
        return self._wrapped(f"({self.of(node.of, depth + 1)} >> {node.shift})", node.width, signed=False)

    @_of.register
    def _joined(self, node: nodes.Joined, depth: int) -> str:
        if sum(size for _, size in node.parts) > 8:
            raise NotExpressible("a value of more than 64 bits")
        pieces, shift = [], 0
        for part, size in node.parts:
            piece = self._wrapped(self.of(part, depth + 1), 8 * size, signed=False)
            pieces.append(f"({piece} << {shift})" if shift else piece)
            shift += 8 * size
        return f"({' | '.join(pieces)})"

    @_of.register
    def _decode(self, node: nodes.Decode, depth: int) -> str:
        value = self.of(node.of, depth + 1)
        width = node.bits or node.kind.bits
        if not node.kind.signed and _width(node.of) <= width and node.kind.base in (Base.INTEGER, Base.POINTER):
            return value
        if node.kind.base is Base.BOOLEAN:
            value = self._wrapped(value, width, signed=False)
        return self._as_kind(value, node.kind, width)

    @_of.register
    def _convert(self, node: nodes.Convert, depth: int) -> str:
        return self._as_kind(self.of(node.of, depth + 1), node.kind, node.kind.bits)

    @_of.register
    def _negate(self, node: nodes.Negate, depth: int) -> str:
        return self._as_kind(f"({self._to.constant(0)} - {self.of(node.of, depth + 1)})", node.kind, node.kind.bits)

    @_of.register
    def _complement(self, node: nodes.Complement, depth: int) -> str:
        return self._as_kind(f"(~{self.of(node.of, depth + 1)})", node.kind, node.kind.bits)

    @_of.register
    def _not(self, node: nodes.Not, depth: int) -> str:
        return f"({self.of(node.of, depth + 1)} == 0)"

    @_of.register
    def _provided(self, node: nodes.Provided, depth: int) -> str:
        self._to.fail_if(f"{self.of(node.condition, depth + 1)} == 0")
        return self.of(node.of, depth + 1)

    @_of.register
    def _within(self, node: nodes.Within, depth: int) -> str:
        index = self._named(self.of(node.index, depth + 1))
        length = self._named(self.of(node.length, depth + 1))
        for value, part in ((index, node.index), (length, node.length)):
            if is_signed(part):
                self._to.fail_if(f"{self._to.as_signed(value)} < 0")
        self._to.fail_if(f"{index} >= {length}")
        return index

    @_of.register
    def _not_nil(self, node: nodes.NotNil, depth: int) -> str:
        value = self._named(self.of(node.of, depth + 1))
        self._to.fail_if(f"{value} == 0")
        return value

    # Operators.

    @_of.register
    def _arithmetic(self, node: nodes.Arithmetic, depth: int) -> str:
        if node.kind.base is Base.FLOAT:
            raise NotExpressible("arithmetic with floats")
        left, right = self.of(node.left, depth + 1), self.of(node.right, depth + 1)
        match node.operator:
            case "/" | "%":
                value = self._divided(node, left, right)
            case "<<" | ">>":
                value = self._shifted(node, left, right)
            case "&^":
                value = f"({left} & ~{right})"
            case operator:
                value = f"({left} {operator} {right})"
        return self._as_kind(value, node.kind, node.kind.bits)

    def _divided(self, node: nodes.Arithmetic, left: str, right: str) -> str:
        """The kernel divides without signs: the sizes are divided, and what is negative is said by the operands."""
        divisor = self._named(right)
        self._to.fail_if(f"{divisor} == 0")
        if not node.kind.signed:
            return f"({left} {node.operator} {divisor})"
        dividend = self._named(left)
        found = self._to.let(f"{self._size(dividend)} {node.operator} {self._size(divisor)}")
        below = [f"{self._to.as_signed(name)} < 0" for name in (dividend, divisor)]
        negative = f"({below[0]}) != ({below[1]})" if node.operator == "/" else below[0]
        with self._to.block(negative):
            self._to.change(found, f"{self._to.constant(0)} - {found}")
        return found

    def _size(self, name: str) -> str:
        size = self._to.let(name)
        with self._to.block(f"{self._to.as_signed(name)} < 0"):
            self._to.change(size, f"{self._to.constant(0)} - {size}")
        return size

    def _shifted(self, node: nodes.Arithmetic, left: str, right: str) -> str:
        """Beyond the width nothing is left, or the sign."""
        arithmetic = node.operator == ">>" and is_signed(node.left)
        by = self._named(right)
        if is_signed(node.right):
            self._to.fail_if(f"{self._to.as_signed(by)} < 0")
        found = self._to.let(self._to.constant(0))
        if arithmetic:
            by = self._to.let(by)
            with self._to.block(f"{by} > {_WIDEST - 1}"):
                self._to.change(by, self._to.constant(_WIDEST - 1))
            self._to.change(found, self._to.shifted_with_sign(left, by))
        else:
            with self._to.block(f"{by} < {_WIDEST}"):
                self._to.change(found, f"{left} {node.operator} {by}")
        return found

    @_of.register
    def _compare(self, node: nodes.Compare, depth: int) -> str:
        left, right = self.of(node.left, depth + 1), self.of(node.right, depth + 1)
        if compared_signed(node.left, node.right) and node.operator not in ("==", "!="):
            left, right = self._to.as_signed(left), self._to.as_signed(right)
        return f"({left} {node.operator} {right})"

    @_of.register
    def _logic(self, node: nodes.Logic, depth: int) -> str:
        found = self._to.let(f"({self.of(node.left, depth + 1)} != 0)")
        with self._branch(f"{found} {'!=' if node.operator == '&&' else '=='} 0"):
            self._to.change(found, f"({self.of(node.right, depth + 1)} != 0)")
        return found

    @_of.register
    def _either(self, node: nodes.Either, depth: int) -> str:
        condition = self._named(self.of(node.condition, depth + 1))
        found = self._to.let(self._to.constant(0))
        with self._branch(f"{condition} != 0"):
            self._to.change(found, self.of(node.then, depth + 1))
        with self._branch(f"{condition} == 0"):
            self._to.change(found, self.of(node.otherwise, depth + 1))
        return found

    # Helpers.

    @contextmanager
    def _branch(self, condition: str) -> Iterator[None]:
        """What is found out in it is not known behind it."""
        before = dict(self._known)
        with self._to.block(condition):
            yield
        self._known = before

    def _named(self, value: str) -> str:
        """The value in a variable, if it is not one: it is used more than once."""
        return value if value.replace("$", "").replace("_", "").isalnum() else self._to.let(value)

    def _as_kind(self, value: str, kind: Kind, width: int) -> str:
        if kind.base is Base.FLOAT:
            raise NotExpressible("arithmetic with floats")
        return f"({value} != 0)" if kind.base is Base.BOOLEAN else self._wrapped(value, width, kind.signed)

    def _wrapped(self, value: str, width: int, signed: bool) -> str:
        if width > _WIDEST:
            raise NotExpressible("a value of more than 64 bits")
        if width == _WIDEST:
            return value
        return self._to.extended(value, width) if signed else f"({value} & {(1 << width) - 1:#x})"


def _width(node: Node) -> int:
    """Bits beyond which a value that was read is surely 0."""
    match node:
        case nodes.Register(size=size) | nodes.Part(size=size):
            return 8 * size
        case nodes.Bits(width=width):
            return width
        case nodes.NotNil(of=of):
            return _width(of)
    return _WIDEST


def commented(text: str) -> str:
    """What comes from the target's own file, as part of a comment of a program: nothing ends that."""
    printable = "".join(mark if mark.isprintable() and mark != "\\" else "?" for mark in text)
    return printable.replace("*/", "* /")
