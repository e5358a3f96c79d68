"""What is read without a thread: which memory a plan needs, and what only a thread at the point could tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.plan.evaluate import Evaluator, evaluate
from sampler.plan.freezing import Freezing, NotFreezable
from sampler.plan.nodes import (
    ADDRESS,
    INT64,
    WORD,
    Address,
    Arithmetic,
    Base,
    Bias,
    Block,
    Compare,
    Constant,
    Convert,
    Decode,
    Either,
    Elements,
    Joined,
    Kind,
    Listing,
    Logic,
    Node,
    NotNil,
    Offset,
    Part,
    Provided,
    Register,
    TerminatedText,
    Text,
    ThreadPointer,
    Within,
)
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment

START = 0x1000
MEMORY = b"".join(number.to_bytes(8, "little") for number in [START + 16, 7, START + 32, 9, 0, 11])
_RDI, _RBP, _RSP, _XMM0 = 5, 6, 7, 17


def read(address: int, size: int) -> bytes:
    at = address - START
    if not 0 <= at <= len(MEMORY) - size:
        raise OSError("not mapped")
    return MEMORY[at : at + size]


BIAS = 0x5555_0000_0000


def word(address: Node, at: int = 0) -> Part:
    return Part(Block(Offset(address, at) if at else address, 8), 0, 8)


def parameter(name: str = "p") -> Node:
    """What a parameter points to, as the compiler writes it."""
    return NotNil(Decode(Register(_RDI), ADDRESS), name)


def integer(raw: Node) -> Node:
    return Decode(raw, INT64)


def moment(*registers: int) -> Moment:
    return Moment(registers, read, 0, 0)


def pointing_to(address: int) -> Moment:
    return moment(*[0] * _RDI, address, *[0] * 11)


def frozen(plans: list[Node], at: Moment) -> list[Node]:
    """Through the addresses that they have at that moment."""
    freezing = Freezing(plans)
    return freezing.frozen([evaluate(Convert(block.address, WORD), at) for block in freezing.blocks])


def test_a_frozen_plan_gives_the_answer_without_any_register() -> None:
    plans = [integer(word(parameter(), 8)), integer(word(word(parameter()), 8))]
    at = pointing_to(START)
    assert Evaluator(frozen(plans, at)).answers(moment()) == Evaluator(plans).answers(at) == [7, 9]


def test_what_leads_to_the_memory_is_not_read_any_more() -> None:
    freezing = Freezing([integer(word(word(parameter()), 8))])
    assert [block.address for block in freezing.blocks] == [Offset(word(parameter()), 8)]


def test_memory_that_several_plans_read_is_found_once() -> None:
    gap = Arithmetic("-", word(parameter(), 8), word(parameter()), WORD)
    freezing = Freezing([word(parameter(), 8), word(parameter()), gap])
    assert len(freezing.blocks) == 2
    first, second, difference = freezing.frozen([START, START + 8])
    assert evaluate(first, moment()) - evaluate(second, moment()) == START + 9
    assert evaluate(difference, moment()) == START + 9


def test_blocks_are_in_the_order_in_which_the_plans_read_them() -> None:
    addresses: list[Node] = [Offset(Bias(), at) for at in (40, 8, 24)]
    assert [block.address for block in Freezing([word(address) for address in addresses]).blocks] == addresses


def test_a_global_variable_lies_where_the_program_was_loaded() -> None:
    (found,) = frozen([integer(word(Bias(), START + 8))], moment())
    assert evaluate(found, moment()) == 7


def test_a_global_variable_is_not_looked_for_anew_where_the_program_was_loaded_elsewhere() -> None:
    (found,) = frozen([integer(word(Bias(), START + 8))], moment())
    assert evaluate(found, Moment((), read, 0, 0xDEAD000)) == 7


def test_what_has_no_answer_frozen_has_none_either() -> None:
    item = Within(integer(word(parameter(), 8)), Constant(3))
    (found,) = frozen([item], pointing_to(START))
    with pytest.raises(NoAnswer, match="index 7 out of bounds: length 3"):
        evaluate(found, moment())


def test_a_plan_of_constants_reads_nothing() -> None:
    assert Freezing([Arithmetic("+", Constant(1), Constant(1), INT64), Address(Offset(Bias(), 16))]).blocks == []


def element_of(base: Node, index: Node = Constant(1), length: Node = Constant(3)) -> Node:  # noqa: B008 - frozen
    """Its address, and a field's within."""
    by = Arithmetic("*", Convert(Within(index, length), WORD), Constant(8), WORD)
    return Offset(Arithmetic("+", base, by, WORD), 8)


