"""A unit's line program (DWARF 5, 6.2): its files, and its rows one sequence at a time.

pyelftools would read every row of the unit and keep a copy of all registers for each: on a large
package of Go that takes a second, for the dozen rows of one function.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from sampler.debuginfo.cursor import Cursor

#: By DW_FORM_line_strp and DW_FORM_strp: what gives the strings that they refer to.
Texts = Mapping[int, Callable[[], bytes]]

_PATH, _FOLDER = 1, 2  # DW_LNCT_path, DW_LNCT_directory_index
_FIXED = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}  # DW_FORM_data1, 2, 4, 8, 16
_STRING, _BLOCK, _UNSIGNED = 0x08, 0x09, 0x0F  # DW_FORM_string, block, udata
_OFFSET = 4  # bytes, in the 32-bit format


class Row(NamedTuple):
    """From this address on, the code is of this line. ``statement``: a good place to break."""

    address: int
    file: str
    line: int
    statement: bool
    prologue_end: bool
    ends_sequence: bool


class LineProgram:
    """The program at ``offset`` of .debug_line. ``folder``: in which the compiler ran, and paths begin.

    ``start``, ``end``: where its opcodes lie. A damaged one raises EOFError, IndexError or ValueError.
    """

    def __init__(self, data: bytes, offset: int, folder: str, texts: Texts) -> None:
        self.data, self.offset, self._folder, self._texts = data, offset, folder, texts
        head = Cursor(data, offset)
        self.end = head.number(_OFFSET) + head.at
        self._version = head.number(2)
        head.at += 2 * (self._version >= 5)  # the sizes of an address and of a segment selector
        self.start = head.number(_OFFSET) + head.at
        self.shortest_instruction = head.number(1)
        head.at += self._version >= 4  # operations an instruction: one, where it is no VLIW
        self.statement = bool(head.number(1))
        self.line_base = head.number(1, signed=True)
        self.line_range, self.opcode_base = max(head.number(1), 1), head.number(1)
        self.arguments = head.bytes(max(self.opcode_base, 1) - 1)
        self._tables_at = head.at

    @cached_property
    def files(self) -> list[str]:
        """The paths by the number that the rows use: from 0 in DWARF 5, from 1 before."""
        tables = Cursor(self.data, self._tables_at)
        read = self._table if self._version >= 5 else self._old_table
        folders = [os.path.join(self._folder, name) for name, _ in read(tables, folders=True)]
        return [
            os.path.normpath(os.path.join(folders[folder] if folder < len(folders) else "", name)) if name else ""
            for name, folder in read(tables, folders=False)
        ]

    def sequences(self) -> Iterator[list[Row]]:
        at = self.start
        while at < self.end:
            rows, at = self.sequence(at)
            yield rows

    def sequence(self, at: int) -> tuple[list[Row], int]:
        """The rows of the sequence that begins there, and where it ends."""
        machine = _Machine(self, at)
        machine.run()
        return machine.rows, machine.cursor.at

    def _old_table(self, tables: Cursor, folders: bool) -> Iterator[tuple[str, int]]:
        yield "", 0
        while name := tables.text():
            numbers = [tables.unsigned() for _ in range(0 if folders else 3)]  # its folder, time and size
            yield name, numbers[0] if numbers else 0

    def _table(self, tables: Cursor, folders: bool) -> Iterator[tuple[str, int]]:
        forms = [(tables.unsigned(), tables.unsigned()) for _ in range(tables.number(1))]
        count = tables.unsigned()
        if count > self.end - tables.at:
            raise ValueError(f"a table of {count} entries does not fit into its line program")
        for _ in range(count):
            about = {content: self._read(tables, form) for content, form in forms}
            yield str(about.get(_PATH, "")), int(about.get(_FOLDER, 0))

    def _read(self, tables: Cursor, form: int) -> str | int:
        if form == _STRING:
            return tables.text()
        if form in self._texts:
            return Cursor(self._texts[form](), tables.number(_OFFSET)).text()
        if form == _UNSIGNED:
            return tables.unsigned()
        if form in _FIXED:
            return tables.number(_FIXED[form])
        if form == _BLOCK:
            return len(tables.bytes(tables.unsigned()))
        raise ValueError(f"a file table of form {form:#x}")


class _Machine:
    """The registers (DWARF 5, 6.2.2), from the beginning of a sequence on."""

    def __init__(self, program: LineProgram, at: int) -> None:
        self._program, self._files = program, program.files
        self.cursor, self.rows = Cursor(program.data, at), list[Row]()
        self._address, self._file, self._line = 0, 1, 1
        self._statement, self._prologue_end, self._ended = program.statement, False, False

    def run(self) -> None:
        """To the end of the sequence."""
        data, end, cursor, first = self._program.data, self._program.end, self.cursor, self._program.opcode_base
        while not self._ended and cursor.at < end:
            opcode = data[cursor.at]
            cursor.at += 1
            if opcode >= first:
                self._special(opcode - first)
            elif opcode in _STANDARD:
                _STANDARD[opcode](self)
            else:
                for _ in range(self._program.arguments[opcode - 1]):
                    cursor.unsigned()

    def _row(self) -> None:
        file = self._files[self._file] if self._file < len(self._files) else ""
        self.rows.append(Row(self._address, file, self._line, self._statement, self._prologue_end, self._ended))
        self._prologue_end = False

    def _special(self, adjusted: int) -> None:
        program = self._program
        self._address += adjusted // program.line_range * program.shortest_instruction
        self._line += program.line_base + adjusted % program.line_range
        self._row()

    def _extended(self) -> None:
        length = self.cursor.unsigned()
        after = self.cursor.at + length
        opcode = self.cursor.number(1)
        if opcode == 1:  # DW_LNE_end_sequence
            self._statement, self._ended = False, True  # no code stands there
            self._row()
        elif opcode == 2:  # DW_LNE_set_address
            self._address = self.cursor.number(length - 1)
        self.cursor.at = after

    def _advance_pc(self) -> None:
        self._address += self.cursor.unsigned() * self._program.shortest_instruction

    def _advance_line(self) -> None:
        self._line += self.cursor.signed()

    def _set_file(self) -> None:
        self._file = self.cursor.unsigned()

    def _negate(self) -> None:
        self._statement = not self._statement

    def _const_add_pc(self) -> None:
        last = 255 - self._program.opcode_base
        self._address += last // self._program.line_range * self._program.shortest_instruction

    def _fixed_advance_pc(self) -> None:
        self._address += self.cursor.number(2)

    def _set_prologue_end(self) -> None:
        self._prologue_end = True


# DW_LNS_*: those that are not here change nothing that is asked for.
_STANDARD: dict[int, Callable[[_Machine], None]] = {
    0: _Machine._extended,
    1: _Machine._row,
    2: _Machine._advance_pc,
    3: _Machine._advance_line,
    4: _Machine._set_file,
    6: _Machine._negate,
    8: _Machine._const_add_pc,
    9: _Machine._fixed_advance_pc,
    10: _Machine._set_prologue_end,
}
