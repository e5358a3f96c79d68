"""Plans whose memory was found once: the addresses are constants, and nothing of a thread is needed any more."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.plan import nodes
from sampler.plan.nodes import Arithmetic, Block, Constant, Node, Offset, Provided, Register, ThreadPointer, Within
from sampler.plan.sharing import Sharing, values
from sampler.plan.trees import children

# The stack pointer and the frame pointer (System V ABI, AMD64, figure 3.36).
_RBP, _RSP = 6, 7


class NotFreezable(Exception):
    """What cannot be read without a thread that stands at the point: a phrase."""


class Freezing:
    """``blocks``: the memory that the plans read, for as long as their pointers stay what they are."""

    def __init__(self, plans: Sequence[Node]) -> None:
        """Raises NotFreezable."""
        sharing = Sharing()
        self._plans = [sharing.of(plan) for plan in plans]
        self._found: dict[int, Block] = {}
        self._checked = set[int]()
        seen = set[int]()
        for plan in self._plans:
            self._find(plan, seen)
        self.blocks = list(self._found.values())

    def frozen(self, addresses: Sequence[int]) -> list[Node]:
        """The plans with those addresses in the place of what leads to the blocks."""
        made: dict[int, Node] = {
            id(block): Block(Constant(address), block.size)
            for block, address in zip(self.blocks, addresses, strict=True)
        }

        def of(node: Node) -> Node:
            if id(node) not in made:
                made[id(node)] = type(node)(*values(node, of))
            return made[id(node)]

        return [of(plan) for plan in self._plans]

    def _find(self, node: Node, seen: set[int]) -> None:
        """Not into addresses: those are what is frozen."""
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, Block):
            _check_base(node.address)
            _check_way(node.address, self._checked)
            self._found[id(node)] = node
            return
        if type(node) in _REFUSED:
            raise NotFreezable(_REFUSED[type(node)])
        values(node, lambda child: self._find(child, seen))


def _check_base(address: Node) -> None:
    """NotFreezable where it is reckoned from a frame or from a thread's own storage, with no pointer between."""
    base = address
    while isinstance(base, Offset | Arithmetic):  # a field, an element
        base = base.of if isinstance(base, Offset) else base.left
    if isinstance(base, Register) and base.number in (_RBP, _RSP):  # of a pointer in a register there is a Decode
        raise NotFreezable("what lies on the stack: it is gone when the function returns")
    if isinstance(base, ThreadPointer):
        raise NotFreezable(_REFUSED[ThreadPointer])


def _check_way(node: Node, seen: set[int]) -> None:
    """NotFreezable where more than pointers leads to the memory: what did so once would answer ever after."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, Provided):
        raise NotFreezable("what one form of a value holds: it may be another by the time that it is read")
    if isinstance(node, Arithmetic) and node.operator == "*" and _varies(node):
        raise NotFreezable("an element by a variable index: it may be another by the time that it is read")
    for part in _leading(node):
        _check_way(part, seen)


def _varies(node: Node) -> bool:
    return isinstance(node, Block | Register | ThreadPointer) or any(_varies(part) for part in _leading(node))


def _leading(node: Node) -> list[Node]:
    """What its value is made of: not what it is only held against."""
    return [node.index] if isinstance(node, Within) else list(children(node))


_REFUSED: dict[type[Node], str] = {
    Register: "what is kept in a register: only a thread at the point has it",
    ThreadPointer: "storage of a thread's own",
    nodes.Text: "a string: its bytes may be others by the time that they are read",
    nodes.TerminatedText: "a string: its bytes may be others by the time that they are read",
    nodes.Elements: "a list as a whole: ask for one of its elements",
}
