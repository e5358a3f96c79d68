"""The names of Go's functions: without the path of their package, without type arguments, methods by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sampler.debuginfo.packages import unescaped
from sampler.debuginfo.units import find_all


def bare(name: str) -> str:
    """As it is written, without type arguments."""
    return unescaped("".join(mark for mark, within in _marks(name) if not within))


def package(name: str) -> str:
    """The path of the package that a full name is of, up to its last component."""
    return re.sub(r"\[.*", "", name).rpartition("/")[0]


def arguments(name: str) -> str:
    """The type arguments in a name, as the source has them; empty for none, and for ``[...]``, which is any."""
    found = "".join(mark for mark, within in _marks(name) if within).replace("go.shape.", "").replace(" ", "")
    return "" if set(found) <= set("[].") else found


def full_names(name: str, info: bytes, renamed: Iterable[str] = ()) -> list[str]:
    """The names in ``info`` (.debug_info) that a name stands for; several for a generic function.

    Type arguments that it gives are not looked at: the compiler has one function for several of them.
    ``renamed``: the bare name with the path of each package that is named otherwise than its path ends.
    """
    wanted = bare(name)
    last = re.split(r"[./]", wanted)[-1].lstrip("(*").rstrip(")")
    known = set(_with(last, info))
    if name in known:  # one instantiation, named in full
        return [name]
    found = {full for full in known if bare(full) == wanted}
    if not found:
        whole = set(renamed)
        found = {full for full in known if bare(full).endswith("/" + wanted) or bare(full) in whole}
    if not found and name.startswith("("):
        found = {full for full in known if bare(full).endswith("." + wanted)}
    return sorted(found)


def _marks(name: str) -> Iterator[tuple[str, bool]]:
    """Each character, and whether it stands in brackets, or is one."""
    depth = 0
    for mark in name:
        depth += mark == "["
        yield mark, depth > 0
        depth -= mark == "]"


def names_at(info: bytes, at: int, end: int) -> str:
    """The name around ``at``, up to ``end``: in front of it stands the number of an abbreviation."""
    start = at
    while start and info[start - 1] >= 0x20:
        start -= 1
    return info[start:end].decode(errors="replace")


def _with(last: str, info: bytes) -> Iterator[str]:
    for wanted in (f".{last}\0", f".{last}["):
        for at in find_all(info, wanted.encode()):
            yield names_at(info, at, info.find(b"\0", at))
