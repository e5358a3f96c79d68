"""Where a function's prologue ends: from there on its variables are where the debug information says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sampler.debuginfo import entries, tree
from sampler.debuginfo.image import Image
from sampler.debuginfo.line_program import Row

_LISTS = ("DW_FORM_sec_offset", "DW_FORM_loclistx", "DW_FORM_data4")
_FRAME_BASE, _CALL_FRAME = 0x91, [0x9C]  # DW_OP_fbreg; DW_OP_call_frame_cfa: DWARF 5, 7.7.1
_NEGATIVE = 0x40  # of the last byte of a number with a sign (SLEB128)
_OPTIMISING = re.compile(r"\s-O(fast|[1-9gsz])")
# endbr64, if there is one; push %rbp; mov %rsp,%rbp in either encoding.
_MAKES_A_FRAME = re.compile(rb"(\xf3\x0f\x1e\xfa)?\x55\x48(\x89\xe5|\x8b\xec)")
_LONGEST = 8


def end_of_prologue(image: Image, function: Any, low: int, high: int) -> int:
    """Where a debugger would break in a function that begins at ``low``.

    Compilers that mark the place are believed (Go, clang). Else it is where the function's second line begins, if
    there is something to wait for; an optimised function may have decided by then that it returns.
    """
    rows = image.lines.of_function(low, high)
    marked = prologue_mark(rows)
    if marked is not None:
        return marked
    return next((row.address for row in rows if row.address > low), low) if _makes_frame(image, function, low) else low


def prologue_mark(rows: list[Row]) -> int | None:
    """Where the compiler says that the prologue of these rows' function ends; None if it does not."""
    return next((row.address for row in rows if row.prologue_end), None)


def _makes_frame(image: Image, function: Any, low: int) -> bool:
    """Where variables have lists of locations, those hold from the first instruction on. A parameter that lies below
    the frame's beginning was put there by the prologue, and so is a base of the frame that is no such beginning.
    """
    locations = list(_locations(function))
    if any(location.form in _LISTS for _, location in locations):
        return False
    in_frame = [(tag, location.value) for tag, location in locations if list(location.value[:1]) == [_FRAME_BASE]]
    if in_frame and list(entries.value(function, "DW_AT_frame_base", ())) != _CALL_FRAME:
        return True
    if any(tag == "DW_TAG_formal_parameter" and value[-1] & _NEGATIVE for tag, value in in_frame):
        return True
    return not _is_optimised(function) and _MAKES_A_FRAME.match(image.code(low, _LONGEST)) is not None


def _locations(function: Any) -> Iterator[tuple[str, Any]]:
    for child in tree.children(function):
        location = child.attributes.get("DW_AT_location")
        if location is not None:
            yield child.tag, location


def _is_optimised(function: Any) -> bool:
    """As GCC tells among its options; where nobody tells, it may be."""
    producer = entries.value(function.cu.get_top_DIE(), "DW_AT_producer", b"")
    text = producer.decode(errors="replace") if isinstance(producer, bytes) else str(producer)
    return not text.startswith("GNU C") or _OPTIMISING.search(text) is not None
