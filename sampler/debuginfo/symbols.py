"""The symbol table, read as bytes: an object for each of its entries would take a second on a large program."""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# Elf64_Sym, elf(5): name, info, other, section, value, size.
_ENTRY = struct.Struct("<IBBHQQ")
_FUNCTION, _INDIRECT_FUNCTION = 2, 10
COLD = re.compile(r"\.cold(\.\d+)?$")


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function: its name, its address in the file, its size in bytes."""

    name: str
    address: int
    size: int


class Symbols:
    """``.symtab`` of an ELF file, else ``.dynsym``; empty where there is neither."""

    def __init__(self, elf: Any) -> None:
        self._elf = elf

    @cached_property
    def _tables(self) -> tuple[bytes, bytes]:
        for name in (".symtab", ".dynsym"):
            table = self._elf.get_section_by_name(name)
            if table is not None and table["sh_type"] != "SHT_NOBITS":
                return bytes(table.data()), bytes(self._elf.get_section(table["sh_link"]).data())
        return b"", b""

    def covering(self, address: int) -> Symbol | None:
        """The function that the address belongs to."""
        starts, entries = self._by_address
        at = bisect_right(starts, address) - 1
        if at < 0:
            return None
        start, size, name = entries[at]
        inside = address < start + size or (not size and address == start)
        return Symbol(self._text(name), start, size) if inside else None

    def named(self, name: str) -> list[Symbol]:
        """The functions of that name: several files may have one of their own."""
        return [Symbol(name, start, size) for start, size, at in self._by_address[1] if self._text(at) == name]

    @cached_property
    def laid_apart(self) -> dict[str, list[Symbol]]:
        """What GCC has taken out of functions (``NAME.cold``), by their names; of all in one pass."""
        found: dict[str, list[Symbol]] = {}
        if b".cold" in self._tables[1]:
            for start, size, at in self._by_address[1]:
                name = self._text(at)
                if (owner := COLD.sub("", name)) != name:
                    found.setdefault(owner, []).append(Symbol(name, start, size))
        return found

    @cached_property
    def _by_address(self) -> tuple[list[int], list[tuple[int, int, int]]]:
        table = self._tables[0]
        usable = len(table) - len(table) % _ENTRY.size
        entries = sorted(
            (value, size, name)
            for name, info, _, section, value, size in _ENTRY.iter_unpack(table[:usable])
            if info & 15 in (_FUNCTION, _INDIRECT_FUNCTION) and section
        )
        return [entry[0] for entry in entries], entries

    def _text(self, at: int) -> str:
        strings = self._tables[1]
        return strings[at : strings.find(b"\0", at)].decode(errors="replace")
