"""The units of a program's DWARF: which one covers an address, which one an entry belongs to.

Only the headers of all are read; what is inside is read when it is asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from sampler.debuginfo import address_ranges, entries
from sampler.debuginfo.address_ranges import Span
from sampler.errors import BinaryError

Range = tuple[int, int]
#: Of a reference from one section into another, in bytes.
OFFSET_SIZE = 4

_KEPT_ELSEWHERE = ("DW_AT_dwo_name", "DW_AT_GNU_dwo_name")


class Unit:
    """One unit: pyelftools' object; its name and the addresses that it covers (of the file) are read when asked for.

    A partial unit (dwz makes them) holds what several others share, and covers none.
    """

    def __init__(self, cu: Any) -> None:
        self.cu = cu
        self.offset = int(cu.cu_offset)

    @cached_property
    def name(self) -> str:
        return entries.name(self.top) or ""

    @cached_property
    def ranges(self) -> tuple[Range, ...]:
        return tuple(entries.ranges(self.top))

    @property
    def span(self) -> Range:
        """Where it lies in .debug_info."""
        return self.offset, self.offset + int(self.cu.size)

    @property
    def top(self) -> Any:
        return self.cu.get_top_DIE()

    @property
    def is_elsewhere(self) -> bool:
        """What it tells is in a .dwo file."""
        return any(name in self.top.attributes for name in _KEPT_ELSEWHERE)


class Units:
    """All units of .debug_info: of a program, or of the file that dwz has moved shared ones into.

    ``of_types``: those of .debug_types, which is where DWARF 4 has units of one type each.
    """

    def __init__(self, dwarf: Any, of_types: bool = False) -> None:
        self.dwarf, self._of_types = dwarf, of_types

    @cached_property
    def all(self) -> list[Unit]:
        return [_unit(cu) for cu in (self.dwarf.iter_TUs() if self._of_types else self.dwarf.iter_CUs())]

    def covering(self, address: int) -> Unit | None:
        """The unit whose code the address belongs to."""
        return self._covering(self._listed, address) or self._covering(self._told, address)

    def _covering(self, spans: list[Span], address: int) -> Unit | None:
        at = bisect_right(spans, address, key=lambda span: span[0]) - 1
        if at < 0 or address >= spans[at][1]:
            return None
        unit = self.at(spans[at][2])
        return unit if unit is not None and unit.offset == spans[at][2] else None

    @cached_property
    def _listed(self) -> list[Span]:
        """By the table, where there is one."""
        return address_ranges.spans(content(self.dwarf.debug_aranges_sec))

    @cached_property
    def _told(self) -> list[Span]:
        """By the units themselves."""
        return sorted((low, high, unit.offset) for unit in self.all for low, high in unit.ranges)

    def of(self, entry: Any) -> Unit | None:
        """The unit that an entry belongs to; None if that is in another file or section."""
        at = bisect_right(self._offsets, entry.cu.cu_offset) - 1
        return self.all[at] if at >= 0 and self.all[at].cu is entry.cu else None

    def has(self, unit: Unit) -> bool:
        return self._of_types == hasattr(unit.cu, "tu_offset") and unit.cu.dwarfinfo is self.dwarf

    def at(self, offset: int) -> Unit | None:
        """The unit that an offset into .debug_info belongs to."""
        at = bisect_right(self._offsets, offset) - 1
        return self.all[at] if at >= 0 and offset < self.all[at].span[1] else None

    @cached_property
    def _offsets(self) -> list[int]:
        return [unit.offset for unit in self.all]

    @cached_property
    def info(self) -> bytes:
        """The whole of .debug_info, or of .debug_types."""
        return content(self.dwarf.debug_types_sec if self._of_types else self.dwarf.debug_info_sec)

    @cached_property
    def strings(self) -> bytes:
        """The whole of .debug_str."""
        return content(self.dwarf.debug_str_sec)

    @cached_property
    def string_offsets(self) -> bytes:
        """The whole of .debug_str_offsets."""
        return content(self.dwarf.debug_str_offsets_sec)

    @cached_property
    def addresses(self) -> bytes:
        """The whole of .debug_addr."""
        return content(self.dwarf.debug_addr_sec)


def _unit(cu: Any) -> Unit:
    if cu.dwarf_format() == 64:
        raise BinaryError("the debug information is in the 64-bit form of DWARF", "which is not read",
                          "build the program without -gdwarf64")  # fmt: skip
    return Unit(cu)


def content(section: Any) -> bytes:
    """Of one of pyelftools' sections; empty where there is none."""
    return bytes(section.stream.getvalue()) if section is not None else b""


def find_all(data: bytes, wanted: bytes, start: int = 0, end: int | None = None) -> Iterator[int]:
    """Every place, from ``start`` on, at which ``wanted`` begins."""
    at = data.find(wanted, start, end)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1, end)
