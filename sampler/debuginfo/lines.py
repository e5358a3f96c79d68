"""The line table: which source line an address belongs to, and where a function's prologue ends."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from sampler.debuginfo import entries, line_headers
from sampler.debuginfo.image import Image
from sampler.debuginfo.languages import GO, language_of
from sampler.debuginfo.units import Unit, content, find_all

# DW_LNE_set_address: an extended opcode of nine bytes, then the address (DWARF 5, 6.2.5.3).
_SET_ADDRESS = b"\x00\x09\x02"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: from this address on, the code is of this line. ``statement``: a good place to break."""

    address: int
    file: str
    line: int
    statement: bool
    prologue_end: bool
    ends_sequence: bool


class Lines:
    """The line tables of one image; a unit's is read when asked for, and kept."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._known: dict[int, list[list[Row]]] = {}
        self._programs: dict[tuple[Any, int], Any] = {}

    def line_at(self, address: int) -> Row | None:
        """The row that the address belongs to."""
        for sequence in self._around(address):
            for row, after in pairwise(sequence):
                if row.address <= address < after.address:
                    return row
        return None

    def begins(self, address: int) -> bool:
        """Whether a row begins there, which is where an instruction does."""
        return any(row.address == address for sequence in self._around(address) for row in sequence)

    def of_function(self, low: int, high: int) -> list[Row]:
        """The rows of a function, in the order of addresses."""
        rows = [row for sequence in self._around(low) for row in sequence if low <= row.address < high]
        return sorted((row for row in rows if not row.ends_sequence), key=lambda row: row.address)

    def at_line(self, file: str, line: int) -> dict[str, list[Row]]:
        """The statements of a source line, by the path of each file whose path ends in ``file``."""
        found: dict[str, list[Row]] = {}
        for unit in self._mentioning(file):
            for sequence in self._sequences(unit):
                for row in _beginnings(sequence):
                    if row.line == line and row.statement and is_of_file(row.file, file):
                        found.setdefault(row.file, []).append(row)
        return found

    def lines_of(self, file: str) -> dict[str, set[int]]:
        """The lines that hold a statement, by path: for the hint where one holds none."""
        found: dict[str, set[int]] = {}
        for unit in self._mentioning(file):
            for row in (row for sequence in self._sequences(unit) for row in sequence):
                if row.statement and is_of_file(row.file, file):
                    found.setdefault(row.file, set()).add(row.line)
        return found

    def file_of(self, entry: Any, number: int) -> str:
        """The path of a file by its number in the table of an entry's unit."""
        files = self._files(entry.cu)
        return files[number] if number < len(files) else ""

    def _around(self, address: int) -> list[list[Row]]:
        unit = self._image.units.covering(address)
        if unit is None:
            return []
        if unit.offset not in self._known and language_of(unit.top) == GO:
            symbol = self._image.symbols.covering(address)
            if symbol is not None:
                return [self._one_sequence(unit, at) for at in self._starts_of(unit, symbol.address)]
        return self._sequences(unit)

    def _starts_of(self, unit: Unit, address: int) -> list[int]:
        """Where in the unit's program a sequence begins at that address: Go has one a function."""
        program = self._program(unit.cu)
        first, last = program.program_start_offset, program.program_end_offset
        return [first + at for at in find_all(self._bytes[first:last], _SET_ADDRESS + address.to_bytes(8, "little"))]

    def _one_sequence(self, unit: Unit, at: int) -> list[Row]:
        from elftools.dwarf.lineprogram import LineProgram

        whole = self._program(unit.cu)
        cut = LineProgram(whole.header, whole.stream, whole.structs, at, whole.program_end_offset)
        return next(_sequences(_rows(cut, self._files(unit.cu))), [])

    def _sequences(self, unit: Unit) -> list[list[Row]]:
        if unit.offset not in self._known:
            program = self._program(unit.cu)
            rows = _rows(program, self._files(unit.cu)) if program is not None else iter(())
            self._known[unit.offset] = list(_sequences(rows))
        return self._known[unit.offset]

    def _program(self, cu: Any) -> Any:
        """The library's, read once; None for a unit that has none."""
        start, dwarf = entries.value(cu.get_top_DIE(), "DW_AT_stmt_list"), cu.dwarfinfo
        if start is None:
            return None
        if (dwarf, start) not in self._programs:
            line_headers.check(self._bytes if dwarf is self._image.dwarf else content(dwarf.debug_line_sec), start)
            self._programs[dwarf, start] = dwarf.line_program_for_CU(cu)
        return self._programs[dwarf, start]

    @cached_property
    def _bytes(self) -> bytes:
        return content(self._image.dwarf.debug_line_sec)

    def _mentioning(self, file: str) -> Iterator[Unit]:
        """The units whose file table may hold such a path: found by the bytes of its last component."""
        table, last = self._bytes, file.rpartition("/")[2].encode() + b"\0"
        places = list(find_all(table, last))
        strings = content(self._image.dwarf.debug_line_str_sec)
        for text in _starts_of_strings(strings, last):
            places += find_all(table, text.to_bytes(4, "little"))
        places.sort()
        seen = set()
        for unit in self._image.units.all:
            start = entries.value(unit.top, "DW_AT_stmt_list")
            if start is None or start in seen:  # dwz's partial units have the table of another one
                continue
            seen.add(start)
            end = start + 4 + int.from_bytes(table[start : start + 4], "little")
            at = bisect_left(places, start)
            if at < len(places) and places[at] < end and any(is_of_file(path, file) for path in self._files(unit.cu)):
                yield unit

    def _files(self, cu: Any) -> list[str]:
        """The paths by the number that the rows use: from 0 in DWARF 5, from 1 before."""
        program = self._program(cu)
        if program is None:
            return []
        header, five = program.header, program.header["version"] >= 5
        base = _text(entries.value(cu.get_top_DIE(), "DW_AT_comp_dir", b""))
        listed = [_text(folder) for folder in header["include_directory"]]
        folders = [os.path.join(base, folder) for folder in (listed if five else ["", *listed])]
        paths = []
        for file in header["file_entry"]:
            folder = folders[file.dir_index] if file.dir_index < len(folders) else ""
            paths.append(os.path.normpath(os.path.join(folder, _text(file.name))))
        return paths if five else ["", *paths]


