"""Reading one debugging information entry (DIE): its name, its type, its addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sampler.debuginfo import tree

_REFERENCES = ("DW_AT_abstract_origin", "DW_AT_specification")
_ADDRESS_FORMS = ("DW_FORM_addr", "DW_FORM_addrx", "DW_FORM_addrx1", "DW_FORM_addrx2", "DW_FORM_addrx3",
                  "DW_FORM_addrx4", "DW_FORM_GNU_addr_index")  # fmt: skip
_MOST_ORIGINS = 8
_ENCLOSING = {
    "DW_TAG_namespace": "namespace", "DW_TAG_module": "module", "DW_TAG_structure_type": "struct",
    "DW_TAG_class_type": "class", "DW_TAG_union_type": "union", "DW_TAG_enumeration_type": "enum",
    "DW_TAG_subprogram": "function",
}  # fmt: skip


def value(die: Any, attribute: str | int, default: Any = None) -> Any:
    """An attribute's value of this very entry; those that the library has no name for are numbers."""
    found = die.attributes.get(attribute)
    return default if found is None else found.value


def inherited(die: Any, attribute: str) -> Any | None:
    """The entry, this one or one that it stems from, that has the attribute; None."""
    for _ in range(_MOST_ORIGINS):
        if attribute in die.attributes:
            return die
        link = next((name for name in _REFERENCES if name in die.attributes), None)
        if link is None:
            return None
        die = tree.linked(die, link)
    return None


def name(die: Any) -> str | None:
    """The entry's name, its origin's where it has none itself."""
    owner = inherited(die, "DW_AT_name")
    text = value(owner, "DW_AT_name") if owner is not None else None
    return text.decode(errors="replace") if isinstance(text, bytes) else None


def origin(die: Any) -> Any:
    """The entry at the other end of the chain of origins: the declaration or the abstract instance."""
    for _ in range(_MOST_ORIGINS):
        link = next((name for name in _REFERENCES if name in die.attributes), None)
        if link is None:
            return die
        die = tree.linked(die, link)
    return die


def low_pc(die: Any) -> int | None:
    found = value(die, "DW_AT_low_pc")
    return int(found) if found is not None else None


def entry_pc(die: Any) -> int | None:
    """Where the code of an entry is entered; a constant counts from its lowest address (DWARF 5, 2.18)."""
    found = die.attributes.get("DW_AT_entry_pc")
    if found is None:
        return None
    return int(found.value if found.form in _ADDRESS_FORMS else found.value + (low_pc(die) or 0))


def ranges(die: Any) -> list[tuple[int, int]]:
    """The addresses that the entry covers, in the order of the file; empty if it covers none."""
    low, high = low_pc(die), die.attributes.get("DW_AT_high_pc")
    if "DW_AT_ranges" in die.attributes:
        return list(_listed_ranges(die))
    if low is None or high is None:
        return []
    end = high.value if high.form in _ADDRESS_FORMS else low + high.value
    return [(low, end)] if end > low else []


def _listed_ranges(die: Any) -> Iterator[tuple[int, int]]:
    lists = die.dwarfinfo.range_lists()
    base = low_pc(die.cu.get_top_DIE()) or 0
    for entry in lists.get_range_list_at_offset(value(die, "DW_AT_ranges"), cu=die.cu):
        if hasattr(entry, "base_address"):
            base = entry.base_address
            continue
        start = 0 if entry.is_absolute else base
        if entry.end_offset > entry.begin_offset:
            yield start + entry.begin_offset, start + entry.end_offset


def covers(die: Any, address: int) -> bool:
    return any(low <= address < high for low, high in ranges(die))


def type_of(die: Any) -> Any | None:
    """The entry of its type; None stands for void."""
    owner = inherited(die, "DW_AT_type")
    if owner is None:
        return None
    found = tree.linked(owner, "DW_AT_type")
    return tree.linked(found, "DW_AT_signature") if "DW_AT_signature" in found.attributes else found


def enclosing(die: Any) -> list[str]:
    """The names of the namespaces, classes and functions around an entry, the outermost first."""
    names: list[str] = []
    around = tree.parent(origin(die))
    while around is not None:
        if around.tag in _ENCLOSING:
            names.insert(0, name(around) or f"(anonymous {_ENCLOSING[around.tag]})")
        around = tree.parent(origin(around))
    return names


def qualified(die: Any) -> str:
    """An entry's name with all that it is enclosed by, as C++ and Rust write it."""
    return "::".join([*enclosing(die), name(die) or "?"])
