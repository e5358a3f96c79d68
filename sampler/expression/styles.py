"""How composites are written: as the language's debugger writes them, so that the two can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.debuginfo.languages import GO, RUST
from sampler.debuginfo.types import Field


@dataclass(frozen=True, slots=True)
class Style:
    """``named``: the type's name stands in front. ``assigned``: between a field's name and its value."""

    named: bool
    assigned: str
    list_head: str
    list_tail: str
    between: str
    complex_head: str = ""
    complex_tail: str = "i"

    def struct(self, name: str, fields: tuple[Field, ...], bare: bool) -> tuple[str, tuple[str, ...], str]:
        """What stands in front, the names of the fields, and what stands behind.

        ``bare``: without the type's name, which has been written already.
        """
        head = f"{name} {{" if self.named and not bare else "{"
        return head, tuple(f"<{_name_of_type(field)}>" if field.base else field.name for field in fields), "}"


class _GdbStyle(Style):
    """What has no fields of its own says so."""

    def struct(self, name: str, fields: tuple[Field, ...], bare: bool) -> tuple[str, tuple[str, ...], str]:
        head, names, tail = super().struct(name, fields, bare)
        if all(field.base for field in fields):
            tail = ", <No data fields>}" if fields else "<No data fields>}"
        return head, names, tail


class _RustStyle(Style):
    """Tuples are in parentheses, and what has no fields is its name. ``bare``: a form of an enum."""

    def struct(self, name: str, fields: tuple[Field, ...], bare: bool) -> tuple[str, tuple[str, ...], str]:
        if name.startswith("("):
            return "(", (), ")"
        if not fields:
            return name, (), ""
        name = name if bare else f"{name} "
        if all(field.name.startswith("__") for field in fields):
            return f"{name}(", (), ")"
        return f"{name}{{", tuple(field.name for field in fields), "}"


def style_of(language: str) -> Style:
    """Delve's for Go; GDB's for all others, which has one for Rust."""
    return _STYLES.get(language, _C)


def _name_of_type(field: Field) -> str:
    kind = field.type()
    return kind.name if kind is not None else ""


_C = _GdbStyle(named=False, assigned=" = ", list_head="{", list_tail="}", between=", ")
_STYLES = {
    GO: Style(True, ": ", "[", "]", ",", "(", "i)"),
    RUST: _RustStyle(True, ": ", "[", "]", ", "),
}
