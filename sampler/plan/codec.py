"""Plans as JSON, for the cache: a table of nodes, each its class's name and its fields.

Where a field holds a node, the table has its number, which is smaller than that of the node it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sampler.plan import nodes
from sampler.plan.nodes import Base, Kind, Node
from sampler.plan.sharing import names
from sampler.plan.trees import walk

_CLASSES: dict[str, Any] = {
    name: found
    for name, found in vars(nodes).items()
    if isinstance(found, type) and issubclass(found, Node) and found is not Node
}


def encode(plans: Sequence[Node]) -> dict[str, Any]:
    """What JSON can say."""
    found = walk(*plans)
    numbers = {id(node): number for number, node in enumerate(found)}
    table = [[type(node).__name__, *(_encoded(getattr(node, name), numbers) for name in names(node))] for node in found]
    return {"nodes": table, "plans": [numbers[id(plan)] for plan in plans]}


def _encoded(value: Any, numbers: dict[int, int]) -> Any:
    if isinstance(value, Node):
        return ["node", numbers[id(value)]]
    if isinstance(value, Kind):
        return ["kind", value.base.value, value.size, value.signed]
    if isinstance(value, tuple):
        return ["tuple", *(_encoded(item, numbers) for item in value)]
    return value


def decode(data: dict[str, Any]) -> tuple[Node, ...]:
    """The inverse; raises LookupError, ValueError or TypeError for anything that ``encode`` has not made."""
    table: list[Node] = []
    for name, *found in data["nodes"]:
        table.append(_CLASSES[name](*(_decoded(value, table) for value in found)))
    return tuple(table[number] for number in data["plans"])


def _decoded(data: Any, table: list[Node]) -> Any:
    if not isinstance(data, list):
        return data
    what, *rest = data
    if what == "node":
        return table[rest[0]]
    if what == "kind":
        base, size, signed = rest
        return Kind(Base(base), size, signed)
    if what == "tuple":
        return tuple(_decoded(item, table) for item in rest)
    raise ValueError(f"no value {what!r}")
