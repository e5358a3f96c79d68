"""The tables of folders and files in the head of a line program of DWARF 5 (6.2.4), looked at before they are read.

The library reads as many entries as the head says there are. In a damaged file these can be billions, of no
bytes each.
"""

from __future__ import annotations

_VERSION_5 = 5
_OPCODE_BASE_AT, _OPCODES_AT = 17, 18  # in the 32-bit form
# DW_FORM_*, DWARF 5, table 7.6: those that may stand here, and their sizes.
_SIZES = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16, 0x0E: 4, 0x1F: 4, 0x1A: 0, 0x25: 1, 0x26: 2, 0x27: 3, 0x28: 4}
_STRING, _NUMBER, _BLOCK = 0x08, 0x0F, 0x09


def check(data: bytes, at: int) -> None:
    """Raises ValueError if the tables of the program at that place in .debug_line do not fit into it."""
    end = at + 4 + int.from_bytes(data[at : at + 4], "little")
    if int.from_bytes(data[at + 4 : at + 6], "little") != _VERSION_5:
        return
    if not at + _OPCODES_AT <= end <= len(data):
        raise ValueError(f"the line program at {at:#x} does not fit into its section")
    place = at + _OPCODES_AT + max(data[at + _OPCODE_BASE_AT], 1) - 1
    for _ in ("folders", "files"):
        place = _table(data, place, end)


def _table(data: bytes, place: int, end: int) -> int:
    """Where a table ends."""
    formats, forms = _byte(data, place, end), []
    place += 1
    for _ in range(formats):
        _, place = _leb128(data, place, end)  # what the form is of
        form, place = _leb128(data, place, end)
        forms.append(form)
    count, place = _leb128(data, place, end)
    if count > end - place:
        raise ValueError(f"a table of {count} entries does not fit into its line program")
    for _ in range(count):
        for form in forms:
            place = _after(data, place, end, form)
    return place


def _after(data: bytes, place: int, end: int, form: int) -> int:
    if form == _STRING:
        return data.index(b"\0", place, end) + 1
    if form == _NUMBER:
        return _leb128(data, place, end)[1]
    if form == _BLOCK:
        size, place = _leb128(data, place, end)
        return place + size
    if form not in _SIZES:
        raise ValueError(f"form {form:#x} is not known in a line program")
    return place + _SIZES[form]


def _leb128(data: bytes, place: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = _byte(data, place, end)
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _byte(data: bytes, place: int, end: int) -> int:
    if place >= end:
        raise ValueError("a table goes on behind the end of its line program")
    return data[place]
