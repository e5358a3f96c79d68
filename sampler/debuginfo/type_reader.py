"""From an entry of the debug information to a type. Go's own attributes: cmd/internal/dwarf/dwarf.go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sampler.debuginfo import entries, types
from sampler.debuginfo.types import Field, Type
from sampler.plan.nodes import Base, Kind

_GO_KIND, _GO_EMBEDDED = 0x2900, 0x2903
# reflect.Kind, src/reflect/type.go
_CHANNEL, _FUNCTION, _INTERFACE, _MAP, _SLICE, _STRING = 18, 19, 20, 21, 23, 24

# DW_ATE_*, DWARF 5, table 7.11
_BASES = {
    0x02: (Base.BOOLEAN, False), 0x04: (Base.FLOAT, False), 0x05: (Base.INTEGER, True), 0x06: (Base.INTEGER, True),
    0x07: (Base.INTEGER, False), 0x08: (Base.INTEGER, False), 0x10: (Base.INTEGER, False),
}  # fmt: skip
_COMPLEX = (0x03,)
_CHARACTERS = (0x06, 0x08, 0x10)
_QUALIFIERS = {
    "DW_TAG_const_type": "const ", "DW_TAG_volatile_type": "volatile ", "DW_TAG_restrict_type": "",
    "DW_TAG_atomic_type": "_Atomic ",
}  # fmt: skip
_KEYWORDS = {"DW_TAG_structure_type": "struct ", "DW_TAG_union_type": "union ", "DW_TAG_enumeration_type": "enum "}

Later = Callable[[], Type | None]


class TypeReader:
    """Types by their entries; each is read once. ``go``: names and kinds are those of Go."""

    def __init__(self, go: bool) -> None:
        self._go = go
        self._known: dict[tuple[int, int], Type] = {}

    def of(self, owner: Any) -> Type | None:
        """The type of a variable, field or element; None for void."""
        entry = entries.type_of(owner)
        return self.read(entry) if entry is not None else None

    def read(self, entry: Any) -> Type:
        key = (id(entry.dwarfinfo), entry.offset)
        if key not in self._known:
            self._known[key] = self._read(entry)
        return self._known[key]

    def _read(self, entry: Any) -> Type:
        special = _GO_SPECIAL.get(entries.value(entry, _GO_KIND)) if self._go else None
        if special is not None:
            return special(self, entry)
        return _READERS.get(entry.tag, TypeReader._unknown)(self, entry)

    def later(self, owner: Any) -> Later:
        return lambda: self.of(owner)

    def name(self, entry: Any) -> str:
        """As its language writes it."""
        own = entries.name(entry)
        if self._go:
            return own or "?"
        return _KEYWORDS.get(entry.tag, "") * _is_c(entry) + (own or "{...}")

    def name_of(self, owner: Any) -> str:
        """The name of an owner's type, read without what it is made of."""
        entry = entries.type_of(owner)
        if entry is None:
            return "void"
        if entry.tag in _QUALIFIERS:
            return _QUALIFIERS[entry.tag] + self.name_of(entry)
        if entry.tag in ("DW_TAG_pointer_type", "DW_TAG_reference_type") and not self._go:
            target = self.name_of(entry)
            return target + ("" if target.endswith("*") else " ") + ("*" if "pointer" in entry.tag else "&")
        if entry.tag == "DW_TAG_array_type" and not self._go:
            return self.name_of(entry) + "".join(f"[{_count(part) or ''}]" for part in _dimensions(entry))
        if entry.tag == "DW_TAG_subroutine_type" and not self._go:
            return f"{self.name_of(entry)} ()"
        return self.name(entry)

    # One method a tag.

    def _base(self, entry: Any) -> Type:
        size, encoding = entries.value(entry, "DW_AT_byte_size", 0), entries.value(entry, "DW_AT_encoding")
        if encoding in _COMPLEX:
            return types.Complex(self.name(entry), size)
        if encoding not in _BASES:
            return Type(self.name(entry), size)
        base, signed = _BASES[encoding]
        return types.Scalar(self.name(entry), size, Kind(base, size, signed), encoding in _CHARACTERS)

    def _pointer(self, entry: Any) -> Type:
        name = self.name(entry) if self._go else self._native_pointer_name(entry)
        size = entries.value(entry, "DW_AT_byte_size", 8)
        return types.Pointer(name, size, self.later(entry), "reference" in entry.tag, self._go)

    def _native_pointer_name(self, entry: Any) -> str:
        own = entries.name(entry)  # Rust names its pointers
        target = self.name_of(entry)
        mark = "&" if "reference" in entry.tag else "*"
        return own or target + ("" if target.endswith("*") else " ") + mark

    def _struct(self, entry: Any) -> Type:
        name, size = self.name(entry), entries.value(entry, "DW_AT_byte_size")
        fields = tuple(self._fields(entry))
        by_name = {field.name: field for field in fields}
        if {"data_ptr", "length"} == by_name.keys():  # Rust's fat pointers
            pointer, length = by_name["data_ptr"], by_name["length"]
            if name.endswith("str"):
                return types.Text(name, size, pointer.offset, length.offset)
            target = types.plain(pointer.type())
            element = target.target if isinstance(target, types.Pointer) else pointer.type
            return types.Slice(name, size, element, pointer.offset, length.offset, None)
        return types.Struct(name, size, fields, "union" in entry.tag)

    def _fields(self, entry: Any) -> Iterator[Field]:
        for child in entry.iter_children():
            if child.tag == "DW_TAG_inheritance":
                yield Field("", _member_offset(child), self.later(child), embedded=True)
            elif child.tag == "DW_TAG_member" and not entries.value(child, "DW_AT_external"):
                yield self._field(child)

    def _field(self, child: Any) -> Field:
        name = entries.name(child) or ""
        embedded = bool(entries.value(child, _GO_EMBEDDED, not name))
        bits = entries.value(child, "DW_AT_bit_size", 0)
        offset = _member_offset(child)
        return Field(name, offset, self.later(child), embedded, _bit_offset(child, offset) if bits else 0, bits)

    def _enumeration(self, entry: Any) -> Type:
        size = entries.value(entry, "DW_AT_byte_size", 4)
        names = tuple(
            (entries.value(child, "DW_AT_const_value"), entries.name(child) or "?")
            for child in entry.iter_children()
            if child.tag == "DW_TAG_enumerator"
        )
        under = types.plain(self.of(entry))
        signed = under.kind.signed if isinstance(under, types.Scalar) else any(value < 0 for value, _ in names)
        return types.Enumeration(self.name(entry), size, Kind(Base.INTEGER, size, signed), names)

    def _array(self, entry: Any) -> Type:
        counts = [_count(part) for part in _dimensions(entry)] or [None]
        name = self.name(entry) if self._go else self.name_of(entry)
        made: Later = self.later(entry)
        for depth, count in reversed(list(enumerate(counts))):
            made = _array_maker(self._array_name(name, counts, depth), made, count)
        found = made()
        assert found is not None
        return found

    def _array_name(self, element: str, counts: list[int | None], depth: int) -> str:
        return element if self._go else element + "".join(f"[{count or ''}]" for count in counts[depth:])

    def _alias(self, entry: Any) -> Type:
        name = _QUALIFIERS.get(entry.tag, "") + (entries.name(entry) or self.name_of(entry))
        under = self.of(entry)
        return types.Alias(name, under.size if under is not None else None, self.later(entry))

    def _function(self, entry: Any) -> Type:
        return types.Function(self.name(entry), 8)

    def _unknown(self, entry: Any) -> Type:
        return Type(self.name(entry), entries.value(entry, "DW_AT_byte_size"))

    # Go's own.

    def _go_string(self, entry: Any) -> Type:
        return types.Text(self.name(entry), 16)

    def _go_slice(self, entry: Any) -> Type:
        array = next(child for child in entry.iter_children() if entries.name(child) == "array")
        pointer = types.plain(self.of(array))
        assert isinstance(pointer, types.Pointer)
        return types.Slice(self.name(entry), 24, pointer.target)

    def _go_interface(self, entry: Any) -> Type:
        return types.Interface(self.name(entry), 16)

    def _go_counted(self, entry: Any) -> Type:
        """A map points to one that holds ``used`` (or ``count``), a channel to ``qcount`` and ``dataqsiz``."""
        pointer = types.plain(self.of(entry))
        struct = types.plain(pointer.target()) if isinstance(pointer, types.Pointer) else None
        fields = {field.name: field for field in struct.fields} if isinstance(struct, types.Struct) else {}
        counter = next((fields[name] for name in ("used", "count", "qcount") if name in fields), None)
        size = counter.type() if counter else None
        return types.Counted(
            self.name(entry), 8, counter.offset if counter else None, (size.size if size else None) or 8,
            fields["dataqsiz"].offset if "dataqsiz" in fields else None,
        )  # fmt: skip


