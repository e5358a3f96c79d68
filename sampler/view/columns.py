"""Tables as plain text."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from typing import IO

Rows = Sequence[Sequence[str]]
_GAP = "  "


def width_of(stream: IO[str]) -> int | None:
    """Columns of a terminal; None of anything else, which has no end to its lines."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def fitted(rows: Rows, width: int | None = None, titled: int = 2, to_the_left: bool = False) -> Iterator[str]:
    """As columns where these fit, else each row as a paragraph. The first row has the columns' names; the first
    ``titled`` ones tell what they are by themselves.
    """
    lines = list(aligned(rows, to_the_left))
    if width is None or max(map(len, lines)) <= width:
        yield from lines
        return
    names, *others = rows
    for row in others:
        yield " ".join(cell for cell in row[:titled] if cell)
        said = [f"{name} {cell}" for name, cell in zip(names[titled:], row[titled:], strict=True)]
        whole = " · ".join(part.replace(" ", "\0") for part in said)  # a name and its figure stay together
        for line in textwrap.wrap(
            whole,
            max(20, width),
            initial_indent=_GAP,
            subsequent_indent=_GAP,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            yield line.replace("\0", " ")


def folded(line: str, width: int | None, indent: int) -> Iterator[str]:
    """A line of prose as several of at most ``width``, all but the first indented."""
    if width is None or len(line) <= width:
        yield line
        return
    yield from textwrap.wrap(line, max(20, width), subsequent_indent=" " * indent)


def aligned(rows: Rows, to_the_left: bool = False) -> Iterator[str]:
    """The first column to the left, all others to the right, or all to the left; no white space at a line's end. Rows
    of one length each.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        others = zip(rest, widths[1:], strict=True)
        cells = [cell.ljust(width) if to_the_left else cell.rjust(width) for cell, width in others]
        yield _GAP.join([first.ljust(widths[0]), *cells]).rstrip()
