"""Functions by name and by address, with every place where the compiler has put their code.

Entries are found by searching the bytes of .debug_info for a name or a reference, and read one by
one: no unit is walked unless the compiler has written its entries in an unusual order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sampler.debuginfo import entries, references
from sampler.debuginfo.image import Image
from sampler.debuginfo.units import Unit, find_all

_NAME_FORMS = ("DW_FORM_string", "DW_FORM_strp")
_CODE = ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")
_SCOPES = ("DW_TAG_namespace", "DW_TAG_structure_type", "DW_TAG_class_type", "DW_TAG_module")


@dataclass(frozen=True, slots=True)
class Instance:
    """One copy of a function's code: out of line, or inlined into another function.

    ``entry``: its own DIE. ``low``: where it is entered. ``name``: in full.
    """

    name: str
    entry: Any
    ranges: tuple[tuple[int, int], ...]
    low: int
    inlined: bool


class Functions:
    """The functions of one image."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def named(self, name: str) -> list[Instance]:
        """All instances of the functions of that name; a native name may leave out what it is enclosed by."""
        found: dict[int, Instance] = {}
        for declared in self._declared(name):
            for entry in self._stemming_from(declared):
                for instance in _instances(entry, self.full_name(entry)):
                    found[instance.low] = instance
        return [found[low] for low in sorted(found)]

    def at(self, address: int) -> Any | None:
        """The DIE of the function whose code the address is in, the one that it was inlined into."""
        unit = self._image.units.covering(address)
        if unit is None:
            return None
        symbol = self._image.symbols.covering(address) if self._image.is_go else None
        for entry in self._exactly(unit, symbol.name) if symbol else ():
            if entries.covers(entry, address):
                return entry
        return next((entry for entry in _subprograms(unit.top) if entries.covers(entry, address)), None)

    def full_name(self, entry: Any) -> str:
        """As its program writes it: Go's entries hold the package, others stand inside of their scope."""
        name = entries.name(entry) or "?"
        if self._image.is_go:
            return name
        return "::".join([*entries.enclosing(entries.origin(entry)), name])

    def _declared(self, name: str) -> Iterator[Any]:
        last, wanted = (name, name) if self._image.is_go else _last_part(name)
        for unit in self._image.units.mentioning(last):
            for entry in self._exactly(unit, last):
                full = self.full_name(entry)
                if full == wanted or full.endswith("::" + wanted):
                    yield entry

    def _exactly(self, unit: Unit, name: str) -> list[Any]:
        """The subprogram entries of a unit that bear the name itself, and those that stem from such."""
        data, span = self._image.units.info, unit.span
        places = list(find_all(data, name.encode() + b"\0", *span))
        for text in find_all(self._image.units.strings, name.encode() + b"\0"):
            places += find_all(data, references.word(text), *span)
        found = [
            entry
            for at in places
            for entry in references.entries_with(unit, data, at, ("DW_AT_name",), _NAME_FORMS)
            if entry.tag == "DW_TAG_subprogram" and entries.name(entry) == name
        ]
        found += [heir for entry in found if not entries.ranges(entry) for heir in self._heirs(entry)]
        return found or [entry for entry in _subprograms(unit.top, deep=True) if entries.name(entry) == name]

    def _heirs(self, entry: Any) -> Iterator[Any]:
        return references.referring(self._image.units, entry, _CODE)

    def _stemming_from(self, entry: Any) -> list[Any]:
        """The entry and all that refer to it as their origin, however far."""
        found, todo = {entry.offset: entry}, [entry]
        while todo:
            origin = todo.pop()
            if entries.ranges(origin):
                continue  # code of its own: nothing stems from it
            for heir in self._heirs(origin):
                if heir.offset not in found:
                    found[heir.offset] = heir
                    todo.append(heir)
        return list(found.values())


def innermost(function: Any, address: int) -> list[Any]:
    """The entries around an address from the function inwards: blocks, inlined functions and their blocks."""
    path, inner = [function], True
    while inner:
        inner = False
        for child in path[-1].iter_children():
            if child.tag in ("DW_TAG_lexical_block", "DW_TAG_inlined_subroutine") and entries.covers(child, address):
                path.append(child)
                inner = True
                break
    return path


def _instances(entry: Any, name: str) -> Iterator[Instance]:
    spans = tuple(entries.ranges(entry))
    if spans:
        low = entries.value(entry, "DW_AT_entry_pc")
        if low is None or not any(first <= low < end for first, end in spans):
            low = spans[0][0]
        yield Instance(name, entry, spans, low, entry.tag == "DW_TAG_inlined_subroutine")


def _subprograms(top: Any, deep: bool = False) -> Iterator[Any]:
    """The functions below an entry; ``deep``: those that are declared inside of classes too."""
    for child in top.iter_children():
        if child.tag == "DW_TAG_subprogram":
            yield child
        elif child.tag in _SCOPES and child.has_children:
            yield from _subprograms(child, deep)


def _last_part(name: str) -> tuple[str, str]:
    """``a::b<c::d>::f`` ends in ``f``; what stands in brackets is part of a name."""
    bare = re.sub(r"\(.*\)$", "", name)
    depth, start = 0, 0
    for at, mark in enumerate(bare):
        depth += (mark in "<{") - (mark in ">}")
        if depth == 0 and bare.startswith("::", at):
            start = at + 2
    return bare[start:], bare
