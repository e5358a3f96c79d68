"""Where a variable lies at one instruction: its location expression, or the one of its list that holds there."""

from __future__ import annotations

from typing import Any

from sampler.debuginfo import entries
from sampler.debuginfo.machine import Surroundings, storage
from sampler.debuginfo.storage import Pieces, Storage, Unlocated
from sampler.plan.nodes import Constant

_FOR_EVER = 1 << 64


def locate(variable: Any, around: Surroundings, size: int | None) -> Storage:
    """Where the variable lies; raises Unlocated."""
    constant = entries.inherited(variable, "DW_AT_const_value")
    attribute = variable.attributes.get("DW_AT_location")
    if attribute is None and constant is not None:
        return _constant(entries.value(constant, "DW_AT_const_value"), size or 8)
    if attribute is None:
        owner = entries.inherited(variable, "DW_AT_location")
        if owner is None:
            raise Unlocated("it was optimised out")
        variable, attribute = owner, owner.attributes["DW_AT_location"]
    code = expression_at(variable, attribute, around.address)
    return storage(variable.cu, code, around, size or 8)


def expression_at(entry: Any, attribute: Any, address: int) -> list[int]:
    """The location expression that holds at an address; raises Unlocated."""
    if attribute.form.startswith("DW_FORM_block") or attribute.form == "DW_FORM_exprloc":
        if not attribute.value:  # Go's way to say that it has none
            raise Unlocated("it was optimised out")
        return list(attribute.value)
    alive = []
    for low, high, code in _listed(entry, attribute):
        if low <= address < high and code:
            return code
        if code:
            alive.append((low, high))
    raise Unlocated("it has no value here", tuple(alive))


def _listed(entry: Any, attribute: Any) -> list[tuple[int, int, list[int]]]:
    base = entries.low_pc(entry.cu.get_top_DIE()) or 0
    found = []
    for item in entry.dwarfinfo.location_lists().get_location_list_at_offset(attribute.value, entry):
        if hasattr(item, "base_address"):
            base = item.base_address
        elif hasattr(item, "loc_expr"):
            start = 0 if item.is_absolute else base
            low, high = start + item.begin_offset, start + item.end_offset
            found.append((low, high if item.begin_offset != -1 else _FOR_EVER, list(item.loc_expr)))
    return found


def _constant(value: Any, size: int) -> Pieces:
    if isinstance(value, bytes | list):
        value = int.from_bytes(bytes(value), "little")
    if not isinstance(value, int):
        raise Unlocated("its constant is of a form that is not understood")
    return Pieces(((Constant(value & (1 << 8 * size) - 1), size),))
