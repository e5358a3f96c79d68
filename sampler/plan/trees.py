"""Going through the nodes of plans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from sampler.plan.nodes import Node


def children(node: Node) -> Iterator[Node]:
    """The nodes that this one is made of."""
    for field in fields(node):
        yield from _nodes_in(getattr(node, field.name))


def _nodes_in(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes_in(item)


def walk(*plans: Node) -> list[Node]:
    """The nodes of plans and all below them, those first; each object once."""
    seen, found = set[int](), list[Node]()

    def add(node: Node) -> None:
        if id(node) not in seen:
            seen.add(id(node))
            for child in children(node):
                add(child)
            found.append(node)

    for plan in plans:
        add(plan)
    return found
