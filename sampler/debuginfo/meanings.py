"""Which of the functions of a name are meant, and the refusal where several could be."""

from __future__ import annotations

import os
from typing import Any

from sampler.debuginfo import entries
from sampler.debuginfo.functions import Functions, Instance
from sampler.debuginfo.lines import Lines, declared_line
from sampler.debuginfo.names import parsed
from sampler.errors import PointAmbiguous

_MOST_LISTED = 4


def meant(name: str, found: list[Instance], functions: Functions, lines: Lines) -> list[Instance]:
    """All instances of one function: with its overloads, as debuggers take it, and with each template argument.

    Raises PointAmbiguous for functions of several scopes, and for those that several files have of their own.
    """
    wanted = parsed(name)
    whole = [one for one in found if len(parsed(one.name).parts) == len(wanted.parts)]
    found = whole or found
    scopes = {parsed(one.name).bare for one in found}
    if len(scopes) > 1:
        raise ambiguous(name, sorted({one.name for one in found}), "name one of them in full")
    files = {_place(one.declared, lines): one for one in found}
    if len({file for file, _ in files}) > 1:
        listed = [f"{one.name}({functions.parameters(one.declared)}) at {os.path.basename(file)}:{line}"
                  for (file, line), one in sorted(files.items())]  # fmt: skip
        raise ambiguous(name, listed, "name one by a line of it, like file.c:42")
    return found


def ambiguous(point: str, names: list[str], fix: str) -> PointAmbiguous:
    listed = ", ".join(names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")
    return PointAmbiguous(f"{point} names several places", f"among them {listed}", fix)


def _place(declared: Any, lines: Lines) -> tuple[str, int]:
    owner = entries.inherited(declared, "DW_AT_decl_file")
    path = lines.file_of(owner, entries.value(owner, "DW_AT_decl_file")) if owner is not None else ""
    return path, declared_line(declared) or 0
