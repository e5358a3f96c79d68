"""The evaluator: plans, registers and a memory reader give answers.

``gather`` does all reads and nothing else, so that a suspended thread need not wait for arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sampler.plan import nodes, trees, writing
from sampler.plan.nodes import Node
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment, compiled

writing.register()


class Evaluator:
    """Several plans, asked at one moment."""

    def __init__(self, plans: Sequence[Node]) -> None:
        known: dict[Node, Node] = {}
        # Equal nodes become one, so that a block is known by its identity: hashing takes longer than reading.
        self._plans = [trees.rewrite(plan, lambda node: known.setdefault(node, node)) for plan in plans]
        self._reads = [compiled(node) for node in known if isinstance(node, nodes.Reading)]
        self._steps = [compiled(plan) for plan in self._plans]

    def gather(self, moment: Moment) -> None:
        """Reads all memory that the answers need; what cannot be read is noted, and said by ``answers``."""
        for read in self._reads:
            try:
                read(moment)
            except NoAnswer:
                continue  # it may be behind a condition that is false

    def answers(self, moment: Moment) -> list[Any]:
        """One value a plan; raises NoAnswer with the reason."""
        return [step(moment) for step in self._steps]


def evaluate(plan: Node, moment: Moment) -> Any:
    """The value of one plan; raises NoAnswer."""
    return compiled(plan)(moment)