INDEX = integer(word(parameter(), 8))
LOCAL = Offset(Register(_RBP), -24)
REFUSED = {
    "a parameter in a register": (Decode(Register(_RDI), INT64), "kept in a register"),
    "a value in a vector register": (Decode(Register(_XMM0, 8), Kind(Base.FLOAT, 8)), "kept in a register"),
    "the stack pointer itself": (Decode(Register(_RSP), ADDRESS), "kept in a register"),
    "a comparison with a register": (Compare("==", parameter(), Constant(0)), "kept in a register"),
    "a value that is half in a register": (Joined(((word(Bias()), 8), (Register(_RDI), 8))), "kept in a register"),
    "a local by the frame's base": (integer(word(LOCAL)), "on the stack"),
    "a local by the stack pointer": (integer(word(Register(_RSP), 16)), "on the stack"),
    "what the stack pointer points to": (integer(word(Register(_RSP))), "on the stack"),
    "an element of a local array": (integer(word(element_of(LOCAL))), "on the stack"),
    "storage of a thread": (integer(word(ThreadPointer(), -16)), "a thread's own"),
    "what lies at the thread's own base": (integer(word(ThreadPointer())), "a thread's own"),
    "an element of a thread's array": (integer(word(element_of(Offset(ThreadPointer(), -64)))), "a thread's own"),
    "the address of a thread's storage": (Address(Offset(ThreadPointer(), -16)), "a thread's own"),
    "an element by a variable": (integer(word(element_of(parameter(), INDEX))), "a variable index"),
    "an element by a register": (integer(word(element_of(Bias(), Register(_RDI)))), "a variable index"),
    "what such an element points to": (integer(word(word(element_of(parameter(), INDEX)))), "a variable index"),
    "a form of a choice": (
        integer(word(Offset(Provided(parameter(), Compare("==", INDEX, Constant(1)), "it is none"), 8))), "one form",
    ),
    "a string of Go": (Text(word(parameter()), word(parameter(), 8), 256), "a string"),
    "a string of C": (TerminatedText(word(parameter()), 256), "a string"),
    "a list": (Elements("[", (integer(word(parameter())),), word(parameter(), 8), "]"), "a list as a whole"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_only_a_thread_at_the_point_could_tell_is_refused_with_the_reason(what: str) -> None:
    plan, reason = REFUSED[what]
    with pytest.raises(NotFreezable, match=reason):
        Freezing([plan])


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_refused_also_within_and_beside_what_can_be_read(what: str) -> None:
    plan, reason = REFUSED[what]
    readable = integer(word(parameter()))
    around = [
        [readable, plan],
        [Arithmetic("+", readable, plan, INT64)],
        [Logic("&&", readable, plan)],
        [Either(readable, readable, plan)],
        [Listing("(", (readable, plan), ("a", "b"), ")")],
    ]
    for plans in around:
        with pytest.raises(NotFreezable, match=reason):
            Freezing(plans)


@pytest.mark.parametrize("pointer", [LOCAL, Register(_RSP), Offset(ThreadPointer(), -8)], ids=["rbp", "rsp", "thread"])
def test_what_a_pointer_on_the_stack_or_of_a_thread_points_to_can_be_read(pointer: Node) -> None:
    """Where it points is looked at when it is known."""
    through = NotNil(Decode(word(pointer), ADDRESS), "p")
    assert [block.address for block in Freezing([integer(word(through, 8))]).blocks] == [Offset(through, 8)]


def test_an_element_by_a_constant_index_can_be_read_though_there_may_be_fewer_some_day() -> None:
    length = integer(word(parameter(), 8))
    (found,) = frozen([integer(word(element_of(word(parameter()), Constant(0), length)))], pointing_to(START))
    assert evaluate(found, moment()) == 9


@pytest.mark.parametrize("number", [_RBP, _RSP])
def test_a_pointer_that_is_kept_in_the_register_of_frames_can_be_followed(number: int) -> None:
    """Optimised code keeps what it likes there."""
    through = NotNil(Decode(Register(number), ADDRESS), "p")
    assert Freezing([integer(word(through, 8))]).blocks


@given(st.lists(st.sampled_from([0, 8, 16, 24, 32, 40]), min_size=1, max_size=6), st.data())
def test_whatever_is_read_frozen_gives_what_it_gave(offsets: list[int], data: st.DataObject) -> None:
    words = [word(parameter(), at) for at in offsets]
    plans: list[Node] = [integer(one) for one in words]
    plans += [
        Arithmetic(data.draw(st.sampled_from("+-*")), data.draw(st.sampled_from(words)), one, WORD) for one in words
    ]
    at = pointing_to(START)
    assert Evaluator(frozen(plans, at)).answers(moment()) == Evaluator(plans).answers(at)


def test_what_is_wanted_only_if_something_holds_has_no_address_where_it_does_not() -> None:
    pointer = word(Bias())
    condition, beyond = integer(pointer), integer(word(NotNil(Decode(pointer, ADDRESS), "p"), 8))
    freezing = Freezing([Logic("&&", condition, beyond)])
    memory = {BIAS: 0, 4096 + 8: 7}

    def read(address: int, size: int) -> bytes:
        if address not in memory:
            raise OSError
        return memory[address].to_bytes(size, "little")

    found = []
    for memory[BIAS] in (0, 4096):
        found.append([evaluate(address, Moment((), read, 0, BIAS)) for address in freezing.addresses])
    assert found == [[BIAS, 0], [BIAS, 4104]]
    assert evaluate(freezing.frozen([BIAS, 4104])[0], Moment((), read, 0, BIAS)) == 1


def test_what_is_wanted_if_any_of_several_things_holds_has_an_address_where_one_does() -> None:
    first, second, beyond = (integer(word(Bias(), at)) for at in (0, 8, 16))
    freezing = Freezing([Logic("&&", first, beyond), Either(second, beyond, Constant(0))])
    flags = {BIAS: 0, BIAS + 8: 0}

    def read(address: int, size: int) -> bytes:
        return flags[address].to_bytes(size, "little")

    found = {}
    for flags[BIAS] in (0, 1):
        for flags[BIAS + 8] in (0, 1):
            asked = [evaluate(address, Moment((), read, 0, BIAS)) for address in freezing.addresses]
            found[flags[BIAS], flags[BIAS + 8]] = asked
    always, wanted = [BIAS, BIAS + 8], BIAS + 16
    assert found == {(0, 0): [*always, 0], (0, 1): [*always, wanted],
                     (1, 0): [*always, wanted], (1, 1): [*always, wanted]}  # fmt: skip
