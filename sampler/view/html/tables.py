"""Tables that can be read by eye, by ear and by keyboard: each says what it shows, and scrolls in a box of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sampler.compare.findings import Finding
from sampler.view import figures
from sampler.view.html.markup import Markup, element

_NOTHING = (figures.NONE, "0", "")


@dataclass(frozen=True, slots=True)
class Column:
    """``text``: of words, which begin at the left. ``seldom``: left out where no row has anything in it."""

    title: str
    cell: Callable[[Finding], str]
    text: bool = False
    seldom: bool = False


def of_findings(caption: str, columns: Sequence[Column], rows: Sequence[Finding]) -> Markup:
    """A row an arm, which is named by its instrument and what was asked of it."""
    cells = [[column.cell(row) for row in rows] for column in columns]
    shown = [
        (column, of_it)
        for column, of_it in zip(columns, cells, strict=True)
        if not column.seldom or any(cell not in _NOTHING for cell in of_it)
    ]
    named = [[row.arm.instrument for row in rows], [figures.asked(row) for row in rows]]
    return table(
        caption,
        ["instrument", "asked", *(column.title for column, _ in shown)],
        list(zip(*named, *(of_it for _, of_it in shown), strict=True)),
        texts=[len(named) + place for place, (column, _) in enumerate(shown) if column.text],
    )


def table(
    caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], names: int = 2, texts: Sequence[int] = ()
) -> Markup:
    """The first ``names`` columns name the row; those of ``texts`` are words, all others numbers."""
    kinds = ["" if place < names or place in texts else "number" for place in range(len(header))]
    head = element("tr", *(_cell("th", title, kind, scope="col") for title, kind in zip(header, kinds, strict=True)))
    body = [
        element(
            "tr",
            *(_cell("th", cell, scope="row") for cell in row[:names]),
            *(_cell("td", cell, kind) for cell, kind in zip(row[names:], kinds[names:], strict=True)),
        )
        for row in rows
    ]
    inside = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return scrolling(caption, inside)


def scrolling(label: str, *content: str) -> Markup:
    """A box that is scrolled by itself, also by the keyboard."""
    return element("div", *content, class_="scroll", tabindex="0", role="region", aria_label=label)


def _cell(name: str, content: str, kind: str = "", **attributes: str) -> Markup:
    return element(name, content, **attributes, **({"class_": kind} if kind else {}))


def first_part(text: str) -> str:
    """Of a figure with its interval: the figure. They have a column each, so that figures stand below one another."""
    return text.partition(" (")[0]


def interval(text: str) -> str:
    """The interval; where there is none, that."""
    return text.partition(" (")[2].removesuffix(")") or figures.NONE