def _beginnings(sequence: list[Row]) -> Iterator[Row]:
    """The rows at which another line begins."""
    before: Row | None = None
    for row in sequence:
        if not row.ends_sequence and (before is None or (before.line, before.file) != (row.line, row.file)):
            yield row
        before = row


def _starts_of_strings(strings: bytes, last: bytes) -> Iterator[int]:
    """Where the strings begin that end in ``last``: the whole path may stand in front of it."""
    for at in find_all(strings, last):
        yield at
        start = strings.rfind(b"\0", 0, at) + 1
        if start != at:
            yield start


def prologue_end(rows: list[Row], low: int, optimised: bool) -> int:
    """Where a debugger would break in a function that begins at ``low``.

    Compilers that mark the place are believed (Go, clang). Else: where variables have lists of
    locations, those hold from the first instruction on; where they lie in the frame, the frame is
    made when the function's second line begins (GDB, "skip_prologue_using_sal").
    """
    marked = next((row.address for row in rows if row.prologue_end), None)
    if marked is not None:
        return marked
    if optimised:
        return low
    return next((row.address for row in rows if row.address > low), low)


def is_of_file(path: str, named: str) -> bool:
    """True if the path is that file: ``named`` is the whole path or its last components."""
    return path == named or path.endswith("/" + named)


def _sequences(rows: Iterator[Row]) -> Iterator[list[Row]]:
    sequence: list[Row] = []
    for row in rows:
        sequence.append(row)
        if row.ends_sequence:
            yield sequence
            sequence = []


def _rows(program: Any, files: list[str]) -> Iterator[Row]:
    for entry in program.get_entries():
        state = entry.state
        if state is not None:
            path = files[state.file] if state.file < len(files) else ""
            yield Row(
                state.address, path, state.line, bool(state.is_stmt),
                bool(state.prologue_end), bool(state.end_sequence),
            )  # fmt: skip


def _text(name: Any) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def declared_line(die: Any) -> int | None:
    """The line on which an entry was declared."""
    owner = entries.inherited(die, "DW_AT_decl_line")
    return int(entries.value(owner, "DW_AT_decl_line")) if owner is not None else None