_READERS: dict[str, Callable[[TypeReader, Any], Type]] = {
    "DW_TAG_base_type": TypeReader._base,
    "DW_TAG_pointer_type": TypeReader._pointer,
    "DW_TAG_reference_type": TypeReader._pointer,
    "DW_TAG_rvalue_reference_type": TypeReader._pointer,
    "DW_TAG_structure_type": TypeReader._struct,
    "DW_TAG_class_type": TypeReader._struct,
    "DW_TAG_union_type": TypeReader._struct,
    "DW_TAG_enumeration_type": TypeReader._enumeration,
    "DW_TAG_array_type": TypeReader._array,
    "DW_TAG_typedef": TypeReader._alias,
    "DW_TAG_const_type": TypeReader._alias,
    "DW_TAG_volatile_type": TypeReader._alias,
    "DW_TAG_restrict_type": TypeReader._alias,
    "DW_TAG_atomic_type": TypeReader._alias,
    "DW_TAG_subroutine_type": TypeReader._function,
}
_GO_SPECIAL: dict[int, Callable[[TypeReader, Any], Type]] = {
    _STRING: TypeReader._go_string,
    _SLICE: TypeReader._go_slice,
    _INTERFACE: TypeReader._go_interface,
    _MAP: TypeReader._go_counted,
    _CHANNEL: TypeReader._go_counted,
    _FUNCTION: TypeReader._function,
}
# DW_LANG_*: the languages in which a struct's tag is part of how its type is written.
_C_LANGUAGES = (0x01, 0x02, 0x0C, 0x1D, 0x2C)


