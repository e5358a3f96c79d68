"""Tables as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def aligned(rows: Sequence[Sequence[str]], gap: int = 2) -> Iterator[str]:
    """The first column to the left, all others to the right; no white space at a line's end. Of one length each."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        yield (" " * gap).join(cells).rstrip()
