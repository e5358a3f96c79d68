"""Where a frame begins, at every instruction, as readelf has it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from sampler.debuginfo.frames import Frames
from sampler.plan.nodes import Arithmetic, Block, Node, Offset, Part, Register
from sampler.plan.trees import walk
from tests.images import BUILD, compiled_at, located, opened

# By their DWARF numbers: System V ABI, AMD64, figure 3.36.
REGISTERS = ("rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", *(f"r{number}" for number in range(8, 16)))


def told(program: str) -> Iterator[tuple[int, int, str]]:
    """(where its function begins, address, rule) of each row that readelf tells of."""
    done = subprocess.run(["readelf", "--debug-dump=frames-interp", "--wide", BUILD / program],
                          capture_output=True, text=True, check=True)  # fmt: skip
    low = 0
    for line in done.stdout.splitlines():
        head = re.search(r"FDE .*pc=([0-9a-f]+)\.\.", line)
        row = re.match(r"([0-9a-f]{16}) +(r\w+\+\d+|exp)\b", line)
        if head:
            low = int(head[1], 16)
        elif row and int(row[1], 16) >= low > 0:  # rows before are those that the functions share
            yield low, int(row[1], 16), row[2]


def as_readelf_has_it(found: Node | None) -> str:
    base, by = (found.of, found.by) if isinstance(found, Offset) else (found, 0)
    if isinstance(base, Register):
        return f"{REGISTERS[base.number]}+{by}"
    return "exp" if isinstance(base, Part | Arithmetic) else "?"


@pytest.mark.parametrize("program", ["c_types", "c_types-o2", "cpp_types-o2", "rust_types-o2"])
def test_a_frame_begins_where_readelf_says_at_every_address_at_which_that_changes(program: str) -> None:
    rows = list(told(program))
    assert len(rows) > 50
    with opened(program) as image:
        frames = Frames(image)
        differing = [(hex(address), rule, as_readelf_has_it(found)) for low, address, rule in rows
                     if as_readelf_has_it(found := frames.cfa(address, low)) != rule]  # fmt: skip
    assert differing == []


def test_a_frame_that_is_told_by_an_expression_is_read_from_memory() -> None:
    plan = compiled_at("c_types", located("places.c: aligned", "c_types"), "wide[1]").plan
    assert sum(isinstance(node, Block) for node in walk(plan)) >= 1


def test_instructions_that_tell_unwinders_of_pushed_words_are_no_hindrance() -> None:
    done = subprocess.run(["readelf", "--debug-dump=frames", BUILD / "cpp_types-o2"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert "DW_CFA_GNU_args_size" in done.stdout
    assert compiled_at("cpp_types-o2", located("functions.cpp: pushed", "cpp_types"), "held[1]").type_name == "int"
