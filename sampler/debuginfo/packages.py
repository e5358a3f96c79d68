"""Go's packages: their names, which need not be the ends of their import paths, and how the linker spells them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from sampler.debuginfo import entries
from sampler.debuginfo.units import Units

_PACKAGE_NAME = 0x2905  # DW_AT_go_package_name, cmd/internal/dwarf/dwarf.go
_DOT = "%2e"  # cmd/internal/objabi/path.go: a dot behind the last slash of an import path


class Packages:
    """The packages of one program, a unit each."""

    def __init__(self, units: Units) -> None:
        self._units = units

    def with_paths(self, name: str) -> Iterator[str]:
        """``yaml.Node`` as ``gopkg.in/yaml.v3.Node``: for each package of that name whose path ends otherwise."""
        package, dot, rest = name.partition(".")
        if dot:
            yield from (f"{path}.{rest}" for path in self._renamed.get(package, ()))

    @cached_property
    def _renamed(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for unit in self._units.all:
            name = entries.value(unit.top, _PACKAGE_NAME, b"").decode(errors="replace")
            if name and name != unit.name.rpartition("/")[2]:
                found.setdefault(name, set()).add(unit.name)
        return found


def spellings(name: str) -> Iterator[str]:
    """A name that holds its package's path: as constants are spelled, and as all others are."""
    yield name
    path, _, last = name.rpartition(".")
    if escaped(path) != path:
        yield f"{escaped(path)}.{last}"


def escaped(path: str) -> str:
    folders, slash, last = path.rpartition("/")
    return folders + slash + last.replace(".", _DOT)


def unescaped(name: str) -> str:
    return name.replace(_DOT, ".")
