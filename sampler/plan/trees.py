"""Plans as trees: going through all their nodes, and making others of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields

from sampler.plan.nodes import Node

Rewrite = Callable[[Node], Node]


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


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, those first."""
    for child in children(node):
        yield from walk(child)
    yield node


def rewrite(node: Node, change: Rewrite) -> Node:
    """The tree with ``change`` applied to each node, from the leaves up."""
    arguments = {field.name: _rewritten(getattr(node, field.name), change) for field in fields(node)}
    return change(type(node)(**arguments))


def _rewritten(value: object, change: Rewrite) -> object:
    if isinstance(value, Node):
        return rewrite(value, change)
    if isinstance(value, tuple):
        return tuple(_rewritten(item, change) for item in value)
    return value
