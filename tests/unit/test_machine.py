"""Location expressions of DWARF, written here byte by byte (DWARF 5, 7.7.1), become nodes that give their values."""

from __future__ import annotations

import struct
from contextlib import suppress
from types import SimpleNamespace

import pytest
from elftools.dwarf.structs import DWARFStructs
from hypothesis import given
from hypothesis import strategies as st

from sampler.debuginfo.machine import Surroundings, address_from, storage
from sampler.debuginfo.storage import Memory, Pieces, Unlocated
from sampler.plan.evaluate import evaluate
from sampler.plan.nodes import Constant, Node, Register
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment

UNIT = SimpleNamespace(structs=DWARFStructs(little_endian=True, dwarf_format=32, address_size=8, dwarf_version=5))
AROUND = Surroundings(0x1000, lambda: Register(6), lambda: Register(7), -64)
MOMENT = Moment(tuple(range(100, 133)), lambda address, size: address.to_bytes(8, "little")[:size].ljust(size, b"\0"),
                thread_pointer=0x7000, bias=0x10_0000)  # fmt: skip

LIT, REG, BREG, STACK_VALUE, PIECE = 0x30, 0x50, 0x70, 0x9F, 0x93
OPERATIONS = {
    "and": 0x1A, "div": 0x1B, "minus": 0x1C, "mod": 0x1D, "mul": 0x1E, "or": 0x21, "plus": 0x22, "shl": 0x24,
    "shr": 0x25, "shra": 0x26, "xor": 0x27, "eq": 0x29, "ge": 0x2A, "gt": 0x2B, "le": 0x2C, "lt": 0x2D, "ne": 0x2E,
}  # fmt: skip


def constant(value: int) -> bytes:
    return b"\x0e" + struct.pack("<Q", value & (1 << 64) - 1)  # DW_OP_const8u


def located(code: bytes, size: int = 8) -> Memory | Pieces:
    return storage(UNIT, list(code), AROUND, size)


def value(code: bytes) -> int:
    return int(evaluate(located(code + bytes([STACK_VALUE])).part(0, 8), MOMENT)) & (1 << 64) - 1


@pytest.mark.parametrize(
    ("left", "sign", "right", "result"),
    [
        (6, "plus", 3, 9), (3, "minus", 6, -3), (-6, "mul", 3, -18), (-7, "div", 2, -3), (7, "mod", 4, 3),
        (12, "and", 10, 8), (12, "or", 10, 14), (12, "xor", 10, 6), (1, "shl", 63, 1 << 63),
        (-8, "shr", 1, (1 << 63) - 4),
        (-8, "shra", 1, -4), (3, "eq", 3, 1), (3, "ne", 3, 0), (-1, "lt", 0, 1), (-1, "gt", 0, 0), (-1, "ge", -1, 1),
        (2, "le", 1, 0), ((1 << 64) - 1, "plus", 2, 1),
    ],
)  # fmt: skip
def test_the_stack_reckons_in_words_and_compares_with_a_sign(left: int, sign: str, right: int, result: int) -> None:
    assert value(constant(left) + constant(right) + bytes([OPERATIONS[sign]])) == result & (1 << 64) - 1


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (b"\x1f", -3),  # neg
        (b"\x20", ~3),  # not
        (b"\x12\x22", 6),  # dup plus
        (b"\x34\x13", 3),  # lit4 drop
        (b"\x34\x16\x1c", 1),  # lit4 swap minus: 4 - 3
        (b"\x34\x14\x1c\x1c", 2),  # lit4 over minus minus: 3 - (4 - 3)
        (b"\x34\x35\x17\x1c\x1c", 6),  # lit4 lit5 rot minus minus: 5 - (3 - 4)
        (b"\x34\x35\x15\x02\x22", 8),  # lit4 lit5 pick 2 plus
        (b"\x23\x85\x01", 136),  # plus_uconst 133
        (b"\x96", 3),  # nop
    ],
)
def test_the_stack_is_turned_about_as_the_standard_has_it(code: bytes, result: int) -> None:
    assert value(bytes([LIT + 3]) + code) == result & (1 << 64) - 1


