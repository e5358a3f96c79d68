"""The languages that a program's units are written in."""

from __future__ import annotations

from typing import Any

from sampler.debuginfo import entries

GO, C, CPP, RUST = "go", "c", "c++", "rust"

# DW_LANG_*, DWARF 5, table 7.17, and its registry of later ones. What is not listed is taken for C.
_NUMBERS = {
    0x16: GO,
    0x01: C, 0x02: C, 0x0C: C, 0x1D: C, 0x2C: C, 0x3E: C,
    0x04: CPP, 0x1A: CPP, 0x21: CPP, 0x2B: CPP, 0x3A: CPP, 0x3B: CPP,
    0x1C: RUST,
}  # fmt: skip


def language_of(die: Any) -> str:
    """Of the unit that an entry belongs to."""
    top = die.cu.get_top_DIE()
    return _NUMBERS.get(entries.value(top, "DW_AT_language"), C)
