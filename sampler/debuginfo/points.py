"""From the text of a program point to the addresses at which the question is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sampler.debuginfo import entries, go_names, tree
from sampler.debuginfo.functions import Functions, Instance, innermost
from sampler.debuginfo.image import Image
from sampler.debuginfo.languages import language_of
from sampler.debuginfo.line_program import Row
from sampler.debuginfo.meanings import ambiguous, meant
from sampler.debuginfo.misses import no_function, no_line, no_place, not_a_boundary, not_compiled
from sampler.debuginfo.prologues import end_of_prologue

_LINE = re.compile(r"(?P<file>.+[^:]):(?P<line>\d+)")
_FURTHER = re.compile(r"(?P<function>.*[^+])\+(?P<by>0x[0-9a-fA-F]+|\d+)")


@dataclass(frozen=True, slots=True)
class Place:
    """One address of a point. ``address``: of the file, without the bias of a PIE program.

    ``function``: the DIE of the function that the code is in. ``scope``: the DIEs whose variables can
    be named there, from the outermost to the innermost block. ``name``: of the innermost function.
    """

    address: int
    name: str
    function: Any
    scope: tuple[Any, ...]
    inlined: bool
    line: int | None
    file: str = ""

    @property
    def language(self) -> str:
        """Of the innermost function."""
        return language_of(self.scope[0])


class Points:
    """Finds places in one image, loaded ``bias`` bytes above the file's own addresses."""

    def __init__(self, image: Image, bias: int = 0) -> None:
        self._image, self._bias = image, bias
        self.lines = image.lines
        self.functions = Functions(image, self.lines)

    def find(self, point: str) -> list[Place]:
        """The places of a point, in the order of addresses; PointNotFound, PointAmbiguous, BinaryError."""
        if point.startswith("0x"):
            return [self._at_address(int(point, 16))]
        as_line = _LINE.fullmatch(point)
        if as_line:
            return self._at_line(as_line["file"], int(as_line["line"]))
        further = _FURTHER.fullmatch(point)
        if further:
            return self._further(further["function"], int(further["by"], 0))
        return self._at_function(point)

    def _at_address(self, address: int) -> Place:
        place = self._place(address - self._bias)
        if place is None:
            raise no_place(self._image, address)
        self._check_boundary(place)
        return place

    def _check_boundary(self, place: Place) -> None:
        """A byte changed in the midst of an instruction makes another one of it: only a known beginning will do."""
        known = {row.address for span in entries.ranges(place.function) for row in self.lines.of_function(*span)}
        if place.address not in known and place.address != entries.low_pc(place.function):
            raise not_a_boundary(place.address + self._bias, sorted(address + self._bias for address in known))

    def _place(self, address: int) -> Place | None:
        """By the innermost function, inlined ones included."""
        function = self.functions.at(address)
        if function is None:
            return None
        path = innermost(function, address)
        start = max(at for at, entry in enumerate(path) if entry.tag != "DW_TAG_lexical_block")
        return self._described(address, function, path[start:])

    def _described(self, address: int, function: Any, scope: list[Any]) -> Place:
        row = self.lines.line_at(address)
        return Place(
            address, self.functions.full_name(scope[0]), function, tuple(scope),
            scope[0].tag == "DW_TAG_inlined_subroutine", row.line if row else None, row.file if row else "",
        )  # fmt: skip

    # By function.

    def _at_function(self, name: str) -> list[Place]:
        places = [place for instance in self._instances(name) for place in self._place_of(instance)]
        if not places:
            raise no_function(self._image, self.functions, name)
        return sorted(places, key=lambda place: place.address)

    def _instances(self, name: str) -> list[Instance]:
        instances = self._of_go(name) if self._image.is_go else []
        return instances or meant(name, self.functions.native(name), self.functions, self.lines)

    def _of_go(self, name: str) -> list[Instance]:
        renamed = self._image.packages.with_paths(go_names.bare(name))
        names = go_names.full_names(name, self._image.units.info, renamed)
        if len({go_names.package(full) for full in names}) > 1:
            raise ambiguous(name, names, "name one of them in full")
        given = go_names.arguments(name)
        chosen = [full for full in names if not given or go_names.arguments(full) == given]
        if names and not chosen:
            raise not_compiled(name, names)
        return [instance for full in chosen for instance in self.functions.of_go(full)]

    def _place_of(self, instance: Instance) -> Iterator[Place]:
        address = instance.low if instance.inlined else self._after_prologue(instance)
        function = self.functions.at(address) if instance.inlined else instance.entry
        if function is not None:
            yield self._described(address, function, _scope(instance.entry, address))

    def _after_prologue(self, instance: Instance) -> int:
        high = next(high for low, high in instance.ranges if low <= instance.low < high)
        return end_of_prologue(self._image, instance.entry, instance.low, high)

    def _further(self, name: str, by: int) -> list[Place]:
        """So many bytes behind the first of each of its copies that are functions of their own."""
        from sampler.debuginfo.instructions import decode

        places = []
        for instance in self._instances(name):
            if instance.inlined:
                continue
            end = next(high for low, high in instance.ranges if low <= instance.low < high)
            known = [one.address for one in decode(self._image.code(instance.low, end - instance.low), instance.low)]
            if instance.low + by not in known:
                raise not_a_boundary(instance.low + by + self._bias, [one + self._bias for one in known])
            address = instance.low + by
            places.append(self._described(address, instance.entry, _scope(instance.entry, address)))
        if not places:
            raise no_function(self._image, self.functions, name)
        return sorted(places, key=lambda place: place.address)

    # By line.

    def _at_line(self, file: str, line: int) -> list[Place]:
        found = self.lines.at_line(file, line)
        if len(found) > 1:
            raise ambiguous(f"{file}:{line}", [f"{path}:{line}" for path in sorted(found)], "name one of them in full")
        if not found:
            raise no_line(self._image, self.lines, file, line)
        rows = next(iter(found.values()))
        first: dict[tuple[int, int], Place] = {}
        for row in sorted(rows, key=lambda row: row.address):
            place = self._place(self._moved(row))
            if place is not None:
                first.setdefault(tree.identity(place.scope[0]), place)
        if not first:
            raise no_place(self._image, rows[0].address + self._bias)
        return sorted(first.values(), key=lambda place: place.address)

    def _moved(self, row: Row) -> int:
        """Behind the prologue, if the line is the one that its function begins with."""
        function = self.functions.at(row.address)
        if function is None:
            return row.address
        low, high = entries.ranges(function)[0]
        end = end_of_prologue(self._image, function, low, high)
        return end if low <= row.address < end else row.address


def _scope(entry: Any, address: int) -> list[Any]:
    """The function's entry and the blocks of its own around the address; what is inlined into it is not its own."""
    path = [entry]
    for inner in innermost(entry, address)[1:]:
        if inner.tag != "DW_TAG_lexical_block":
            break
        path.append(inner)
    return path
