"""What the names of an expression stand for at one place: variables, fields of this, constants, types."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TypeVar

from sampler.debuginfo.globals import NotInScope
from sampler.debuginfo.languages import CPP, GO
from sampler.debuginfo.scope import Scope, Variable
from sampler.debuginfo.storage import Unlocated
from sampler.debuginfo.types import Type
from sampler.expression import fields
from sampler.expression.basic_types import basic_type
from sampler.expression.constants import adapted
from sampler.expression.operands import Operand, referred, untyped
from sampler.expression.refusals import Refusal, no_value, refusal

_WORDS = {"true": True, "false": False, "nil": None, "NULL": 0, "nullptr": 0}
_THIS = "this"
_MOST_LISTED = 4
_T = TypeVar("_T")


class Naming:
    """Names at one place."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._go = scope.language == GO

    def operand(self, name: str) -> Operand:
        """What a name stands for, as its language looks it up: from within outwards."""
        local = self._scope.locals.get(name)
        found = self._variable(name, local) if local is not None else self._of_this(name) or self._global(name)
        if found is not None:
            return found
        if name in _WORDS:
            return untyped(name, _WORDS[name])
        found = self._constant(name)
        if found is None:
            raise self._unknown(name)
        return found

    def qualified(self, full: str) -> Operand:
        """A name with the package of Go that it is of."""
        found = self._global(full) or self._constant(full)
        if found is None:
            raise self._unknown(full)
        return found

    def is_variable(self, name: str) -> bool:
        """Whether a name stands for something that has fields, and not for a package."""
        return name in self._scope.locals or self._meant(self._scope.global_named, name) is not None

    def type(self, name: str) -> Type | None:
        """A type by its name; None for any other name."""
        return basic_type(name, self._scope.language) or self._meant(self._scope.type_named, name)

    def _global(self, name: str) -> Operand | None:
        found = self._meant(self._scope.global_named, name)
        return self._variable(name, found) if found is not None else None

    def _variable(self, name: str, known: Variable) -> Operand:
        try:
            return Operand(name, known.type, known.storage)
        except Unlocated as reason:
            raise no_value(name, f"at {self._scope.owner} {reason}", self._where_alive(reason)) from reason

    def _of_this(self, name: str) -> Operand | None:
        """A field of the object whose method it is: C++ needs no ``this->`` in front."""
        this = self._scope.locals.get(_THIS) if self._scope.language == CPP else None
        if this is None:
            return None
        owner = fields.owner_of(this.type)
        if owner is None or fields.path_to(owner, name) is None:
            return None
        return fields.member(referred(self._variable(_THIS, this)), name, name)

    def _constant(self, name: str) -> Operand | None:
        found = self._meant(self._scope.constant, name)
        if found is None:
            return None
        number, kind = found
        if self._go or kind is None:
            return untyped(name, number)
        return adapted(untyped(name, number), kind)

    def _meant(self, find: Callable[[str], _T], name: str) -> _T:
        try:
            return find(name)
        except NotInScope as others:
            listed = ", ".join(others.names[:_MOST_LISTED]) + (", …" if len(others.names) > _MOST_LISTED else "")
            raise refusal(name, f"what has that name is not in scope at {self._scope.owner}",
                          f"name it in full: {listed}") from others  # fmt: skip

    def _where_alive(self, reason: Unlocated) -> str:
        lines = self._scope.image.lines
        rows = [row for low, _ in reason.alive if (row := lines.line_at(low)) is not None]
        after = [row for row in rows if self._scope.place.line is None or row.line >= self._scope.place.line]
        if not rows:
            return "ask for something else, or build the program without optimisation"
        row = min(after or rows, key=lambda row: row.line)
        return f"it has a value at {row.file.rpartition('/')[2]}:{row.line}"

    def _unknown(self, name: str) -> Refusal:
        close = get_close_matches(name, [*self._scope.locals], 1)
        fix = f"did you mean {close[0]}?" if close else "`sampler vars` lists what can be asked there"
        return refusal(name, f"there is no such name at {self._scope.owner}", fix)
