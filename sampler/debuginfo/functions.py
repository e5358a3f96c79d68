"""Functions by name and by address, with every place where the compiler has put their code.

Entries are found by searching the bytes of .debug_info for a name or a reference, and read one by
one: no unit is walked for a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sampler.debuginfo import entries, names, references, tree
from sampler.debuginfo.image import Image
from sampler.debuginfo.languages import GO, language_of
from sampler.debuginfo.lines import Lines
from sampler.debuginfo.names import Name, parsed
from sampler.debuginfo.type_names import name_of
from sampler.debuginfo.units import Unit

_SUBPROGRAM = ("DW_TAG_subprogram",)
_CODE = ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")
_BODIES = ("DW_TAG_subprogram", "DW_TAG_lexical_block")
_SCOPES = ("DW_TAG_namespace", "DW_TAG_structure_type", "DW_TAG_class_type", "DW_TAG_module")


@dataclass(frozen=True, slots=True)
class Instance:
    """One copy of a function's code: out of line, or inlined into another function.

    ``declared``: the DIE that it stems from; ``entry``: its own. ``low``: where it is entered. ``name``: in full.
    """

    name: str
    declared: Any
    entry: Any
    ranges: tuple[tuple[int, int], ...]
    low: int
    inlined: bool


class Functions:
    """The functions of one image."""

    def __init__(self, image: Image, lines: Lines) -> None:
        self._image, self._lines = image, lines

    def of_go(self, name: str) -> list[Instance]:
        """All instances of Go's function of that full name."""
        return self._instances_of(self._image.search.named(name, _SUBPROGRAM))

    def native(self, name: str) -> list[Instance]:
        """All instances of the functions that a name of C, C++ or Rust may mean.

        It may leave out what it is enclosed by, the arguments of a template, and the parameters.
        """
        wanted = parsed(name)
        declared = (entry for written in self._written(wanted.last) for entry in self._named(written, wanted))
        return self._instances_of(declared)

    def at(self, address: int) -> Any | None:
        """The DIE of the function whose code the address is in, the one that it was inlined into."""
        unit = self._image.units.covering(address)
        if unit is None:
            return None
        candidates = chain(self._by_symbol(unit, address), _subprograms(unit.top), _subprograms(unit.top, nested=True))
        return next((entry for entry in candidates if entries.covers(entry, address)), None)

    def full_name(self, entry: Any) -> str:
        """As its program writes it: Go's entries hold the package, others stand inside of their scope."""
        name = entries.name(entry) or "?"
        return name if language_of(entry) == GO else "::".join([*entries.enclosing(entry), name])

    def parameters(self, entry: Any) -> str:
        """The types of its parameters as C++ writes them, those that the compiler has added left out."""
        listed = [child for child in tree.children(entry) if child.tag == "DW_TAG_formal_parameter"]
        return ", ".join(name_of(child) for child in listed if not entries.value(child, "DW_AT_artificial"))

    def _by_symbol(self, unit: Unit, address: int) -> Iterator[Any]:
        """By where the symbol table has its begin, and in Go by the name there, which is the entry's too."""
        symbol = self._image.symbols.covering(address)
        if symbol is None:
            return
        if language_of(unit.top) == GO:
            for declared in self._image.search.in_unit(unit, symbol.name, _SUBPROGRAM):
                yield from self._stemming_from(declared)
        whole = [(symbol.address, symbol.address + symbol.size)]
        for entry in self._image.search.at_address(unit, symbol.address, _SUBPROGRAM):
            if entries.ranges(entry) == whole or tree.stands(entry):
                yield entry

    def _written(self, last: str) -> Iterator[str]:
        """The names that compilers may have written for the last part of one."""
        bare = names.as_written(names.without_arguments(last))
        yield bare
        for name in sorted(self._image.search.beginning(bare + "<") | self._image.search.beginning(bare + " <")):
            if parsed(name).parts[-1] == last or names.without_arguments(parsed(name).last) == last:
                yield name

    def _named(self, written: str, wanted: Name) -> Iterator[Any]:
        around = wanted.parts[-2] if len(wanted.parts) > 1 else None
        for entry in self._image.search.named(written, _SUBPROGRAM, within=around):
            if tree.stands(entry) and parsed(self.full_name(entry)).answers_to(wanted) and self._takes(entry, wanted):
                yield entry

    def _takes(self, entry: Any, wanted: Name) -> bool:
        if wanted.parameters is None:
            return True
        own = self.parameters(entry)
        return wanted.parameters in (names.squeezed(own), names.squeezed(re.sub(r"\w+::", "", own)))

    def _instances_of(self, declared: Iterator[Any]) -> list[Instance]:
        found: dict[int, Instance] = {}
        for origin in declared:
            for entry in self._stemming_from(origin):
                for instance in _instances(entry, origin, self.full_name(entry)):
                    found[instance.low] = instance
        return [found[low] for low in sorted(found)]

    def _stemming_from(self, entry: Any) -> list[Any]:
        """The entry and all that refer to it as their origin, however far."""
        found, todo = {tree.identity(entry): entry}, [entry]
        while todo:
            origin = todo.pop()
            if entries.ranges(origin):
                continue  # code of its own: nothing stems from it
            for heir in references.referring(self._image.search.everywhere, origin, _CODE):
                if tree.identity(heir) not in found and self._is_real(heir):
                    found[tree.identity(heir)] = heir
                    todo.append(heir)
        return list(found.values())

    def _is_real(self, heir: Any) -> bool:
        """False for bytes that only look like an entry: of one with code, the line table knows where that begins."""
        try:
            spans = entries.ranges(heir)
        except Exception:  # a list of ranges that is none makes the library raise nearly anything
            return False
        owner = self._image.units.of(heir)
        known = spans and owner is not None and self._image.units.covering(spans[0][0]) is owner
        return bool(known and self._lines.begins(spans[0][0])) or tree.stands(heir)


def innermost(function: Any, address: int) -> list[Any]:
    """The entries around an address from the function inwards: blocks, inlined functions and their blocks."""
    path, inner = [function], True
    while inner:
        inner = False
        for child in tree.children(path[-1]):
            if child.tag in ("DW_TAG_lexical_block", "DW_TAG_inlined_subroutine") and entries.covers(child, address):
                path.append(child)
                inner = True
                break
    return path


def _instances(entry: Any, declared: Any, name: str) -> Iterator[Instance]:
    spans = tuple(entries.ranges(entry))
    if spans:
        low = entries.entry_pc(entry)
        if low is None or not any(first <= low < end for first, end in spans):
            low = spans[0][0]
        yield Instance(name, declared, entry, spans, low, entry.tag == "DW_TAG_inlined_subroutine")


def _subprograms(top: Any, nested: bool = False) -> Iterator[Any]:
    """The functions below an entry, those of its namespaces and classes; ``nested``: those in functions too."""
    for child in tree.children(top):
        if child.tag == "DW_TAG_subprogram":
            yield child
        if child.has_children and (child.tag in _SCOPES or (nested and child.tag in _BODIES)):
            yield from _subprograms(child, nested)
