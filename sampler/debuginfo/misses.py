"""What is said where a point is not found: the nearest that is there, or why it cannot be known."""

from __future__ import annotations

from difflib import get_close_matches

from sampler.debuginfo.functions import Functions, Instance
from sampler.debuginfo.image import Image
from sampler.debuginfo.lines import Lines
from sampler.debuginfo.names import parsed, squeezed
from sampler.errors import NoDebugInfo, PointNotFound, SamplerError

_MOST_NEAR, _MOST_ALIKE, _MOST_TRIED = 2, 3, 10
_ALIKE = 0.7  # of difflib's ratio
_MOST_APART = 3  # characters that a misspelt name may have too many or too few


def no_place(image: Image, address: int) -> SamplerError:
    return _kept_elsewhere(image) or PointNotFound(
        f"there is no function at {address:#x}", fix="give the address of an instruction of the program's own"
    )


def not_a_boundary(address: int, known: list[int]) -> PointNotFound:
    near = sorted(known, key=lambda other: abs(other - address))[:_MOST_NEAR]
    return PointNotFound(
        f"no instruction is known to begin at {address:#x}",
        "the line table tells of others",
        "give one of these: " + ", ".join(f"{other:#x}" for other in sorted(near)),
    )


def no_function(image: Image, functions: Functions, name: str) -> SamplerError:
    close = _like_in_go(image, name) if image.is_go else _like(image, functions, name)
    return _kept_elsewhere(image) or PointNotFound(
        f"there is no function {name} in {image.path}",
        f"did you mean {' or '.join(close)}?" if close else "",
        "name it as in the program: main.write, pkg.(*T).Method, ns::f, file.go:42",
    )


def not_compiled(name: str, names: list[str]) -> PointNotFound:
    return PointNotFound(
        f"there is no {name}", f"it was compiled as {', '.join(names[:_MOST_ALIKE])}", "name one of these, or leave out"
        " what stands in brackets",
    )  # fmt: skip


def _like_in_go(image: Image, name: str) -> list[str]:
    return get_close_matches(name, image.identity.names_like(name), _MOST_ALIKE)


def _like(image: Image, functions: Functions, name: str) -> list[str]:
    """Functions whose last name is alike, in full."""
    wanted = parsed(name)
    alike = get_close_matches(wanted.last, image.search.of_length(len(wanted.last), _MOST_APART), _MOST_TRIED, _ALIKE)
    found = [_with_parameters(one, functions) if wanted.parameters is not None else one.name
             for other in alike for one in functions.native(other)]  # fmt: skip
    return list(dict.fromkeys(found))[:_MOST_ALIKE]


def _with_parameters(one: Instance, functions: Functions) -> str:
    """As a point can have it: without white space."""
    return squeezed(f"{one.name}({functions.parameters(one.declared)})")


def no_line(image: Image, lines: Lines, file: str, line: int) -> SamplerError:
    known = lines.lines_of(file)
    if not known:
        return _kept_elsewhere(image) or PointNotFound(
            f"there is no file {file} in {image.path}", fix="name it by the end of its path, like server/main.go"
        )
    near = min((near for known_lines in known.values() for near in known_lines), key=lambda near: abs(near - line))
    return PointNotFound(f"there is no code at {file}:{line}", f"the nearest line that holds some is {near}",
                         f"try {file}:{near}")  # fmt: skip


def _kept_elsewhere(image: Image) -> NoDebugInfo | None:
    """The compiler may have put what a unit tells into files of its own (-gsplit-dwarf)."""
    if not any(unit.is_elsewhere for unit in image.units.all):
        return None
    return NoDebugInfo(
        f"a part of {image.path} keeps its debug information in .dwo files",
        "these are not read",
        "build it without -gsplit-dwarf",
    )
