"""The same code, told of in DWARF 4 and in DWARF 5, gives the same answers."""

from __future__ import annotations

import random

import pytest

from sampler.debuginfo.points import Points
from sampler.debuginfo.scope import Scope
from sampler.errors import ExpressionRefused
from sampler.expression.compile import compile_expression
from sampler.plan.evaluate import evaluate
from sampler.plan.nodes import Node
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment
from tests.images import located, opened, questions

Key = tuple[str, int, str]


def plans(program: str) -> dict[Key, Node | str]:
    """Each question of tests/parity at each of its places: its plan, or why it has none."""
    name, found = program.partition("-")[0], {}
    with opened(program) as image:
        for point, expressions in questions(name.partition("_")[0]).items():
            for place in Points(image).find(located(point, name)):
                scope = Scope(image, place)
                found |= {(point, place.address, text): plan(text, scope) for text in expressions}
    return found


def plan(text: str, scope: Scope) -> Node | str:
    try:
        return compile_expression(text, scope).plan
    except ExpressionRefused as error:
        return str(error)


def answer(made: Node | str, seed: int) -> object:
    chance = random.Random(seed)
    registers = tuple(chance.getrandbits(64) for _ in range(33))
    moment = Moment(registers, lambda address, size: random.Random(address).randbytes(size), bias=0x55 << 40)
    try:
        return evaluate(made, moment) if isinstance(made, Node) else made
    except NoAnswer as reason:
        return str(reason)


@pytest.mark.parametrize(
    ("one", "other"),
    [("c_types-o2", "c_types-dwarf4"), ("cpp_types-o2", "cpp_types-dwarf4"), ("rust_types-o2", "rust_types-dwarf5")],
)
def test_both_versions_of_dwarf_lead_to_the_same_answers(one: str, other: str) -> None:
    first, second = plans(one), plans(other)
    assert first.keys() == second.keys()
    # A value may be reckoned in other steps (LLVM converts in DWARF 5): then it is the same value all the same.
    differing = [key for key in first if first[key] != second[key]]
    assert len(differing) < len(first) // 10
    for key in differing:
        assert [answer(first[key], seed) for seed in range(20)] == [answer(second[key], seed) for seed in range(20)]
