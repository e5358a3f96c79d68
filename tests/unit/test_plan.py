from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.plan import codec
from sampler.plan.evaluate import Evaluator
from sampler.plan.merge import merge
from sampler.plan.nodes import (
    ADDRESS,
    INT64,
    WORD,
    Arithmetic,
    Base,
    Block,
    Constant,
    Decode,
    Elements,
    Kind,
    Node,
    Offset,
    Part,
    Register,
    Text,
    Within,
)
from sampler.plan.numbers import NoAnswer
from sampler.plan.sharing import Sharing
from sampler.plan.steps import Moment
from sampler.plan.trees import walk

START = 0x1000
MEMORY = bytes(range(256)) * 4


class Memory:
    """Some bytes at START; which of them were read."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, int]] = []

    def __call__(self, address: int, size: int) -> bytes:
        self.reads.append((address, size))
        at = address - START
        if not 0 <= at <= len(MEMORY) - size:
            raise OSError("not mapped")
        return MEMORY[at : at + size]


def word(address: Node, at: int = 0) -> Node:
    return Part(Block(Offset(address, at) if at else address, 8), 0, 8)


def moment(*registers: int) -> tuple[Moment, Memory]:
    memory = Memory()
    return Moment(registers, memory), memory


def list_at(base: Node, length: Node, depth: int) -> Node:
    """The elements of a list, which are lists themselves, and reckoned from where it begins."""
    items = []
    for at in range(4):
        place = Arithmetic("+", base, Arithmetic("*", Within(Constant(at), length), Constant(8), INT64), ADDRESS)
        items.append(list_at(word(place), length, depth - 1) if depth else Decode(word(place), INT64))
    return Elements("", tuple(items), length, "]")


def test_numbers_and_truths_that_are_equal_stay_what_they_are() -> None:
    plans = [Constant(1), Constant(True), Constant(1.0), Constant(0.0), Constant(-0.0)]
    answers = Evaluator(plans).answers(moment()[0])
    assert list(map(repr, answers)) == ["1", "True", "1.0", "0.0", "-0.0"]


def test_equal_parts_become_one_object() -> None:
    sharing = Sharing()
    first, second = (sharing.of(Decode(word(Register(0), 8), INT64)) for _ in range(2))
    assert first is second
    assert list(sharing.nodes) == walk(first)


def test_a_plan_is_kept_and_merged_as_the_graph_that_it_is() -> None:
    plan = list_at(word(Register(0)), Decode(word(Register(0), 8), INT64), depth=3)
    (merged,) = merge([plan])
    kept = json.dumps(codec.encode((merged,)))
    assert len(walk(merged)) < 4000
    assert len(kept) < 200_000
    assert codec.decode(json.loads(kept)) == (merged,)


nodes = st.recursive(
    st.builds(Register, st.integers(0, 15), st.sampled_from([1, 2, 4, 8]))
    | st.builds(Constant, st.integers() | st.booleans() | st.text() | st.none()),
    lambda inner: (
        st.builds(Offset, inner, st.integers(-100, 100))
        | st.builds(Part, st.builds(Block, inner, st.integers(8, 16)), st.just(0), st.just(8))
        | st.builds(Decode, inner, st.builds(Kind, st.sampled_from(Base), st.sampled_from([1, 8]), st.booleans()))
        | st.builds(Arithmetic, st.sampled_from("+-*"), inner, inner, st.just(WORD))
        | st.builds(Elements, st.text(), st.lists(inner, max_size=3).map(tuple), inner, st.text())
    ),
)


@given(st.lists(nodes, min_size=1, max_size=3))
def test_what_was_kept_is_what_was_made(plans: list[Node]) -> None:
    assert codec.decode(json.loads(json.dumps(codec.encode(plans)))) == tuple(plans)


def test_of_a_list_only_the_elements_that_are_there_are_read() -> None:
    elements = list_at(Register(0), Register(1), depth=0)
    for length, reads in ((0, 0), (2, 2), (9, 4)):
        now, memory = moment(START, length)
        evaluator = Evaluator([elements])
        evaluator.gather(now)
        assert len(memory.reads) == reads
        assert evaluator.answers(now) != []
        assert len(memory.reads) == reads, "answers reads nothing more"


def test_what_cannot_be_read_is_no_answer_and_does_not_keep_others_from_being_read() -> None:
    evaluator = Evaluator([Text(Constant(1), Constant(3), 16), Decode(word(Register(0)), INT64)])
    now, memory = moment(START)
    evaluator.gather(now)
    assert len(memory.reads) == 2
    with pytest.raises(NoAnswer, match="not mapped"):
        evaluator.answers(now)
