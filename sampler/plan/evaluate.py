"""The evaluator: plans, registers and a memory reader give answers.

``gather`` does all reads and nothing else, so that a suspended thread need not wait for arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sampler.plan import nodes, trees, writing
from sampler.plan.nodes import Node
from sampler.plan.numbers import NoAnswer
from sampler.plan.sharing import Sharing
from sampler.plan.steps import Moment, Step, compiled

writing.register()


class Evaluator:
    """Several plans, asked at one moment."""

    def __init__(self, plans: Sequence[Node]) -> None:
        sharing = Sharing()
        # Equal nodes are one, so that a block is known by its identity: hashing takes longer than reading.
        self._plans = [sharing.of(plan) for plan in plans]
        with compiled.once():
            #: Reads all memory that the answers need; what cannot be read is noted, and said by ``answers``.
            self.gather = _Reads(self._plans).gather
            self._steps = [compiled(plan) for plan in self._plans]

    def answers(self, moment: Moment) -> list[Any]:
        """One value a plan; raises NoAnswer with the reason."""
        return [step(moment) for step in self._steps]


class _Reads:
    """The reads of some plans, and apart from them those of the elements of lists: of as many as there are."""

    def __init__(self, plans: Sequence[Node], known: frozenset[int] = frozenset()) -> None:
        self._plain: list[Step] = []
        lists: list[nodes.Elements] = []
        seen = set(known)
        for plan in plans:
            self._find(plan, seen, lists)
        beyond = frozenset(seen)
        self._lists = [(compiled(one.length), [_Reads([item], beyond) for item in one.items]) for one in lists]

    def _find(self, node: Node, seen: set[int], lists: list[nodes.Elements]) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, nodes.Elements):
            lists.append(node)
        items = node.items if isinstance(node, nodes.Elements) else ()
        for child in trees.children(node):
            if not any(child is item for item in items):
                self._find(child, seen, lists)
        if isinstance(node, nodes.Reading):
            self._plain.append(compiled(node))

    def gather(self, moment: Moment) -> None:
        for read in self._plain:
            try:
                read(moment)
            except NoAnswer:
                continue  # it may be behind a condition that is false
        for length, items in self._lists:
            try:
                count = length(moment)
            except NoAnswer:
                continue
            for item in items[: max(0, count)]:
                item.gather(moment)


def evaluate(plan: Node, moment: Moment) -> Any:
    """The value of one plan, all of it read anew; raises NoAnswer."""
    return compiled(plan)(replace(moment, blocks={}))
