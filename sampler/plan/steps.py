"""How each node of a plan is worked out at one moment: a function a node, made before the target is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

from sampler.plan import nodes, numbers
from sampler.plan.nodes import Node
from sampler.plan.numbers import NoAnswer


@dataclass(slots=True)
class Moment:
    """What is known of one thread at one instant. ``blocks``: what was read, by the identity of the node.

    ``registers``: in the order of their DWARF numbers, unsigned; ``read(address, size)`` gives bytes or raises OSError.
    """

    registers: tuple[int, ...]
    read: Callable[[int, int], bytes]
    thread_pointer: int = 0
    bias: int = 0
    blocks: dict[int, Any] = field(default_factory=dict)


Step = Callable[[Moment], Any]


def kept(node: Node, read: Step) -> Step:
    """``read`` once a moment, its outcome kept: the answer is worked out when the memory may have changed."""
    key = id(node)

    def run(moment: Moment) -> Any:
        if key not in moment.blocks:
            try:
                moment.blocks[key] = read(moment)
            except NoAnswer as reason:
                moment.blocks[key] = reason
        outcome = moment.blocks[key]
        if isinstance(outcome, NoAnswer):
            raise outcome
        return outcome

    return run


class _Compiled:
    """Gives the function that works out a node. ``register``: how it is made for a class of nodes."""

    def __init__(self) -> None:
        self._makers = singledispatch(_unknown)
        self.register = self._makers.register
        self._known: dict[int, Step] | None = None

    def __call__(self, node: Node) -> Step:
        if self._known is None:
            return self._makers(node)
        if id(node) not in self._known:
            self._known[id(node)] = self._makers(node)
        return self._known[id(node)]

    @contextmanager
    def once(self) -> Iterator[None]:
        """In this block, one function is made for each node, which must live on in it."""
        self._known = {}
        try:
            yield
        finally:
            self._known = None


def _unknown(node: Node) -> Step:
    raise NotImplementedError(type(node).__name__)


compiled = _Compiled()


@compiled.register
def _register(node: nodes.Register) -> Step:
    number, mask = node.number, (1 << 8 * node.size) - 1
    if node.size == 8 and number < nodes.FIRST_VECTOR:  # it is not wider: a suspended thread waits for this
        return lambda moment: moment.registers[number]
    return lambda moment: moment.registers[number] & mask


@compiled.register
def _thread_pointer(node: nodes.ThreadPointer) -> Step:
    return lambda moment: moment.thread_pointer


@compiled.register
def _bias(node: nodes.Bias) -> Step:
    return lambda moment: moment.bias


@compiled.register
def _offset(node: nodes.Offset) -> Step:
    of, by = compiled(node.of), node.by
    return lambda moment: of(moment) + by


@compiled.register
def _constant(node: nodes.Constant) -> Step:
    value = node.value
    return lambda moment: value


@compiled.register
def _block(node: nodes.Block) -> Step:
    """As ``kept`` does, in fewer calls: a suspended thread waits for this one."""
    address, size, key = compiled(node.address), node.size, id(node)

    def run(moment: Moment) -> bytes:
        known: bytes | NoAnswer | None = moment.blocks.get(key)
        if known is None:
            try:
                known = moment.read(address(moment) & numbers.MASK64, size)
            except OSError as error:
                known = NoAnswer(str(error))
            moment.blocks[key] = known
        if isinstance(known, bytes):
            return known
        raise known  # the NoAnswer that was kept

    return run


@compiled.register
def _part(node: nodes.Part) -> Step:
    block, start, end = compiled(node.block), node.offset, node.offset + node.size
    return lambda moment: int.from_bytes(block(moment)[start:end], "little")


@compiled.register
def _bits(node: nodes.Bits) -> Step:
    of, shift, mask = compiled(node.of), node.shift, (1 << node.width) - 1
    return lambda moment: of(moment) >> shift & mask


@compiled.register
def _joined(node: nodes.Joined) -> Step:
    parts = [(compiled(part), size) for part, size in node.parts]

    def run(moment: Moment) -> int:
        total = shift = 0
        for part, size in parts:
            total |= (part(moment) & (1 << 8 * size) - 1) << shift
            shift += 8 * size
        return total

    return run


@compiled.register
def _decode(node: nodes.Decode) -> Step:
    of, kind, bits = compiled(node.of), node.kind, node.bits or node.kind.bits
    if _is_itself(node, bits):  # likewise
        return of
    return lambda moment: numbers.decode(of(moment), kind, bits)


def _is_itself(node: nodes.Decode, bits: int) -> bool:
    """An unsigned number or an address that fits as it was read."""
    unsigned = node.kind.base in (nodes.Base.INTEGER, nodes.Base.POINTER) and not node.kind.signed
    return unsigned and isinstance(node.of, nodes.Register | nodes.Part) and 8 * node.of.size <= bits


@compiled.register
def _convert(node: nodes.Convert) -> Step:
    of, kind = compiled(node.of), node.kind
    return lambda moment: numbers.convert(of(moment), kind)


@compiled.register
def _negate(node: nodes.Negate) -> Step:
    of, kind = compiled(node.of), node.kind
    return lambda moment: numbers.convert(-of(moment), kind)


@compiled.register
def _complement(node: nodes.Complement) -> Step:
    of, kind = compiled(node.of), node.kind
    return lambda moment: numbers.convert(~of(moment), kind)


@compiled.register
def _not(node: nodes.Not) -> Step:
    of = compiled(node.of)
    return lambda moment: not of(moment)


@compiled.register
def _arithmetic(node: nodes.Arithmetic) -> Step:
    left, right, kind = compiled(node.left), compiled(node.right), node.kind
    apply = numbers.operation(node.operator, kind)
    return lambda moment: apply(left(moment), right(moment))


@compiled.register
def _compare(node: nodes.Compare) -> Step:
    left, right, apply = compiled(node.left), compiled(node.right), numbers.COMPARISONS[node.operator]
    return lambda moment: apply(left(moment), right(moment))


@compiled.register
def _logic(node: nodes.Logic) -> Step:
    left, right = compiled(node.left), compiled(node.right)
    if node.operator == "&&":
        return lambda moment: bool(left(moment)) and bool(right(moment))
    return lambda moment: bool(left(moment)) or bool(right(moment))


@compiled.register
def _either(node: nodes.Either) -> Step:
    condition, then, otherwise = compiled(node.condition), compiled(node.then), compiled(node.otherwise)
    return lambda moment: then(moment) if condition(moment) else otherwise(moment)


@compiled.register
def _within(node: nodes.Within) -> Step:
    index, length = compiled(node.index), compiled(node.length)

    def run(moment: Moment) -> int:
        at, end = index(moment), length(moment)
        if not 0 <= at < end:
            raise NoAnswer(f"index {at} out of bounds: length {end}")
        return int(at)

    return run


@compiled.register
def _not_nil(node: nodes.NotNil) -> Step:
    of, name = compiled(node.of), node.name

    def run(moment: Moment) -> int:
        address = of(moment)
        if not address:
            raise NoAnswer(f"{name} is nil")
        return int(address)

    return run


@compiled.register
def _provided(node: nodes.Provided) -> Step:
    of, condition, reason = compiled(node.of), compiled(node.condition), node.reason

    def run(moment: Moment) -> Any:
        if not condition(moment):
            raise NoAnswer(reason)
        return of(moment)

    return run


@compiled.register
def _chosen(node: nodes.Chosen) -> Step:
    selector, cases = compiled(node.selector), {value: compiled(answer) for value, answer in node.cases}
    other = cases.get(None)

    def run(moment: Moment) -> Any:
        value = selector(moment)
        answer = cases.get(value, other)
        if answer is None:
            raise NoAnswer(f"it has no form of number {value}")
        return answer(moment)

    return run


@compiled.register
def _address(node: nodes.Address) -> Step:
    of = compiled(node.of)

    def run(moment: Moment) -> str | None:
        address = of(moment)
        return f"{address:#x}" if address else None

    return run
