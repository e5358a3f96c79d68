"""From an entry of the debug information to a type, of any language. Go's own and Rust's: go_types, rust_types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sampler.debuginfo import entries, go_types, machine, rust_types, tree, types
from sampler.debuginfo.languages import GO, RUST, language_of
from sampler.debuginfo.type_names import (
    array_name,
    count,
    dimensions,
    enumerators_scope,
    name_of,
    qualified,
    type_name,
)
from sampler.debuginfo.types import Field, Type
from sampler.plan.nodes import Base, Kind

# DW_ATE_*, DWARF 5, table 7.11
_BASES = {
    0x02: (Base.BOOLEAN, False), 0x04: (Base.FLOAT, False), 0x05: (Base.INTEGER, True), 0x06: (Base.INTEGER, True),
    0x07: (Base.INTEGER, False), 0x08: (Base.INTEGER, False), 0x10: (Base.INTEGER, False),
}  # fmt: skip
_COMPLEX, _FLOAT = (0x03,), 0x04
# Of a format that their size and encoding do not tell from long double and half precision: DWARF has no other mark.
_OTHER_FLOATS = ("loat128", "f128", "bf16")
_CHARACTERS = (0x06, 0x08, 0x10)

Later = Callable[[], Type | None]


class TypeReader:
    """Types by their entries; each is read once."""

    def __init__(self, definition: Callable[[Any], Any | None]) -> None:
        """``definition``: gives the entry that tells what a type is made of that is only declared."""
        self._definition = definition
        self._known: dict[tuple[int, int], Type] = {}

    def of(self, owner: Any) -> Type | None:
        """The type of a variable, field or element; None for void."""
        entry = entries.type_of(owner)
        return self.read(entry) if entry is not None else None

    def read(self, entry: Any) -> Type:
        key = tree.identity(entry)
        if key not in self._known:
            self._known[key] = self._read(entry)
        return self._known[key]

    def _read(self, entry: Any) -> Type:
        if language_of(entry) == GO:
            special = go_types.reader_of(entry)
            if special is not None:
                return special(self, entry)
        return _READERS.get(entry.tag, TypeReader._unknown)(self, entry)

    def later(self, owner: Any) -> Later:
        return lambda: self.of(owner)

    # One method a tag.

    def _base(self, entry: Any) -> Type:
        size, encoding = entries.value(entry, "DW_AT_byte_size", 0), entries.value(entry, "DW_AT_encoding")
        if encoding in (*_COMPLEX, _FLOAT) and any(part in type_name(entry) for part in _OTHER_FLOATS):
            return Type(type_name(entry), size)
        if encoding in _COMPLEX:
            return types.Complex(type_name(entry), size)
        if not size:
            return types.Struct(type_name(entry), 0)  # Rust's ()
        if encoding not in _BASES:
            return Type(type_name(entry), size)
        base, signed = _BASES[encoding]
        return types.Scalar(type_name(entry), size, Kind(base, size, signed), encoding in _CHARACTERS)

    def _pointer(self, entry: Any) -> Type:
        size = entries.value(entry, "DW_AT_byte_size", 8)
        name, language = type_name(entry), language_of(entry)
        return types.Pointer(name, size, self.later(entry), "reference" in entry.tag, language)

    def _struct(self, entry: Any) -> Type:
        if entries.value(entry, "DW_AT_declaration"):
            whole = self._definition(entry)
            if whole is not None:
                return self.read(whole)
        name, size = type_name(entry), entries.value(entry, "DW_AT_byte_size")
        fields = tuple(self.fields(entry))
        if language_of(entry) == RUST:
            special = rust_types.special(self, entry, name, size, fields)
            if special is not None:
                return special
        return types.Struct(name, size, fields, "union" in entry.tag)

    def fields(self, entry: Any) -> Iterator[Field]:
        """The members of a struct, and the classes that it inherits from."""
        for child in tree.children(entry):
            if child.tag == "DW_TAG_inheritance":
                offset, place = _member_place(child)
                yield Field("", offset, self.later(child), embedded=True, base=True, place=place)
            elif child.tag == "DW_TAG_member" and not entries.value(child, "DW_AT_external"):
                yield self.field(child)

    def field(self, child: Any) -> Field:
        name = entries.name(child) or ""
        bits = entries.value(child, "DW_AT_bit_size", 0)
        offset, place = _member_place(child)
        first = _bit_offset(child, offset) if bits else 0
        return Field(name, offset, self.later(child), go_types.is_embedded(child, name), first, bits, place=place)

    def _enumeration(self, entry: Any) -> Type:
        size, scope = entries.value(entry, "DW_AT_byte_size", 4), enumerators_scope(entry)
        names = tuple(
            (entries.value(child, "DW_AT_const_value"), scope + (entries.name(child) or "?"))
            for child in tree.children(entry)
            if child.tag == "DW_TAG_enumerator"
        )
        under = types.plain(self.of(entry))
        signed = under.kind.signed if isinstance(under, types.Scalar) else any(value < 0 for value, _ in names)
        return types.Enumeration(type_name(entry), size, Kind(Base.INTEGER, size, signed), names)

    def _array(self, entry: Any) -> Type:
        counts = [count(part) for part in dimensions(entry)] or [None]
        made: Later = self.later(entry)
        for depth, number in reversed(list(enumerate(counts))):
            name = type_name(entry) if language_of(entry) == GO else array_name(entry, counts[depth:])
            made = _array_maker(name, made, number)
        found = made()
        assert found is not None
        return found

    def _alias(self, entry: Any) -> Type:
        name = type_name(entry) if entry.tag == "DW_TAG_typedef" else qualified(entry, name_of(entry))
        under = self.of(entry)
        return types.Alias(name, under.size if under is not None else None, self.later(entry))

    def _function(self, entry: Any) -> Type:
        return types.Function(type_name(entry), 8)

    def _unknown(self, entry: Any) -> Type:
        return Type(type_name(entry), entries.value(entry, "DW_AT_byte_size"))


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


def _array_maker(name: str, element: Later, number: int | None) -> Later:
    def make() -> Type:
        size = element()
        total = size.size * number if size is not None and size.size is not None and number is not None else None
        return types.Array(name, total, element, number)

    return make


def _member_place(child: Any) -> tuple[int, Callable[[Any], Any] | None]:
    """The offset of a member, or for a base that several share: how its address is found from the object's."""
    found = child.attributes.get("DW_AT_data_member_location")
    if found is None or isinstance(found.value, int):
        return (found.value if found is not None else 0), None
    code = list(found.value)
    return 0, lambda address: machine.address_from(child.cu, code, address)


def _bit_offset(child: Any, offset: int) -> int:
    """From the start of the struct, the lowest bit first."""
    bits = entries.value(child, "DW_AT_data_bit_offset")
    if bits is not None:
        return int(bits)
    # DWARF 3's way counts from the highest bit of a storage unit.
    unit = entries.value(child, "DW_AT_byte_size", 4) * 8
    return int(offset * 8 + unit - entries.value(child, "DW_AT_bit_offset", 0) - entries.value(child, "DW_AT_bit_size"))