def test_a_value_is_read_where_it_lies() -> None:
    assert evaluate(located(bytes([REG + 3])).part(0, 4), MOMENT) == 103
    assert evaluate(located(bytes([BREG + 3, 0x7C])).part(0, 8), MOMENT) == 99  # what memory holds is its address
    assert evaluate(located(b"\x91\x08").part(0, 8), MOMENT) == 106 + 8  # fbreg
    assert evaluate(located(b"\x9c\x23\x10").part(0, 8), MOMENT) == 107 + 16  # call_frame_cfa
    assert evaluate(located(b"\x03" + struct.pack("<Q", 0x4000)).part(0, 8), MOMENT) == 0x10_4000  # addr
    assert evaluate(located(constant(16) + b"\x9b").part(0, 8), MOMENT) == 0x7000 - 64 + 16  # form_tls_address
    assert evaluate(located(b"\x9e\x02\x34\x12", 2).part(0, 2), MOMENT) == 0x1234  # implicit_value


def test_a_value_in_pieces_is_put_together_and_a_missing_piece_is_told() -> None:
    code = bytes([REG, PIECE, 4, PIECE, 4, REG + 1, PIECE, 8])  # of sixteen bytes the second four are nowhere
    found = located(code, 16)
    assert evaluate(found.part(0, 4), MOMENT) == 100
    assert evaluate(found.part(8, 8), MOMENT) == 101
    with pytest.raises(Unlocated, match="optimised out"):
        found.part(0, 8)
    with pytest.raises(Unlocated, match="nowhere"):
        found.part(16, 1)


def test_a_register_is_no_longer_than_it_is() -> None:
    with pytest.raises(Unlocated, match="nowhere"):
        located(bytes([REG + 3]), 16).part(8, 8)
    assert evaluate(located(bytes([REG + 17]), 16).part(0, 16), MOMENT) == 117  # xmm0
    with pytest.raises(Unlocated, match="more than the register holds"):
        located(bytes([REG + 3, PIECE, 16]), 16)


@pytest.mark.parametrize("code", [b"\x22", b"\x30\x22", b"\x12", b"\x16", b"\x9f", b"\x06", b"\x15\x05"])
def test_an_expression_that_takes_more_than_there_is_has_no_location(code: bytes) -> None:
    with pytest.raises(Unlocated):
        located(code).part(0, 8)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"\xa3\x01\x55\x9f", "value at the function's entry"),
        (b"\xa0" + bytes(4) + b"\0", "what it points to was optimised out"),
        (b"\x90\x21", "register 33, which is not read"),
        (b"\x97", "DW_OP_push_object_address, which is not understood"),
        (b"", "it was optimised out"),
    ],
)
def test_what_has_no_location_that_can_be_read_says_why(code: bytes, reason: str) -> None:
    with pytest.raises(Unlocated, match=reason):
        located(code)


def test_a_shared_base_is_found_through_the_objects_own_table() -> None:
    code = b"\x12\x06\x48\x1c\x06\x22"  # dup deref lit24 minus deref plus
    memory = {0x100: 0x500, 0x500 - 24: 0x20}
    moment = Moment((), lambda address, size: memory[address].to_bytes(size, "little"))
    assert evaluate(address_from(UNIT, list(code), Constant(0x100)), moment) == 0x120


operations = st.one_of(
    st.sampled_from([*OPERATIONS.values(), 0x12, 0x13, 0x14, 0x16, 0x17, 0x1F, 0x20, 0x96, 0x9F, 0x06]).map(
        lambda code: bytes([code])
    ),
    st.integers(0, 31).map(lambda number: bytes([LIT + number])),
    st.integers(0, 31).map(lambda number: bytes([REG + number])),
    st.integers(0, 15).flatmap(lambda number: st.integers(0, 127).map(lambda by: bytes([BREG + number, by]))),
    st.integers(0, 20).map(lambda size: bytes([PIECE, size])),
    st.integers(0, 9).map(lambda depth: bytes([0x15, depth])),
    st.integers(-(1 << 63), (1 << 64) - 1).map(constant),
)


@given(st.lists(operations, max_size=12), st.integers(1, 16))
def test_any_expression_is_a_location_or_told_to_be_none(code: list[bytes], size: int) -> None:
    try:
        node: Node = located(b"".join(code), size).part(0, size)
    except Unlocated as reason:
        told = str(reason)
        assert told
        return
    with suppress(NoAnswer):  # a division by zero
        assert isinstance(evaluate(node, MOMENT), int)
