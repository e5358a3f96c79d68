"""Plans whose memory was found once: the addresses are constants, and nothing of a thread is needed any more."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.plan import nodes
from sampler.plan.nodes import (
    RBP,
    RSP,
    WORD,
    Arithmetic,
    Block,
    Constant,
    Convert,
    Either,
    Logic,
    Node,
    Offset,
    Provided,
    Register,
    ThreadPointer,
    Within,
)
from sampler.plan.sharing import Sharing, values
from sampler.plan.trees import children


class NotFreezable(Exception):
    """What cannot be read without a thread that stands at the point: a phrase."""


#: A condition, and whether it must be true or false.
_Guard = tuple[Node, bool]
_Guards = tuple[_Guard, ...]
_GuardKey = tuple[tuple[int, bool], ...]


class Freezing:
    """``blocks``: the memory that the plans read, for as long as their pointers stay what they are."""

    def __init__(self, plans: Sequence[Node]) -> None:
        """Raises NotFreezable."""
        sharing = Sharing()
        self._plans = [sharing.of(plan) for plan in plans]
        self._found: dict[int, tuple[Block, list[_Guards]]] = {}
        self._checked, self._seen = set[int](), set[tuple[int, _GuardKey]]()
        self._perhaps: list[tuple[Node, _Guards]] = []
        for plan in self._plans:
            self._find(plan, ())
        for node, guards in self._perhaps:  # it grows meanwhile
            self._find(node, guards)
        self.blocks = [block for block, _ in self._found.values()]

    @property
    def addresses(self) -> list[Node]:
        """Of the blocks, as answers; 0 for one that is not wanted, for what must hold does not."""
        return [_guarded(Convert(block.address, WORD), ways) for block, ways in self._found.values()]

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

    def _find(self, node: Node, guards: _Guards) -> None:
        """Not into addresses: those are what is frozen. What is wanted only if something holds comes last."""
        key = (id(node), tuple((id(condition), wanted) for condition, wanted in guards))
        if key in self._seen or (id(node), ()) in self._seen:  # it is wanted whatever holds
            return
        self._seen.add(key)
        if isinstance(node, Block):
            _check_base(node.address)
            _check_way(node.address, self._checked)
            self._found.setdefault(id(node), (node, []))[1].append(guards)
            return
        if type(node) in _REFUSED:
            raise NotFreezable(_REFUSED[type(node)])
        perhaps = _perhaps(node)
        self._perhaps += [(part, (*guards, guard)) for part, guard in perhaps]
        for child in children(node):
            if not any(child is part for part, _ in perhaps):
                self._find(child, guards)


def _perhaps(node: Node) -> list[tuple[Node, _Guard]]:
    """The parts that are wanted only if something holds."""
    match node:
        case Logic(operator=operator, left=left, right=right):
            return [(right, (left, operator == "&&"))]
        case Either(condition=condition, then=then, otherwise=otherwise):
            return [(then, (condition, True)), (otherwise, (condition, False))]
        case Provided(of=of, condition=condition):
            return [(of, (condition, True))]
    return []


def _guarded(address: Node, ways: list[_Guards]) -> Node:
    """The address if all guards of one way hold, else 0."""
    found: Node = Constant(0)
    for guards in reversed(ways):
        otherwise, found = found, address
        for condition, wanted in reversed(guards):
            found = Either(condition, found, otherwise) if wanted else Either(condition, otherwise, found)
    return found


def _check_base(address: Node) -> None:
    """NotFreezable where it is reckoned from a frame or from a thread's own storage, with no pointer between."""
    base = address
    while isinstance(base, Offset | Arithmetic):  # a field, an element
        base = base.of if isinstance(base, Offset) else base.left
    if isinstance(base, Register) and base.number in (RBP, RSP):  # of a pointer in a register there is a Decode
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
