"""Go's own types, by the attributes that its compiler adds (cmd/internal/dwarf/dwarf.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sampler.debuginfo import entries, tree, types
from sampler.debuginfo.types import Type

if TYPE_CHECKING:
    from sampler.debuginfo.type_reader import TypeReader

_KIND, _EMBEDDED = 0x2900, 0x2903
# reflect.Kind, src/reflect/type.go
_CHANNEL, _FUNCTION, _INTERFACE, _MAP, _SLICE, _STRING = 18, 19, 20, 21, 23, 24

Reader = Callable[["TypeReader", Any], Type]


def reader_of(entry: Any) -> Reader | None:
    """What reads a type that only Go has; None for the rest, which are read as anybody's."""
    return _READERS.get(entries.value(entry, _KIND))


def is_embedded(field: Any, name: str) -> bool:
    """Whether the fields of a field count as its owner's; a member without a name is so in C."""
    return bool(entries.value(field, _EMBEDDED, not name))


def _name(entry: Any) -> str:
    return entries.name(entry) or "?"


def _slice(reader: TypeReader, entry: Any) -> Type:
    array = next((child for child in tree.children(entry) if entries.name(child) == "array"), None)
    pointer = types.plain(reader.of(array)) if array is not None else None
    if not isinstance(pointer, types.Pointer):
        return Type(_name(entry), 24)
    return types.Slice(_name(entry), 24, pointer.target)


def _counted(reader: TypeReader, entry: Any) -> Type:
    """A map points to one that holds ``used`` (or ``count``), a channel to ``qcount`` and ``dataqsiz``."""
    pointer = types.plain(reader.of(entry))
    struct = types.plain(pointer.target()) if isinstance(pointer, types.Pointer) else None
    fields = {field.name: field for field in struct.fields} if isinstance(struct, types.Struct) else {}
    counter = next((fields[name] for name in ("used", "count", "qcount") if name in fields), None)
    size = counter.type() if counter else None
    return types.Counted(
        _name(entry), 8, counter.offset if counter else None, (size.size if size else None) or 8,
        fields["dataqsiz"].offset if "dataqsiz" in fields else None,
    )  # fmt: skip


_READERS: dict[int, Reader] = {
    _STRING: lambda _, entry: types.Text(_name(entry), 16),
    _SLICE: _slice,
    _INTERFACE: lambda _, entry: types.Interface(_name(entry), 16),
    _MAP: _counted,
    _CHANNEL: _counted,
    _FUNCTION: lambda _, entry: types.Function(_name(entry), 8),
}
