"""Equal parts of plans as one object, so that plans are gone through as the graphs that they are.

What an address is reckoned from is part of each value that lies behind it: written out as a tree, a slice
of structs has a hundred thousand nodes, of which a few thousand are different.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, cast

from sampler.plan.nodes import Kind, Node


class Sharing:
    """Gives equal nodes as one object; what it was given, and what it gave, is kept for as long as it is."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Node] = {}
        self._given: dict[int, tuple[Node, Node]] = {}  # by identity: to hash a node is to go through all below it

    @property
    def nodes(self) -> Iterator[Node]:
        """All that were given, each once, and after what it is made of."""
        return iter(self._known.values())

    def of(self, node: Node) -> Node:
        if id(node) not in self._given:
            self._given[id(node)] = node, self.made(type(node), values(node, self.of))
        return self._given[id(node)][1]

    def made(self, kind: type[Node], found: Sequence[Any]) -> Node:
        """A node of that class and those values, of which the nodes are such as were given."""
        key = (kind, *map(_identity, found))
        if key not in self._known:
            self._known[key] = kind(*found)
        return self._known[key]


def values(node: Node, change: Any) -> list[Any]:
    """The values of a node's fields, ``change`` applied to the nodes among them."""
    return [_changed(getattr(node, name), change) for name in names(node)]


def names(node: Node) -> tuple[str, ...]:
    """Of its fields."""
    found: tuple[str, ...] = cast(Any, node).__match_args__
    return found


def _changed(value: Any, change: Any) -> Any:
    if isinstance(value, Node):
        return change(value)
    if isinstance(value, tuple):
        return tuple(_changed(item, change) for item in value)
    return value


def _identity(value: Any) -> Hashable:
    if isinstance(value, Node):
        return id(value)
    if isinstance(value, tuple):
        return tuple(map(_identity, value))
    if isinstance(value, Kind):
        return value
    return type(value), repr(value)  # 1, 1.0 and True are equal, and different answers; so are 0.0 and -0.0
