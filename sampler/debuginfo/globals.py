"""What a program names outside of its functions: variables, constants, types; found from where one asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sampler.debuginfo import entries, go_names, references, tree
from sampler.debuginfo.image import Image
from sampler.debuginfo.languages import GO
from sampler.debuginfo.names import parsed
from sampler.debuginfo.packages import spellings
from sampler.debuginfo.points import Place
from sampler.debuginfo.units import find_all

#: Static members of classes are members up to DWARF 4, variables since.
VARIABLES = ("DW_TAG_variable", "DW_TAG_member")
CONSTANTS = ("DW_TAG_constant", "DW_TAG_enumerator")
TYPES = ("DW_TAG_base_type", "DW_TAG_structure_type", "DW_TAG_union_type", "DW_TAG_class_type",
         "DW_TAG_enumeration_type", "DW_TAG_typedef")  # fmt: skip
_ELSEWHERE = -1
_MOST_STEPS = 2
_CODE = ("DW_TAG_subprogram", "DW_TAG_lexical_block", "DW_TAG_inlined_subroutine")


class NotInScope(Exception):
    """A name of something that cannot be meant from there without its scope, or of several. ``names``: in full."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(names)
        self.names = names


class Globals:
    """The globals of one image, as they are seen from one place."""

    def __init__(self, image: Image, place: Place) -> None:
        self._image, self._place = image, place
        self._is_go = place.language == GO

    def variable(self, name: str) -> Any | None:
        """The entry that tells where such a variable lies, or that it lies nowhere; None. Raises NotInScope."""
        gone = None
        for declared in self._found(name, VARIABLES):
            for entry in self._definitions(declared):
                return entry
            if not entries.value(declared, "DW_AT_declaration"):
                gone = declared
        return gone

    def constant(self, name: str) -> Any | None:
        """The entry of a named constant or an enumerator."""
        return next(self._found(name, CONSTANTS), None)

    def type(self, name: str) -> Any | None:
        """The entry that tells what such a type is made of."""
        return next(self._found(name, TYPES), None)

    def definition(self, declared: Any) -> Any | None:
        """The entry that tells what a type is made of that is only declared there: in a type unit, or elsewhere."""
        if "DW_AT_signature" in declared.attributes:
            return tree.linked(declared, "DW_AT_signature")
        name, full = entries.name(declared), parsed(entries.qualified(declared)).parts
        found = self._image.search.named(name, (declared.tag,)) if name is not None else ()
        return next((entry for entry in found if _is_complete(entry) and full in _names(entry)), None)

    def _definitions(self, declared: Any, depth: int = 0) -> Iterator[Any]:
        """Those that stem from it and tell where it lies; with link-time optimisation there is one more between."""
        if "DW_AT_location" in declared.attributes or "DW_AT_const_value" in declared.attributes:
            yield declared
        if depth < _MOST_STEPS:
            for heir in references.referring(self._image.search.everywhere, declared, VARIABLES):
                yield from self._definitions(heir, depth + 1)

    def _found(self, name: str, tags: tuple[str, ...]) -> Iterator[Any]:
        """Those that are meant: of the place's own unit, then of all others."""
        own = self._image.units.of(self._place.scope[0])
        for written in self._go_names(name, tags) if self._is_go else [name.rpartition("::")[2]]:
            if own is not None:
                yield from self._nearest(name, self._image.search.in_unit(own, written, tags))
            yield from self._nearest(name, self._image.search.named(written, tags, but=own))

    def _go_names(self, name: str, tags: tuple[str, ...]) -> Iterator[str]:
        """In full: with the package of the place, or of one that is named by its path, the end of that, or its name."""
        if "." not in name:
            for entry in (self._place.scope[0], self._place.function):
                yield from spellings(f"{entries.name(entry.cu.get_top_DIE())}.{name}")
            if tags == TYPES:
                yield name
            return
        info = self._image.units.info
        for spelled in spellings(name):
            yield spelled
            for at in find_all(info, f"/{spelled}\0".encode()):
                yield go_names.names_at(info, at, at + len(spelled) + 1)
        for full in self._image.packages.with_paths(name):
            yield from spellings(full)

    def _nearest(self, name: str, found: Iterable[Any]) -> list[Any]:
        """Those of the scope that is nearest to the place: as C++ and Rust find names from within."""
        found = filter(_is_complete, found)
        if self._is_go:
            return list(found)
        wanted = parsed(name).parts
        near = [(self._nearness(names, len(wanted)), names, entry) for entry in found for names in _names(entry)
                if names[-len(wanted) :] == wanted]  # fmt: skip
        best = max((nearness for nearness, _, _ in near), default=0)
        if best == _ELSEWHERE and (len(wanted) == 1 or len({names for _, names, _ in near}) > 1):
            raise NotInScope(sorted({"::".join(names) for _, names, _ in near}))
        return [entry for nearness, _, entry in near if nearness == best]

    def _nearness(self, names: tuple[str, ...], length: int) -> int:
        """How many scopes are around both the place and the name, if the place is within the name's."""
        scope, own = names[: len(names) - length], parsed(self._place.name).parts
        return len(scope) if own[: len(scope)] == scope else _ELSEWHERE


def _is_complete(entry: Any) -> bool:
    """No field of an object, no constant without a value, no type of which only the name is known."""
    if entry.tag == "DW_TAG_member":
        return bool(entries.value(entry, "DW_AT_external"))
    if entry.tag in CONSTANTS:
        return isinstance(entries.value(entry, "DW_AT_const_value"), int)
    return entry.tag == "DW_TAG_variable" or not entries.value(entry, "DW_AT_declaration")


def _names(entry: Any) -> Iterator[tuple[str, ...]]:
    """By which it can be named, in full; none for what belongs to a function, or only looks like an entry."""
    try:
        around = tree.parent(entries.origin(entry))
        names = parsed(entries.qualified(entry)).parts
    except ValueError:
        return
    if around is None or around.tag in _CODE:
        return
    if around.tag == "DW_TAG_enumeration_type" and not entries.value(around, "DW_AT_enum_class"):
        yield (*names[:-2], names[-1])  # such an enumeration is no scope of its own
    yield names
