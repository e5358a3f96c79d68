"""From the text of a program point to the addresses at which the question is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sampler.debuginfo import entries
from sampler.debuginfo.functions import Functions, Instance, innermost
from sampler.debuginfo.image import Image
from sampler.debuginfo.line_program import Row
from sampler.debuginfo.lines import prologue_end
from sampler.debuginfo.packages import unescaped
from sampler.debuginfo.units import find_all
from sampler.errors import PointAmbiguous, PointNotFound

_LINE = re.compile(r"(?P<file>.+):(?P<line>\d+)")
_TYPE_ARGUMENTS = re.compile(r"\[[^\]]*(?:\[[^\]]*\][^\]]*)*\]")
_MOST_LISTED = 4


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


class Points:
    """Finds places in one image, loaded ``bias`` bytes above the file's own addresses."""

    def __init__(self, image: Image, bias: int = 0) -> None:
        self._image, self._bias = image, bias
        self.functions = Functions(image)
        self.lines = image.lines

    def find(self, point: str) -> list[Place]:
        """The places of a point, in the order of addresses; PointNotFound, PointAmbiguous."""
        if point.startswith("0x"):
            return [self._at_address(int(point, 16))]
        as_line = _LINE.fullmatch(point)
        if as_line:
            return self._at_line(as_line["file"], int(as_line["line"]))
        return self._at_function(point)

    def _at_address(self, address: int) -> Place:
        place = self._place(address - self._bias)
        if place is None:
            raise PointNotFound(
                f"there is no function at {address:#x}", fix="give the address of an instruction of the program's own"
            )
        self._check_boundary(place)
        return place

    def _check_boundary(self, place: Place) -> None:
        """A byte changed in the midst of an instruction makes another one of it: only a known beginning will do."""
        known = {row.address for span in entries.ranges(place.function) for row in self.lines.of_function(*span)}
        if place.address in known or place.address == entries.low_pc(place.function):
            return
        near = sorted(known, key=lambda address: abs(address - place.address))[:2]
        raise PointNotFound(
            f"no instruction is known to begin at {place.address + self._bias:#x}",
            "the line table tells of others",
            "give one of these: " + ", ".join(f"{address + self._bias:#x}" for address in sorted(near)),
        )

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
        names = list(self._go_names(name)) if self._image.is_go else [name]
        packages = {re.sub(r"\[.*", "", full).rpartition("/")[0] for full in names}
        if len(names) > 1 and len(packages) > 1:
            raise _ambiguous(name, sorted(names))
        places = [place for full in names for place in self._places_of(full)]
        if not places:
            raise self._no_function(name)
        return sorted(places, key=lambda place: place.address)

    def _places_of(self, full: str) -> Iterator[Place]:
        for instance in self.functions.named(full):
            address = instance.low if instance.inlined else self._after_prologue(instance)
            function = self.functions.at(address) if instance.inlined else instance.entry
            if function is not None:
                yield self._described(address, function, _scope(instance.entry, address))

    def _after_prologue(self, instance: Instance) -> int:
        high = next(high for low, high in instance.ranges if low <= instance.low < high)
        rows = self.lines.of_function(instance.low, high)
        return prologue_end(rows, instance.low, optimised=_has_location_lists(instance.entry))

    def _go_names(self, name: str) -> Iterator[str]:
        """The full names that a name stands for: without its package's path, without type arguments."""
        bare = _bare(name)
        last = re.split(r"[./]", bare)[-1].lstrip("(*").rstrip(")")
        known = {full: _bare(full) for full in self._names_with(last)}
        found = {full for full, written in known.items() if written == bare}
        if not found:
            whole = set(self._image.packages.with_paths(bare))
            found = {full for full, written in known.items() if written.endswith("/" + bare) or written in whole}
        if not found and name.startswith("("):
            found = {full for full, written in known.items() if written.endswith("." + bare)}
        asked_for = name in found  # one instantiation, named in full
        yield from [name] if asked_for else sorted(found)

    def _names_with(self, last: str) -> Iterator[str]:
        data = self._image.units.info
        for wanted in (f".{last}\0", f".{last}["):
            for at in find_all(data, wanted.encode()):
                start = at
                while data[start - 1] >= 0x20:  # in front of a name stands the number of an abbreviation
                    start -= 1
                yield data[start : data.index(b"\0", at)].decode(errors="replace")

    def _no_function(self, name: str) -> PointNotFound:
        from difflib import get_close_matches

        close = get_close_matches(name, self._image.identity.names_like(name), 3)
        return PointNotFound(
            f"there is no function {name} in {self._image.path}",
            f"did you mean {' or '.join(close)}?" if close else "",
            "name it as in the program: main.write, pkg.(*T).Method, file.go:42",
        )

    # By line.

    def _at_line(self, file: str, line: int) -> list[Place]:
        found = self.lines.at_line(file, line)
        if len(found) > 1:
            raise _ambiguous(f"{file}:{line}", [f"{path}:{line}" for path in sorted(found)])
        if not found:
            raise self._no_line(file, line)
        rows = next(iter(found.values()))
        first: dict[int, Place] = {}
        for row in sorted(rows, key=lambda row: row.address):
            place = self._place(self._moved(row))
            if place is not None:
                first.setdefault(place.scope[0].offset, place)
        return sorted(first.values(), key=lambda place: place.address)

    def _moved(self, row: Row) -> int:
        """Behind the prologue, if the line is the one that its function begins with."""
        function = self.functions.at(row.address)
        if function is None:
            return row.address
        low, high = entries.ranges(function)[0]
        rows = self.lines.of_function(low, high)
        end = prologue_end(rows, low, optimised=_has_location_lists(function))
        return end if low <= row.address < end else row.address

    def _no_line(self, file: str, line: int) -> PointNotFound:
        lines = self.lines.lines_of(file)
        if not lines:
            return PointNotFound(
                f"there is no file {file} in {self._image.path}",
                fix="name it by the end of its path, like server/main.go",
            )
        near = min((near for known in lines.values() for near in known), key=lambda near: abs(near - line))
        return PointNotFound(f"there is no code at {file}:{line}", f"the nearest line that holds some is {near}",
                             f"try {file}:{near}")  # fmt: skip


def _bare(name: str) -> str:
    """A name of Go's as it is written, without type arguments."""
    return unescaped(_TYPE_ARGUMENTS.sub("", name))


def _scope(entry: Any, address: int) -> list[Any]:
    """The function's entry and the blocks of its own around the address; what is inlined into it is not its own."""
    path = [entry]
    for inner in innermost(entry, address)[1:]:
        if inner.tag != "DW_TAG_lexical_block":
            break
        path.append(inner)
    return path


def _has_location_lists(function: Any) -> bool:
    locations = [child.attributes.get("DW_AT_location") for child in function.iter_children()]
    return any(found is not None and found.form in ("DW_FORM_sec_offset", "DW_FORM_loclistx", "DW_FORM_data4")
               for found in locations)  # fmt: skip


def _ambiguous(point: str, names: list[str]) -> PointAmbiguous:
    listed = ", ".join(names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")
    return PointAmbiguous(f"{point} names several places", f"among them {listed}", "name one of them in full")
