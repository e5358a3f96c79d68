"""Jumps, and how far they go; that the kernel takes what is assembled is told by tests/integration/test_bpf.py."""

from __future__ import annotations

import pytest

from sampler.bpf.assembler import R0, Assembler, TooFar
from sampler.bpf.program import Program
from sampler.bpf.values import NotExpressible
from sampler.plan.nodes import WORD, Arithmetic, Block, Constant, Node, Part

_FARTHEST = 32767


def jumping_over(count: int) -> Assembler:
    asm = Assembler()
    label = asm.label()
    asm.jump(label)
    for _ in range(count):
        asm.set(R0, 0)
    asm.place(label)
    asm.exit()
    return asm


def test_a_jump_goes_as_far_as_an_instruction_can_tell() -> None:
    code = jumping_over(_FARTHEST).assembled()
    assert int.from_bytes(code[2:4], "little") == _FARTHEST
    assert len(code) == 8 * (_FARTHEST + 2)


def test_what_lies_farther_is_refused() -> None:
    with pytest.raises(TooFar):
        jumping_over(_FARTHEST + 1).assembled()


def test_a_question_of_so_many_reads_is_refused_by_name() -> None:
    addresses: list[Node] = [Constant(number << 5) for number in range(1250)]
    for _ in range(4):
        addresses = [Arithmetic("+", Constant(1 << 40), address, WORD) for address in addresses]
    plans = [Part(Block(address, 8), 0, 8) for address in addresses]
    with pytest.raises(NotExpressible, match="so much at once"):
        Program(plans, 0)
