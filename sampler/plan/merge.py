"""One read in the place of several: parts of one object that lie close together become one block.

Both ends of a merged block belong to one object, so all between them can be read too; and fields
that are read at once are of one moment, as far as the hardware allows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sampler.plan.nodes import Block, Node, Offset, Part, offset
from sampler.plan.trees import walk

LARGEST_BLOCK = 512

_Span = tuple[int, int]


def merge(plans: Sequence[Node]) -> list[Node]:
    """The same plans with fewer reads."""
    spans = _spans(plans)
    return [_merged(plan, spans) for plan in plans]


def _spans(plans: Sequence[Node]) -> dict[Node, list[_Span]]:
    wanted: defaultdict[Node, set[_Span]] = defaultdict(set)
    for plan in plans:
        for node in walk(plan):
            if isinstance(node, Block):
                base, by = _split(node.address)
                wanted[base].add((by, by + node.size))
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


def _merged(node: Any, spans: dict[Node, list[_Span]]) -> Any:
    if isinstance(node, tuple):
        return tuple(_merged(item, spans) for item in node)
    if not isinstance(node, Node):
        return node
    if isinstance(node, Part):
        base, by = _split(node.block.address)
        first, last = next(span for span in spans[base] if span[0] <= by and by + node.block.size <= span[1])
        block = Block(offset(_merged(base, spans), first), last - first)
        return Part(block, by - first + node.offset, node.size)
    return type(node)(*(_merged(getattr(node, field.name), spans) for field in fields(node)))
