"""Entries found by what they refer to: a function's copies, a variable's definition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from sampler.debuginfo import tree
from sampler.debuginfo.layouts import entries_with, leb128
from sampler.debuginfo.units import OFFSET_SIZE, Unit, Units, find_all

_LINKS = ("DW_AT_abstract_origin", "DW_AT_specification")
_WITHIN = {"DW_FORM_ref1": 1, "DW_FORM_ref2": 2, "DW_FORM_ref4": 4, "DW_FORM_ref8": 8}
_ACROSS = ("DW_FORM_ref_addr", "DW_FORM_GNU_ref_alt", "DW_FORM_ref_sup4", "DW_FORM_ref_sup8")


def referring(everywhere: Iterable[Units], entry: Any, tags: tuple[str, ...]) -> Iterator[Any]:
    """The entries, of one of these tags, whose origin or specification is that entry."""
    for units in everywhere:
        yield from _referring_in(units, entry, tags)


def _referring_in(units: Units, entry: Any, tags: tuple[str, ...]) -> Iterator[Any]:
    own = units.of(entry)
    for unit in _candidates(units, entry, own):
        written = partial(_written, unit, own, entry)
        for link in _LINKS:
            for found in entries_with(unit, units.info, link, tags, written):
                if tree.linked(found, link) is entry:
                    yield found


def _candidates(units: Units, entry: Any, own: Unit | None) -> Iterator[Unit]:
    """The entry's own unit, and those with a reference across units."""
    seen = set()
    if own is not None:
        seen.add(own.offset)
        yield own
    for at in find_all(units.info, entry.offset.to_bytes(OFFSET_SIZE, "little")):
        unit = units.at(at)
        if unit is not None and unit.offset not in seen:
            seen.add(unit.offset)
            yield unit


def _written(unit: Unit, own: Unit | None, entry: Any, form: str) -> Iterable[bytes]:
    """How a unit may write a reference to the entry in that form."""
    if form in _ACROSS:
        return [entry.offset.to_bytes(OFFSET_SIZE, "little")]
    if own is None or unit is not own:
        return []
    number = entry.offset - own.offset
    if form == "DW_FORM_ref_udata":
        return [leb128(number)]
    size = _WITHIN.get(form, 0)
    return [number.to_bytes(size, "little")] if number < 1 << 8 * size else []
