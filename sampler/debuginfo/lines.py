"""The line table: which source line an address belongs to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sampler.debuginfo import entries
from sampler.debuginfo.languages import GO, language_of
from sampler.debuginfo.line_program import LineProgram, Row
from sampler.debuginfo.units import Unit, content, find_all

if TYPE_CHECKING:
    from sampler.debuginfo.image import Image

# DW_LNE_set_address: an extended opcode of nine bytes, then the address (DWARF 5, 6.2.5.3).
_SET_ADDRESS = b"\x00\x09\x02"


class Lines:
    """The line tables of one image; what was read is kept."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._known: dict[int, list[list[Row]]] = {}  # of a whole unit, by its offset
        self._functions: dict[int, list[list[Row]]] = {}  # of one function, by its address
        self._programs: dict[tuple[Any, int], LineProgram] = {}

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
        for sequence in self._of_file(file):
            for row in _beginnings(sequence):
                if row.line == line and row.statement and is_of_file(row.file, file):
                    found.setdefault(row.file, []).append(row)
        return found

    def lines_of(self, file: str) -> dict[str, set[int]]:
        """The lines that hold a statement, by path: for the hint where one holds none."""
        found: dict[str, set[int]] = {}
        for sequence in self._of_file(file):
            for row in sequence:
                if row.statement and is_of_file(row.file, file):
                    found.setdefault(row.file, set()).add(row.line)
        return found

    def file_of(self, entry: Any, number: int) -> str:
        """The path of a file by its number in the table of an entry's unit."""
        program = self._program(entry.cu)
        return program.files[number] if program is not None and number < len(program.files) else ""

    def _around(self, address: int) -> Iterable[list[Row]]:
        unit = self._image.units.covering(address)
        if unit is None:
            return []
        if unit.offset not in self._known and language_of(unit.top) == GO:
            symbol = self._image.symbols.covering(address)
            if symbol is not None:
                return self._of_function(unit, symbol.address)
        return self._sequences(unit)

    def _of_function(self, unit: Unit, start: int) -> list[list[Row]]:
        """Go has one sequence a function, which begins by setting the address."""
        program = self._program(unit.cu)
        if program is not None and start not in self._functions:
            places = find_all(program.data, _SET_ADDRESS + start.to_bytes(8, "little"), program.start, program.end)
            self._functions[start] = [program.sequence(at)[0] for at in places]
        return self._functions.get(start, [])

    def _of_file(self, file: str) -> Iterator[list[Row]]:
        for unit in self._mentioning(file):
            yield from self._sequences(unit)

    def _sequences(self, unit: Unit) -> list[list[Row]]:
        if unit.offset not in self._known:
            program = self._program(unit.cu)
            self._known[unit.offset] = list(program.sequences()) if program is not None else []
        return self._known[unit.offset]

    def _program(self, cu: Any) -> LineProgram | None:
        """None for a unit that has none."""
        start, dwarf = entries.value(cu.get_top_DIE(), "DW_AT_stmt_list"), cu.dwarfinfo
        if start is None:
            return None
        if (dwarf, start) not in self._programs:
            data = self._bytes if dwarf is self._image.dwarf else content(dwarf.debug_line_sec)
            folder = entries.value(cu.get_top_DIE(), "DW_AT_comp_dir", b"")
            texts = {0x1F: lambda: content(dwarf.debug_line_str_sec), 0x0E: lambda: content(dwarf.debug_str_sec)}
            self._programs[dwarf, start] = LineProgram(data, start, folder.decode(errors="replace"), texts)
        return self._programs[dwarf, start]

    @cached_property
    def _bytes(self) -> bytes:
        return content(self._image.dwarf.debug_line_sec)

    def _mentioning(self, file: str) -> Iterator[Unit]:
        """The units whose file table holds such a path: found by the bytes of its last component."""
        table, last = self._bytes, file.rpartition("/")[2].encode() + b"\0"
        places = list(find_all(table, last))
        for text in _starts_of_strings(content(self._image.dwarf.debug_line_str_sec), last):
            places += find_all(table, text.to_bytes(4, "little"))
        places.sort()
        seen = set()
        for unit in self._image.units.all:
            program = self._program(unit.cu)
            if program is None or program.offset in seen:  # dwz's partial units have the table of another one
                continue
            seen.add(program.offset)
            if not _any_within(places, program.offset, program.end):
                continue
            if any(is_of_file(path, file) for path in program.files):
                yield unit


def _any_within(places: list[int], first: int, end: int) -> bool:
    at = bisect_left(places, first)
    return at < len(places) and places[at] < end


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


def is_of_file(path: str, named: str) -> bool:
    """True if the path is that file: ``named`` is the whole path or its last components."""
    return path == named or path.endswith("/" + named)


def declared_line(die: Any) -> int | None:
    """The line on which an entry was declared."""
    owner = entries.inherited(die, "DW_AT_decl_line")
    return int(entries.value(owner, "DW_AT_decl_line")) if owner is not None else None
