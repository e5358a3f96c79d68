"""Plans as JSON, for the cache: a node is a list, its class's name and its fields."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sampler.plan import nodes
from sampler.plan.nodes import Base, Kind, Node

_CLASSES: dict[str, Any] = {
    name: found
    for name, found in vars(nodes).items()
    if isinstance(found, type) and issubclass(found, Node) and found is not Node
}


def encode(value: Any) -> Any:
    """A node, or what a node's field holds, as what JSON can say."""
    if isinstance(value, Kind):
        return ["Kind", value.base.value, value.size, value.signed]
    if isinstance(value, Node):
        return [type(value).__name__, *(encode(getattr(value, field.name)) for field in fields(value))]
    if isinstance(value, tuple):
        return ["tuple", *(encode(item) for item in value)]
    return value


def decode(data: Any) -> Any:
    """The inverse; raises ValueError or TypeError for anything that ``encode`` has not made."""
    if not isinstance(data, list):
        return data
    if not data:
        raise ValueError("an empty node")
    name, *rest = data
    if name == "Kind":
        base, size, signed = rest
        return Kind(Base(base), size, signed)
    if name == "tuple":
        return tuple(decode(item) for item in rest)
    if name not in _CLASSES:
        raise ValueError(f"no node {name!r}")
    return _CLASSES[name](*(decode(item) for item in rest))
