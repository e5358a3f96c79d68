from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from sampler.debuginfo.cursor import Cursor
from sampler.debuginfo.line_program import LineProgram, Row
from sampler.debuginfo.units import content

BUILD = Path(__file__).parents[2] / "build"
MOST_UNITS = 40
FOLDER = "/where/it/was/compiled"


@pytest.mark.parametrize("name", ["c_ring", "c_types", "c_types-o2", "c_types-dwarf4", "go_types", "tracee"])
def test_the_rows_are_those_that_pyelftools_reads(name: str) -> None:
    if not (BUILD / name).exists():
        pytest.skip(f"build/{name} is missing: run `make test`")
    with (BUILD / name).open("rb") as file:
        dwarf = ELFFile(file).get_dwarf_info(follow_links=False)
        compared = 0
        for unit, _ in zip(dwarf.iter_CUs(), range(MOST_UNITS), strict=False):
            start = unit.get_top_DIE().attributes["DW_AT_stmt_list"].value
            ours = LineProgram(dwarf.debug_line_sec.stream.getvalue(), start, FOLDER, texts(dwarf))
            rows = [row for sequence in ours.sequences() for row in sequence]
            assert rows == expected(dwarf.line_program_for_CU(unit))
            compared += len(rows)
        assert compared > 100


def texts(dwarf: object) -> dict[int, object]:
    return {0x1F: lambda: content(dwarf.debug_line_str_sec), 0x0E: lambda: content(dwarf.debug_str_sec)}


def expected(program: object) -> list[Row]:
    files = paths(program)
    states = [entry.state for entry in program.get_entries() if entry.state is not None]
    return [
        Row(
            state.address, files[state.file], state.line,
            bool(state.is_stmt), bool(state.prologue_end), bool(state.end_sequence),
        )
        for state in states
    ]  # fmt: skip


def paths(program: object) -> list[str]:
    header = program.header
    before = [] if header["version"] >= 5 else [""]
    folders = [os.path.join(FOLDER, folder) for folder in (*before, *map(bytes.decode, header["include_directory"]))]
    return before + [
        os.path.normpath(os.path.join(folders[file.dir_index], file.name.decode())) for file in header["file_entry"]
    ]


@given(st.binary(max_size=80))
def test_any_bytes_are_a_line_program_or_an_error_of_a_damaged_one(data: bytes) -> None:
    with suppress(EOFError, IndexError, ValueError):
        program = LineProgram(b"\x40\0\0\0\5\0" + data, 0, FOLDER, {})
        assert len(program.files) <= len(data)
        assert sum(map(len, program.sequences())) <= len(data)


@given(st.integers(0, (1 << 70) - 1))
def test_an_unsigned_leb128_is_read_as_it_was_written(number: int) -> None:
    data = leb128(number, lambda rest, _: rest == 0)
    cursor = Cursor(data + b"\xff", 0)
    assert cursor.unsigned() == number
    assert cursor.at == len(data)


@given(st.integers(-(1 << 69), (1 << 69) - 1))
def test_a_signed_leb128_is_read_as_it_was_written(number: int) -> None:
    data = leb128(number, lambda rest, last: rest == (-1 if last & 0x40 else 0))
    assert Cursor(data, 0).signed() == number


def leb128(number: int, is_last: object) -> bytes:
    """DWARF 5, appendix C."""
    written = []
    while True:
        byte, number = number & 0x7F, number >> 7
        if is_last(number, byte):
            return bytes([*written, byte])
        written.append(byte | 0x80)
