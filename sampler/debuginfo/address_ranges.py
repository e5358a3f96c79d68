"""The table of what addresses each unit covers, where the compiler has written one (DWARF 5, 6.1.2).

With it, of a program with a thousand units one is read. It may leave units out.
"""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<IHIBB")  # length, version, offset of the unit, sizes of an address and of a segment
_TUPLE = struct.Struct("<QQ")
_VERSION, _ADDRESS_SIZE = 2, 8

Span = tuple[int, int, int]


def spans(data: bytes) -> list[Span]:
    """(low, high, offset of the unit in .debug_info), sorted; as much of it as can be understood."""
    found: list[Span] = []
    at = 0
    while at + _HEADER.size <= len(data):
        length, version, unit, address_size, segment_size = _HEADER.unpack_from(data, at)
        end = at + 4 + length
        if (version, address_size, segment_size) != (_VERSION, _ADDRESS_SIZE, 0) or end > len(data):
            break
        first = at + -(-_HEADER.size // _TUPLE.size) * _TUPLE.size
        tuples = data[first : first + max(end - first, 0) // _TUPLE.size * _TUPLE.size]
        found += [(low, low + size, unit) for low, size in _TUPLE.iter_unpack(tuples) if size]
        at = end
    return sorted(found)