def _is_c(entry: Any) -> bool:
    return entries.value(entry.cu.get_top_DIE(), "DW_AT_language") in _C_LANGUAGES


def _array_maker(name: str, element: Later, count: int | None) -> Later:
    def make() -> Type:
        size = element()
        total = size.size * count if size is not None and size.size is not None and count is not None else None
        return types.Array(name, total, element, count)

    return make


def _dimensions(entry: Any) -> list[Any]:
    return [child for child in entry.iter_children() if child.tag == "DW_TAG_subrange_type"]


def _count(dimension: Any) -> int | None:
    count = entries.value(dimension, "DW_AT_count")
    if count is None and isinstance(bound := entries.value(dimension, "DW_AT_upper_bound"), int):
        count = bound + 1
    return count if isinstance(count, int) and 0 <= count < 1 << 63 else None


def _member_offset(child: Any) -> int:
    offset = entries.value(child, "DW_AT_data_member_location", 0)
    return offset if isinstance(offset, int) else 0


def _bit_offset(child: Any, offset: int) -> int:
    """From the start of the struct, the lowest bit first."""
    bits = entries.value(child, "DW_AT_data_bit_offset")
    if bits is not None:
        return int(bits)
    # DWARF 3's way counts from the highest bit of a storage unit.
    unit = entries.value(child, "DW_AT_byte_size", 4) * 8
    return int(offset * 8 + unit - entries.value(child, "DW_AT_bit_offset", 0) - entries.value(child, "DW_AT_bit_size"))
