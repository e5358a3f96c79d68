"""Rust's own types, which DWARF has as structs: fat pointers, and enums that hold data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sampler.debuginfo import entries, tree, types
from sampler.debuginfo.types import Field, Type, Variant, scalar_kind
from sampler.plan import numbers

if TYPE_CHECKING:
    from sampler.debuginfo.type_reader import TypeReader

_TEXT = re.compile(r"(?:^|\W)str$|\bBox<str\b")  # &str, &mut str, *const str, Box<str>


def special(reader: TypeReader, entry: Any, name: str, size: int | None, fields: tuple[Field, ...]) -> Type | None:
    """The type that such a struct stands for; None if it is a struct."""
    by_name = {field.name: field for field in fields}
    if {"data_ptr", "length"} == by_name.keys():
        return _fat_pointer(name, size, by_name["data_ptr"], by_name["length"])
    part = next((child for child in tree.children(entry) if child.tag == "DW_TAG_variant_part"), None)
    return _choice(reader, part, name, size) if part is not None else None


def _fat_pointer(name: str, size: int | None, pointer: Field, length: Field) -> Type:
    if _TEXT.search(name):
        return types.Text(name, size, pointer.offset, length.offset)
    target = types.plain(pointer.type())
    element = target.target if isinstance(target, types.Pointer) else pointer.type
    return types.Slice(name, size, element, pointer.offset, length.offset, None)


def _choice(reader: TypeReader, part: Any, name: str, size: int | None) -> Type:
    """DWARF 5, 5.7.10: a variant part names the discriminant, and each variant the value that chooses it."""
    discriminant = None
    if "DW_AT_discr" in part.attributes:
        discriminant = reader.field(tree.linked(part, "DW_AT_discr"))
    return types.Choice(name, size, discriminant, tuple(_variants(reader, part, discriminant)))


def _variants(reader: TypeReader, part: Any, discriminant: Field | None) -> Iterator[Variant]:
    kind = scalar_kind(discriminant.type()) if discriminant is not None else None
    for child in tree.children(part):
        if child.tag != "DW_TAG_variant":
            continue
        member = next((inner for inner in tree.children(child) if inner.tag == "DW_TAG_member"), None)
        if member is None:
            continue
        value = entries.value(child, "DW_AT_discr_value")
        if isinstance(value, bytes | list):
            value = int.from_bytes(bytes(value), "little")
        if value is not None and kind is not None:
            value = numbers.wrap(value, kind.bits, kind.signed)
        field = reader.field(member)
        yield Variant(field.name, value, field)
