"""Types as their language writes them: ``struct pair *``, ``shop::pair &``, ``[i32; 3]``, ``*main.node``."""

from __future__ import annotations

from typing import Any

from sampler.debuginfo import entries, tree
from sampler.debuginfo.languages import GO, RUST, C, language_of

_QUALIFIERS = {
    "DW_TAG_const_type": "const", "DW_TAG_volatile_type": "volatile", "DW_TAG_restrict_type": "",
    "DW_TAG_atomic_type": "_Atomic",
}  # fmt: skip
_KEYWORDS = {"DW_TAG_structure_type": "struct ", "DW_TAG_union_type": "union ", "DW_TAG_enumeration_type": "enum "}
_MARKS = {"DW_TAG_pointer_type": "*", "DW_TAG_reference_type": "&", "DW_TAG_rvalue_reference_type": "&&"}


def name_of(owner: Any) -> str:
    """The name of the type of a variable, field or element; read without what the type is made of."""
    entry = entries.type_of(owner)
    return type_name(entry) if entry is not None else "void"


def type_name(entry: Any) -> str:
    """The name of a type by its own entry."""
    if language_of(entry) == GO:
        return entries.name(entry) or "?"
    if entry.tag in _QUALIFIERS:
        return qualified(entry, name_of(entry))
    if entry.tag in _MARKS:
        return entries.name(entry) or _pointer(name_of(entry), _MARKS[entry.tag])  # Rust names its pointers
    if entry.tag == "DW_TAG_array_type":
        return array_name(entry, [count(part) for part in dimensions(entry)])
    if entry.tag == "DW_TAG_subroutine_type":
        return entries.name(entry) or f"{name_of(entry)} ()"
    return _own(entry)


def qualified(entry: Any, target: str) -> str:
    """``const`` and its like: in front of a type, behind a pointer."""
    word = _QUALIFIERS[entry.tag]
    return f"{target} {word}".rstrip() if target.endswith(("*", "&")) else f"{word} {target}".lstrip()


def array_name(entry: Any, counts: list[int | None]) -> str:
    """Of an array, or of what is left of it when some of its dimensions were indexed."""
    element = name_of(entry)
    if language_of(entry) != RUST:
        return element + "".join(f"[{'' if number is None else number}]" for number in counts)
    for number in reversed(counts):
        element = f"[{element}; {number}]" if number is not None else f"[{element}]"
    return element


def _own(entry: Any) -> str:
    name = entries.name(entry)
    if entry.tag == "DW_TAG_base_type":
        return name or "?"
    if language_of(entry) == C:
        return _KEYWORDS.get(entry.tag, "") + (name or "{...}")
    return entries.qualified(entry) if name is not None else "{...}"


def _pointer(target: str, mark: str) -> str:
    return target + ("" if target.endswith("*") else " ") + mark


def enumerators_scope(entry: Any) -> str:
    """What stands in front of an enumerator's name: in C nothing, else the scope that the names belong to."""
    if language_of(entry) == C:
        return ""
    scope = [*entries.enclosing(entry), *([entries.name(entry)] if "DW_AT_enum_class" in entry.attributes else [])]
    return "".join(f"{name}::" for name in scope)


def dimensions(entry: Any) -> list[Any]:
    """The entries of an array's dimensions, the outermost first."""
    return [child for child in tree.children(entry) if child.tag == "DW_TAG_subrange_type"]


def count(dimension: Any) -> int | None:
    """How many elements; None where the number is not known before."""
    found = entries.value(dimension, "DW_AT_count")
    if found is None and isinstance(bound := entries.value(dimension, "DW_AT_upper_bound"), int):
        found = bound + 1
    return found if isinstance(found, int) and 0 <= found < 1 << 63 else None
