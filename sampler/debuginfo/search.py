"""Entries by their names, found by searching the tables of strings and .debug_info as bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any

from sampler.debuginfo import entries
from sampler.debuginfo.layouts import entries_with, leb128
from sampler.debuginfo.units import OFFSET_SIZE, Unit, Units, find_all

# A short name is the end of many others, and linkers keep one text for all of them.
_MOST_TEXTS = 500
_MOST_WRITTEN = 30
_INDEXED = {"DW_FORM_strx1": 1, "DW_FORM_strx2": 2, "DW_FORM_strx3": 3, "DW_FORM_strx4": 4}
_INDEXED_ADDRESS = {"DW_FORM_addrx1": 1, "DW_FORM_addrx2": 2, "DW_FORM_addrx3": 3, "DW_FORM_addrx4": 4}
_ADDRESS_SIZE = 8
_SHARED = ("DW_FORM_GNU_strp_alt", "DW_FORM_strp_sup")


class Search:
    """``shared``: the units that dwz has moved into a file of their own, if it has. ``types``: those of one type."""

    def __init__(self, units: Units, types: Units | None = None, shared: Units | None = None) -> None:
        self._shared = shared
        self.everywhere = tuple(one for one in (units, types, shared) if one is not None)
        self._texts: dict[tuple[int, str], tuple[int, ...]] = {}
        self._units_with: dict[tuple[int, str], set[int] | None] = {}

    def named(
        self, name: str, tags: tuple[str, ...], but: Unit | None = None, within: str | None = None
    ) -> Iterator[Any]:
        """The entries of that very name, each once; those of one unit may be left out.

        ``within``: the name, without arguments, of something that has to be in the same unit.
        """
        for units in self.everywhere:
            also = self._with(units, within) if within is not None else None
            for unit in self._mentioning(units, name):
                if unit is not but and (also is None or unit.offset in also):
                    yield from self.in_unit(unit, name, tags)

    def in_unit(self, unit: Unit, name: str, tags: tuple[str, ...]) -> Iterator[Any]:
        """The same within one unit."""
        units = self._owner(unit)
        seen = set()
        for entry in entries_with(unit, units.info, "DW_AT_name", tags, lambda form: self._written(unit, name, form)):
            if entry.offset not in seen and entries.name(entry) == name:
                seen.add(entry.offset)
                yield entry

    def at_address(self, unit: Unit, address: int, tags: tuple[str, ...]) -> Iterator[Any]:
        """The entries of a unit whose code begins there."""
        written = partial(_address, self._owner(unit), unit, address)
        return entries_with(unit, self._owner(unit).info, "DW_AT_low_pc", tags, written)

    def beginning(self, start: str) -> set[str]:
        """The names that begin so, wherever a text stands: now and then the end of a longer one."""
        wanted, found = start.encode(), set[str]()
        for units in self.everywhere:
            for data in (units.strings, units.info):
                for at in find_all(data, wanted):
                    found.add(data[at : data.find(b"\0", at)].decode(errors="replace"))
        return found

    def of_length(self, length: int, more_or_less: int) -> set[str]:
        """The plain names of about that length."""
        low = max(length - more_or_less, 1) - 1
        pattern = re.compile(rb"(?<=\0)[A-Za-z_]\w{%d,%d}(?=[\0<])" % (low, length + more_or_less - 1))
        data = (text for units in self.everywhere for text in (units.strings, units.info))
        return {name.decode() for text in data for name in pattern.findall(text)}

    def _owner(self, unit: Unit) -> Units:
        return next(units for units in self.everywhere if units.has(unit))

    def _written(self, unit: Unit, name: str, form: str) -> Iterable[bytes]:
        """How a unit may write the name in that form."""
        if form == "DW_FORM_string":
            return [name.encode() + b"\0"]
        if form in ("DW_FORM_strp", *_SHARED):
            strings = self._shared if form in _SHARED else self._owner(unit)
            return [at.to_bytes(OFFSET_SIZE, "little") for at in self._texts_of(strings, name)]
        if form in _INDEXED:
            size = _INDEXED[form]
            return [index.to_bytes(size, "little") for index in self._indices(unit, name) if index < 1 << 8 * size]
        return [leb128(index) for index in self._indices(unit, name)] if form == "DW_FORM_strx" else []

    def _texts_of(self, units: Units | None, name: str) -> tuple[int, ...]:
        """Where in the strings the name stands: as a string of its own, else as the end of others."""
        if units is None:
            return ()
        key = (id(units), name)
        if key not in self._texts:
            strings, wanted = units.strings, name.encode() + b"\0"
            whole = [at + 1 for at in find_all(strings, b"\0" + wanted)]
            whole += [0] if strings.startswith(wanted) else []
            self._texts[key] = tuple(whole or islice(find_all(strings, wanted), _MOST_TEXTS))
        return self._texts[key]

    def _indices(self, unit: Unit, name: str) -> Iterator[int]:
        """The numbers of the name in the unit's part of .debug_str_offsets (DWARF 5, 7.26)."""
        base = entries.value(unit.top, "DW_AT_str_offsets_base")
        if base is None:
            return
        units = self._owner(unit)
        length = int.from_bytes(units.string_offsets[base - 8 : base - 4], "little") - 4
        for text in self._texts_of(units, name):
            for at in find_all(units.string_offsets, text.to_bytes(OFFSET_SIZE, "little"), base, base + length):
                if (at - base) % OFFSET_SIZE == 0:
                    yield (at - base) // OFFSET_SIZE

    def _mentioning(self, units: Units, name: str) -> Iterator[Unit]:
        """The units in which an entry may have that name, each once."""
        seen = set()
        for unit in self._candidates(units, name):
            if unit is not None and unit.offset not in seen:
                seen.add(unit.offset)
                yield unit

    def _with(self, units: Units, name: str) -> set[int] | None:
        """The offsets of the units that mention a name, with arguments or without; None if that takes too long."""
        key = id(units), name
        if key not in self._units_with:
            written = {name, *self.beginning(name + "<")}
            few = len(written) <= _MOST_WRITTEN
            found = {unit.offset for one in written for unit in self._mentioning(units, one)} if few else None
            self._units_with[key] = found
        return self._units_with[key]

    def _candidates(self, units: Units, name: str) -> Iterator[Unit | None]:
        for at in find_all(units.info, name.encode() + b"\0"):
            yield units.at(at)
        for texts in (self._texts_of(units, name), self._texts_of(self._shared, name)):
            for text in texts:
                for at in find_all(units.info, text.to_bytes(OFFSET_SIZE, "little")):
                    yield units.at(at)
        yield from (unit for unit in units.all if next(self._indices(unit, name), None) is not None)


def _address(units: Units, unit: Unit, address: int, form: str) -> Iterable[bytes]:
    """How a unit may write an address in that form: itself, or its number in .debug_addr (DWARF 5, 7.27)."""
    wanted = address.to_bytes(_ADDRESS_SIZE, "little")
    if form == "DW_FORM_addr":
        return [wanted]
    base = entries.value(unit.top, "DW_AT_addr_base")
    if base is None:
        return []
    places = find_all(units.addresses, wanted, base)
    indices = [(at - base) // _ADDRESS_SIZE for at in places if (at - base) % _ADDRESS_SIZE == 0]
    if form == "DW_FORM_addrx":
        return [leb128(index) for index in indices]
    size = _INDEXED_ADDRESS.get(form, 0)
    return [index.to_bytes(size, "little") for index in indices if index < 1 << 8 * size]
