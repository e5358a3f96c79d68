"""A table on a terminal of any width: columns that do not fit are left out, the least wanted first; nothing wraps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_GAP = 2
_LEAST = 10  # of the first column, if that is so wide
_WIDEST = 24  # of any other
_MORE = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """``rank``: the higher, the sooner it is left out."""

    name: str
    rank: int
    to_the_left: bool = False


def laid_out(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The names of the columns, and a line a row, of at most ``width`` cells. The first column is always there; what
    of it does not fit is cut out of its middle, for its ends tell most.
    """
    from rich.cells import cell_len

    shown = [[row[0], *(cut(cell, _WIDEST) for cell in row[1:])] for row in rows]
    lines = [[column.name for column in columns], *shown]
    widths = [max(cell_len(line[place]) for line in lines) for place in range(len(columns))]
    kept = _kept(columns, widths, width)
    first = min(widths[0], max(1, width - sum(widths[place] + _GAP for place in kept)))
    return [
        (" " * _GAP)
        .join(
            [
                padded(middle_cut(line[0], first), first),
                *(padded(line[place], widths[place], columns[place].to_the_left) for place in kept),
            ]
        )
        .rstrip()
        for line in lines
    ]


def _kept(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """The places of those columns, after the first, that have room."""
    room = width - min(widths[0], max(_LEAST, width // 4))
    kept = []
    for place in sorted(range(1, len(columns)), key=lambda place: columns[place].rank):
        if not widths[place]:
            continue
        if widths[place] + _GAP > room:
            break  # one that is less wanted does not take its room
        room -= widths[place] + _GAP
        kept.append(place)
    return sorted(kept)


def padded(text: str, width: int, to_the_left: bool = True) -> str:
    from rich.cells import cell_len

    space = " " * max(0, width - cell_len(text))
    return text + space if to_the_left else space + text


def cut(text: str, width: int) -> str:
    """Its beginning, with a mark where more is left out."""
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= width else set_cell_size(text, max(0, width - 1)).rstrip() + _MORE


def middle_cut(text: str, width: int) -> str:
    """Its beginning and its end."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= width:
        return text
    behind = (width - 1) * 2 // 3
    end = text[-behind:] if behind else ""
    while cell_len(end) > behind:
        end = end[1:]
    return set_cell_size(text, max(0, width - 1 - cell_len(end))) + _MORE + end
