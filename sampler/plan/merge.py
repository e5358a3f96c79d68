"""One read in the place of several: parts of one object that lie close together become one block.

Both ends of a merged block belong to one object, so all between them can be read too; and fields
that are read at once are of one moment, as far as the hardware allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sampler.plan.nodes import Block, Node, Offset, Part, offset
from sampler.plan.sharing import Sharing, values

LARGEST_BLOCK = 512

_Span = tuple[int, int]


def merge(plans: Sequence[Node]) -> list[Node]:
    """The same plans with fewer reads."""
    sharing = Sharing()
    shared = [sharing.of(plan) for plan in plans]
    merging = _Merging(_spans(sharing.nodes))
    return [merging.of(plan) for plan in shared]


def _spans(nodes: Iterable[Node]) -> dict[int, list[_Span]]:
    """What is read from where each object begins: by the identity of that node."""
    wanted: defaultdict[int, set[_Span]] = defaultdict(set)
    for node in nodes:
        if isinstance(node, Block):
            base, by = _split(node.address)
            wanted[id(base)].add((by, by + node.size))
    return {base: _joined(sorted(found)) for base, found in wanted.items()}


def _joined(found: list[_Span]) -> list[_Span]:
    spans = found[:1]
    for start, end in found[1:]:
        first, last = spans[-1]
        if max(end, last) - first <= LARGEST_BLOCK:
            spans[-1] = (first, max(end, last))
        else:
            spans.append((start, end))
    return spans


def _split(address: Node) -> tuple[Node, int]:
    return (address.of, address.by) if isinstance(address, Offset) else (address, 0)


class _Merging:
    """Each node with its reads as parts of larger ones; each is made once."""

    def __init__(self, spans: dict[int, list[_Span]]) -> None:
        self._spans = spans
        self._made: dict[int, Node] = {}

    def of(self, node: Node) -> Node:
        if id(node) not in self._made:
            self._made[id(node)] = self._part(node) if isinstance(node, Part) else type(node)(*values(node, self.of))
        return self._made[id(node)]

    def _part(self, node: Part) -> Node:
        base, by = _split(node.block.address)
        spans = self._spans[id(base)]
        first, last = next(span for span in spans if span[0] <= by and by + node.block.size <= span[1])
        block = Block(offset(self.of(base), first), last - first)
        return Part(block, by - first + node.offset, node.size)
