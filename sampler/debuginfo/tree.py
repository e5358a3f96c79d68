"""Going from one debugging information entry (DIE) to another: children, parents, references.

The library trusts what a file says of where a sibling lies, and would go round for ever in a damaged one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

_UNIT_FORMS = ("DW_FORM_ref1", "DW_FORM_ref2", "DW_FORM_ref4", "DW_FORM_ref8", "DW_FORM_ref_udata")
#: Type units by their signatures, a table for each DWARFInfo.
_SIGNED: WeakKeyDictionary[Any, dict[int, Any]] = WeakKeyDictionary()


def children(die: Any) -> Iterator[Any]:
    """The entries right below an entry; ValueError where the file says that one begins before another ends."""
    if not die.has_children:
        return
    at = die.offset + die.size
    while True:
        child = entry_at(die.cu, at)
        child.set_parent(die)
        if child.is_null():
            die._terminator = child
            return
        yield child
        after = _end(child)
        if after <= at:
            raise ValueError(f"the entry after {at:#x} would be at {after:#x}")
        at = after


def _end(die: Any) -> int:
    """Where the entry's next sibling begins."""
    if not die.has_children:
        return int(die.offset + die.size)
    sibling = die.attributes.get("DW_AT_sibling")
    if sibling is not None:
        return int(sibling.value + (die.cu.cu_offset if sibling.form in _UNIT_FORMS else 0))
    if die._terminator is None:
        deque(children(die), maxlen=0)
    return int(die._terminator.offset + die._terminator.size)


def parent(die: Any) -> Any | None:
    """The entry that this one stands in; None for a unit's own."""
    search = die.cu.get_top_DIE()
    while die._parent is None and search is not die:
        below = None
        for child in children(search):
            if child.offset > die.offset:
                break
            below = child
        if below is None:
            raise ValueError(f"no entry begins at {die.offset:#x}")
        search = below
    return die._parent


def stands(die: Any) -> bool:
    """False for bytes that only look like an entry: none of the entries before leads there."""
    try:
        return parent(die) is not None
    except ValueError:
        return False


def linked(die: Any, attribute: str) -> Any:
    """The entry that an attribute refers to."""
    found = die.attributes[attribute]
    if found.form == "DW_FORM_ref_sig8":
        return _signed(die.dwarfinfo, found.raw_value)
    return die.get_DIE_from_attribute(attribute)


def identity(die: Any) -> tuple[int, int]:
    """Of one entry, among all sections of all files that are open."""
    return id(die.cu), die.offset


def _signed(dwarf: Any, signature: int) -> Any:
    """The type of that signature: in .debug_info since DWARF 5, in .debug_types before."""
    if dwarf not in _SIGNED:
        units = (cu for cu in dwarf.iter_CUs() if cu.header.get("unit_type") == "DW_UT_type")
        _SIGNED[dwarf] = {cu["type_signature"]: cu for cu in units}
    cu = _SIGNED[dwarf].get(signature)
    return entry_at(cu, cu.cu_offset + cu["type_offset"]) if cu is not None else dwarf.get_DIE_by_sig8(signature)


def entry_at(cu: Any, at: int) -> Any:
    """The entry of a unit that begins there in its section; ValueError where that is none of the unit's."""
    if not cu.cu_die_offset <= at < cu.cu_offset + cu.size:
        raise ValueError(f"there is no entry at {at:#x} in the unit at {cu.cu_offset:#x}")
    return cu._get_cached_DIE(at)  # public only for units that hold code, not for those of one type
