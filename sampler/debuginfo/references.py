"""Entries found by the bytes of .debug_info: by where an attribute stands, and by what they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampler.debuginfo.units import Unit, Units, find_all

_LINKS = ("DW_AT_abstract_origin", "DW_AT_specification")
_NO_BYTES = ("DW_FORM_flag_present", "DW_FORM_implicit_const")


def referring(units: Units, entry: Any, tags: tuple[str, ...]) -> Iterator[Any]:
    """The entries, of one of these tags, whose origin or specification is that entry."""
    own = units.at(entry.offset)
    if own is None:
        return
    for at in find_all(units.info, word(entry.offset - own.offset), *own.span):
        yield from _with_link(own, units.info, at, "DW_FORM_ref4", entry, tags)
    for at in find_all(units.info, word(entry.offset)):
        unit = units.at(at)
        if unit is not None:
            yield from _with_link(unit, units.info, at, "DW_FORM_ref_addr", entry, tags)


def entries_with(unit: Unit, data: bytes, at: int, names: tuple[str, ...], forms: tuple[str, ...]) -> Iterator[Any]:
    """The entry whose first attribute with bytes of its own stands at ``at``, if it is one of ``names``.

    The abbreviation's number in front of it, a LEB128 of one or two bytes, tells where it begins.
    """
    table = unit.cu.get_abbrev_table()
    for length in (1, 2):
        code = _leb128(data[at - length : at])
        if code is None or at - length <= unit.offset:
            continue
        try:
            declared = table.get_abbrev(code)
        except KeyError:
            continue
        first = next((spec for spec in declared["attr_spec"] if spec.form not in _NO_BYTES), None)
        if first is not None and first.name in names and first.form in forms:
            yield unit.cu.get_DIE_from_refaddr(at - length)


def _with_link(unit: Unit, data: bytes, at: int, form: str, origin: Any, tags: tuple[str, ...]) -> Iterator[Any]:
    for entry in entries_with(unit, data, at, _LINKS, (form,)):
        link = next((name for name in _LINKS if name in entry.attributes), None)
        if link is not None and entry.tag in tags and entry.get_DIE_from_attribute(link).offset == origin.offset:
            yield entry


def word(value: int) -> bytes:
    """As a reference of four bytes has it."""
    return (value & 0xFFFFFFFF).to_bytes(4, "little")


def _leb128(data: bytes) -> int | None:
    """The number, if these bytes are exactly one; of one or two bytes only."""
    if len(data) == 1:
        return data[0] if 0 < data[0] < 0x80 else None
    return data[0] & 0x7F | data[1] << 7 if len(data) == 2 and data[0] >= 0x80 > data[1] else None
