"""Where in an entry an attribute stands, so that entries are found by the bytes of that attribute.

An entry begins with the number of its abbreviation, and the abbreviation gives the forms of what stands in
front of the attribute. So a place at which the bytes were found tells where the entry would begin, and
only that one is read. Forms: DWARF 5, 7.5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from sampler.debuginfo import tree
from sampler.debuginfo.units import OFFSET_SIZE, Unit, find_all

_SIZES = {
    "DW_FORM_flag_present": 0, "DW_FORM_implicit_const": 0,
    "DW_FORM_data1": 1, "DW_FORM_ref1": 1, "DW_FORM_flag": 1, "DW_FORM_strx1": 1, "DW_FORM_addrx1": 1,
    "DW_FORM_data2": 2, "DW_FORM_ref2": 2, "DW_FORM_strx2": 2, "DW_FORM_addrx2": 2,
    "DW_FORM_strx3": 3, "DW_FORM_addrx3": 3,
    "DW_FORM_data4": 4, "DW_FORM_ref4": 4, "DW_FORM_strx4": 4, "DW_FORM_addrx4": 4,
    "DW_FORM_data8": 8, "DW_FORM_ref8": 8, "DW_FORM_ref_sig8": 8, "DW_FORM_data16": 16,
}  # fmt: skip
_OFFSETS = ("DW_FORM_sec_offset", "DW_FORM_strp", "DW_FORM_line_strp", "DW_FORM_ref_addr", "DW_FORM_strp_sup",
            "DW_FORM_GNU_strp_alt", "DW_FORM_GNU_ref_alt")  # fmt: skip
_NUMBERS = ("DW_FORM_udata", "DW_FORM_sdata", "DW_FORM_ref_udata", "DW_FORM_strx", "DW_FORM_addrx",
            "DW_FORM_loclistx", "DW_FORM_rnglistx", "DW_FORM_GNU_addr_index", "DW_FORM_GNU_str_index")  # fmt: skip
# A frame base is one operation: a register, or the call frame; with its operand it has up to three bytes.
_EXPRESSION_SIZES = (2, 3, 4)
_NUMBER_SIZES = (1, 2, 3)
_MOST_DISTANCES = 64
# A pattern of fewer bytes is found in many places by chance: what was found must be reached from the unit's top too.
_TELLING = 4

Patterns = Callable[[str], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Layout:
    """One abbreviation: its number as it is written, and how far in front of the attribute it may stand."""

    code: bytes
    distances: tuple[int, ...]


def entries_with(unit: Unit, data: bytes, attribute: str, tags: tuple[str, ...], patterns: Patterns) -> Iterator[Any]:
    """The entries of a unit whose attribute has one of the patterns that are asked for by its form."""
    for form, layouts in _layouts(unit, attribute, tags).items():
        for pattern in patterns(form):
            for at in find_all(data, pattern, *unit.span):
                for entry in _entries_around(unit, data, attribute, at, layouts):
                    if len(pattern) >= _TELLING or tree.stands(entry):
                        yield entry


def _entries_around(unit: Unit, data: bytes, attribute: str, at: int, layouts: list[Layout]) -> Iterator[Any]:
    for layout in layouts:
        for distance in layout.distances:
            start = at - distance - len(layout.code)
            if start <= unit.offset or not data.startswith(layout.code, start):
                continue
            try:
                entry = tree.entry_at(unit.cu, start)
            except Exception:  # the bytes only look like an entry's, and make the library raise nearly anything
                continue
            if attribute in entry.attributes and entry.attributes[attribute].offset == at:
                yield entry


def _layouts(unit: Unit, attribute: str, tags: tuple[str, ...]) -> dict[str, list[Layout]]:
    """By the form of the attribute."""
    found: dict[str, list[Layout]] = {}
    for code, declared in unit.cu.get_abbrev_table()._abbrev_map.items():
        specs = declared["attr_spec"]
        at = next((at for at, spec in enumerate(specs) if spec.name == attribute), None)
        if at is None or declared["tag"] not in tags:
            continue
        distances = _distances([spec.form for spec in specs[:at]], unit)
        found.setdefault(specs[at].form, []).append(Layout(leb128(code), distances))
    return found


def _distances(forms: list[str], unit: Unit) -> tuple[int, ...]:
    """The lengths that these attributes may have together; empty where they can have any."""
    choices = [_lengths(form, unit) for form in forms]
    many = 1
    for choice in choices:
        many *= len(choice)
    return tuple(sorted({sum(lengths) for lengths in product(*choices)})) if 0 < many <= _MOST_DISTANCES else ()


def _lengths(form: str, unit: Unit) -> tuple[int, ...]:
    if form in _SIZES:
        return (_SIZES[form],)
    if form in _OFFSETS:
        return (OFFSET_SIZE,)
    if form == "DW_FORM_addr":
        return (int(unit.cu["address_size"]),)
    if form == "DW_FORM_exprloc":
        return _EXPRESSION_SIZES
    return _NUMBER_SIZES if form in _NUMBERS else ()


def leb128(number: int) -> bytes:
    """An unsigned number as DWARF writes it: seven bits a byte, the lowest first."""
    found = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        found.append(low | (0x80 if number else 0))
        if not number:
            return bytes(found)
