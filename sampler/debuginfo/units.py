"""The units of a program's DWARF: which one covers an address, which ones mention a name.

Only the head of each unit is read (some 0.1 ms a unit); what is inside is read when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sampler.debuginfo import entries

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: pyelftools' object, its name, and the addresses that it covers (of the file)."""

    cu: Any
    name: str
    ranges: tuple[Range, ...]

    @property
    def offset(self) -> int:
        return int(self.cu.cu_offset)

    @property
    def span(self) -> Range:
        """Where it lies in .debug_info."""
        return self.offset, self.offset + int(self.cu.size)

    @property
    def top(self) -> Any:
        return self.cu.get_top_DIE()


class Units:
    """All units of one DWARFInfo."""

    def __init__(self, dwarf: Any, path: str) -> None:
        self._dwarf, self._path = dwarf, path

    @cached_property
    def all(self) -> list[Unit]:
        return [self._described(cu) for cu in self._dwarf.iter_CUs() if cu.get_top_DIE().tag == "DW_TAG_compile_unit"]

    @cached_property
    def _starts(self) -> tuple[list[int], list[tuple[int, int, Unit]]]:
        spans = sorted(((low, high, unit) for unit in self.all for low, high in unit.ranges), key=lambda span: span[:2])
        return [span[0] for span in spans], spans

    def covering(self, address: int) -> Unit | None:
        """The unit whose code the address belongs to."""
        starts, spans = self._starts
        at = bisect_right(starts, address) - 1
        return spans[at][2] if at >= 0 and address < spans[at][1] else None

    def at(self, offset: int) -> Unit | None:
        """The unit that an offset into .debug_info belongs to."""
        at = bisect_right(self._offsets, offset) - 1
        return self.all[at] if at >= 0 and offset < self.all[at].span[1] else None

    @cached_property
    def _offsets(self) -> list[int]:
        return [unit.offset for unit in self.all]

    def mentioning(self, name: str) -> Iterator[Unit]:
        """The units in which an entry has that name, each once; now and then one too many."""
        seen = set()
        for at in self._places_of(name):
            unit = self.at(at)
            if unit is not None and unit.offset not in seen:
                seen.add(unit.offset)
                yield unit
        for unit in self._mentioning_by_index(name):
            if unit.offset not in seen:
                seen.add(unit.offset)
                yield unit

    def _places_of(self, name: str) -> Iterator[int]:
        info, wanted = self.info, name.encode() + b"\0"
        yield from find_all(info, wanted)  # in place (DW_FORM_string)
        for at in find_all(self.strings, wanted):  # a name may be the end of another one
            yield from find_all(info, at.to_bytes(4, "little"))

    def _mentioning_by_index(self, name: str) -> Iterator[Unit]:
        """By DW_FORM_strx: the units whose share of .debug_str_offsets holds the string."""
        section = self._dwarf.debug_str_offsets_sec
        if section is None:
            return
        table = section.stream.getvalue()
        bases = sorted((entries.value(unit.top, "DW_AT_str_offsets_base", 0), unit) for unit in self._indexed)
        starts = [base for base, _ in bases]
        for at in find_all(self.strings, name.encode() + b"\0"):
            for place in find_all(table, at.to_bytes(4, "little")):
                owner = bisect_right(starts, place) - 1
                if owner >= 0:
                    yield bases[owner][1]

    @cached_property
    def _indexed(self) -> list[Unit]:
        return [unit for unit in self.all if "DW_AT_str_offsets_base" in unit.top.attributes]

    @cached_property
    def info(self) -> bytes:
        """The whole of .debug_info."""
        return bytes(self._dwarf.debug_info_sec.stream.getvalue())

    @cached_property
    def strings(self) -> bytes:
        """The whole of .debug_str."""
        section = self._dwarf.debug_str_sec
        return bytes(section.stream.getvalue()) if section is not None else b""

    def _described(self, cu: Any) -> Unit:
        top = cu.get_top_DIE()
        return Unit(cu, entries.name(top) or "", tuple(entries.ranges(top)))


def find_all(data: bytes, wanted: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
    """Every place, from ``start`` on, at which ``wanted`` begins."""
    at = data.find(wanted, start, end)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1, end)
