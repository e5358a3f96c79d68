"""Plans as programs of the kernel: it runs them, and they give the evaluator's answers."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sampler.bpf.assembler import R0, R1, R6, R9, Assembler
from sampler.bpf.values import REGISTERS_AT, NotExpressible, Values
from sampler.linux import bpf
from sampler.plan.evaluate import evaluate
from sampler.plan.nodes import (
    Arithmetic,
    Base,
    Bias,
    Bits,
    Compare,
    Complement,
    Constant,
    Convert,
    Decode,
    Either,
    Joined,
    Kind,
    Logic,
    Negate,
    Node,
    Not,
    NotNil,
    Offset,
    Register,
    Within,
)
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment

BIAS = 0x5555_0000_0000
VALUE, ANSWERED = 0, 1
WORDS = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 3), st.sampled_from([2**63, 2**64 - 1, 2**31, 2**32 - 1]))
INTEGERS = st.builds(Kind, st.just(Base.INTEGER), st.sampled_from([1, 2, 4, 8]), st.booleans())
KINDS = st.one_of(INTEGERS, st.sampled_from([Kind(Base.POINTER, 8), Kind(Base.BOOLEAN, 1)]))


def _of_kind(kind: Kind, inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """An operation of one kind over values of that kind, as the compiler makes them."""
    value = st.one_of(st.builds(Convert, inner, st.just(kind)), _constant(kind))
    count = st.one_of(st.builds(Convert, inner, INTEGERS), st.integers(0, 200).map(Constant))
    return st.one_of(
        st.builds(Arithmetic, st.sampled_from("+-*/%&|^"), value, value, st.just(kind)),
        st.builds(Arithmetic, st.sampled_from(["&^"]), value, value, st.just(kind)),
        st.builds(Arithmetic, st.sampled_from(["<<", ">>"]), value, count, st.just(kind)),
        st.builds(Compare, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), value, value),
        st.builds(Within, value, value),
        st.builds(Negate, value, st.just(kind)),
        st.builds(Complement, value, st.just(kind)),
    )


def _constant(kind: Kind) -> st.SearchStrategy[Node]:
    low = -(1 << (kind.bits - 1)) if kind.signed else 0
    return st.integers(low, low + (1 << kind.bits) - 1).map(Constant)


def _steps(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    small = st.builds(lambda node: Convert(node, Kind(Base.INTEGER, 8)), inner)
    return st.one_of(
        INTEGERS.flatmap(lambda kind: _of_kind(kind, inner)),
        st.builds(Decode, _raw(), KINDS),
        st.builds(Decode, _raw(), INTEGERS, st.integers(1, 8)),
        st.builds(Convert, inner, KINDS),
        st.builds(Not, inner),
        st.builds(Logic, st.sampled_from(["&&", "||"]), inner, inner),
        st.builds(Either, inner, small, small),
        st.builds(NotNil, small, st.just("p")),
        st.builds(Offset, small, st.integers(-(2**40), 2**40)),
    )


def _raw() -> st.SearchStrategy[Node]:
    """Bits without a meaning yet."""
    register = st.builds(Register, st.integers(0, 16), st.sampled_from([1, 2, 4, 8]))
    return st.one_of(
        register,
        st.builds(Bits, register, st.integers(0, 63), st.integers(1, 64)),
        st.builds(lambda low, high: Joined(((low, 4), (high, 4))), register, register),
    )


PLANS = st.recursive(
    st.one_of(_raw(), st.just(Bias()), st.sampled_from([0, 1, -1, 7, 2**63]).map(Constant)),
    _steps,
    max_leaves=12,
)


@pytest.fixture(scope="module")
def counters() -> Iterator[bpf.Counters]:
    try:
        made = bpf.Counters(2)
    except PermissionError:
        pytest.skip("no right to load BPF programs")
    with made:
        yield made


def ran(plan: Node, registers: tuple[int, ...], counters: bpf.Counters) -> int | None:
    """What the kernel makes of a plan: its value in 64 bits, or None where it has no answer."""
    code = Assembler()
    fail = code.label()
    code.move(R6, R1)
    code.map_value(R9, counters.descriptor)
    Values(code, {}, BIAS).put(plan, fail)
    code.store(R9, 8 * VALUE, R0)
    code.set(R1, 1)
    code.store(R9, 8 * ANSWERED, R1)
    code.place(fail)
    code.set(R0, 0)
    code.exit()
    program = bpf.load(code.assembled(), bpf.SYSCALL)
    try:
        counters[ANSWERED] = 0
        bpf.test_run(program, context_of(registers))
    finally:
        os.close(program)
    return counters[VALUE] if counters[ANSWERED] else None


def context_of(registers: tuple[int, ...]) -> bytes:
    """Registers in the order of DWARF as the kernel lays them out."""
    context = bytearray(168)
    for number, at in enumerate(REGISTERS_AT):
        struct.pack_into("<Q", context, at, registers[number])
    return bytes(context)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(plan=PLANS, registers=st.tuples(*[WORDS] * 17))
def test_the_kernel_gives_the_evaluators_answer(counters: bpf.Counters, plan: Node, registers: tuple[int, ...]) -> None:
    try:
        found = ran(plan, registers, counters)
    except NotExpressible:
        return
    moment = Moment(registers, _no_memory, 0, BIAS)
    try:
        expected = int(evaluate(plan, moment)) % 2**64
    except NoAnswer:
        expected = None
    assert found == expected


def _no_memory(*_: int) -> bytes:
    raise OSError("there is none")
