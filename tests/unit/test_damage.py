"""A damaged program is answered or refused by a typed error, and read in bounded time and memory."""

from __future__ import annotations

import io
import random
import resource
import struct

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.damage import ask, damaged, sections
from tests.images import BUILD, located

# What is asked of each: points of several forms, and expressions that reach far.
ASKED = {
    "c_types-o2": (
        ["integers", "places.c: locals", "twice", "nosuch"],
        ["i", "keep.head->colour == GREEN", "pair.a", "((struct outer *)pointer)->last", "thread_number"],
    ),
    "c_types-dwarf4": (["structs", "points.c: arrays", "twice"], ["by_name->next", "bits.wide", "rows[1][2]"]),
    "cpp_types-o2": (
        ["shop::references", "shop::twice", "types.h: box", "shop::article::discounted"],
        ["small.a", "shelf", "thing.price", "price", "gem->shared"],
    ),
    "go_types": (
        ["main.structs", "points.go: closure", "main.Sum"],
        ["value", "pointer.Next", "len(values)", "GlobalPair", "changed + constant"],
    ),
    "rust_types-dwarf5": (
        ["main::kinds::enums", "points.rs: inlined", "keep::Wrapper::opened"],
        ["some", "circle", "NUMBERS", "doubled", "self.count"],
    ),
}  # fmt: skip
MOST_MEMORY = 1 << 30


def asked_of(program: str) -> tuple[list[str], list[str]]:
    points, expressions = ASKED[program]
    return [located(point, program.partition("-")[0]) for point in points], expressions


def whole(program: str) -> bytes:
    if not (BUILD / program).exists():
        pytest.skip(f"build/{program} is missing: run `make test`")
    return (BUILD / program).read_bytes()


@pytest.mark.parametrize("program", ASKED)
def test_what_is_asked_of_the_damaged_is_answered_by_the_whole(program: str) -> None:
    assert ask(whole(program), *asked_of(program)) > 5


@pytest.mark.parametrize("program", ["c_types-o2", "c_types-dwarf4"])
@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=60)
def test_a_damaged_program_is_answered_or_refused_by_a_typed_error(program: str, seed: int) -> None:
    assert_bounded(program, [seed])


@pytest.mark.torture
@pytest.mark.parametrize("program", ASKED)
def test_thousands_of_damaged_programs_are_answered_or_refused_by_typed_errors(program: str) -> None:
    number = 20_000 if program.startswith("c_") else 2_000
    first = random.randrange(1 << 32)
    print(f"seeds from {first}")  # shown by pytest if it fails
    assert_bounded(program, range(first, first + number))


def assert_bounded(program: str, seeds: list[int] | range) -> None:
    """The time is bounded by the test's own limit."""
    data = whole(program)
    spans, asked = sections(data), asked_of(program)
    for seed in seeds:
        ask(damaged(data, spans, random.Random(seed)), *asked)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10 < MOST_MEMORY


@given(st.floats(0, 1, exclude_max=True))
@settings(max_examples=40)
def test_a_program_cut_anywhere_is_answered_or_refused_by_a_typed_error(part: float) -> None:
    data = whole("c_types-o2")
    ask(data[: int(part * len(data))], *asked_of("c_types-o2"))


def test_tables_of_billions_of_files_of_no_bytes_are_refused_before_they_are_read() -> None:
    data = bytearray(whole("c_types-o2"))
    section = ELFFile(io.BytesIO(data)).get_section_by_name(".debug_line")
    at, end = section["sh_offset"], section["sh_offset"] + section["sh_size"]
    while at < end:
        (length,) = struct.unpack_from("<I", data, at)
        table = at + 18 + data[at + 17] - 1
        data[table : table + 6] = b"\0\xff\xff\xff\xff\x0f"  # no format, and as many entries as there can be
        at += 4 + length
    assert ask(bytes(data), *asked_of("c_types-o2")) < 5
