"""The page as a whole: its head, its sections, and the file it is written into."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sampler.compare.findings import findings
from sampler.compare.model import model
from sampler.compare.result import Comparison
from sampler.errors import OutputError
from sampler.view.html import facts, measured
from sampler.view.html.markup import Markup, code, element, joined
from sampler.view.html.pictures import Picture, pictures
from sampler.view.html.section import Section

#: Nothing is fetched and nothing runs, whatever a target's names may hold.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
)  # fmt: skip


def check_new(path: str) -> None:
    """OutputError where there is something already."""
    if os.path.lexists(path):
        raise OutputError(f"{path} exists", "a page is never overwritten", "choose another name")


def save(found: Comparison, path: str) -> None:
    """Into a new file. Raises OutputError."""
    check_new(path)
    text = page(found)
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        check_new(path)
        raise
    except OSError as error:
        raise OutputError(
            f"cannot write {path}", error.strerror or str(error), "choose a place that can be written"
        ) from error


def page(found: Comparison) -> str:
    """The same for the same comparison."""
    parts = list(sections(found, pictures(found)))
    title = f"{found.expression} at {found.header['question']['point']} in {found.header['target']['name']}"
    return f"<!doctype html>\n{element('html', _head(title), _body(found, parts), lang='en')}\n"


def sections(found: Comparison, drawn: dict[str, Picture]) -> Iterator[Section]:
    """In the order in which they tell it."""
    rows = findings(found)
    law = model(found, rows)

    def of(*names: str) -> list[Markup]:
        return [drawn[name].markup() for name in names if name in drawn]

    yield facts.in_short(rows, law.crossovers)
    yield facts.compared(found)
    yield measured.cost(rows, of("slowdown"), of("suspended", "sweep"))
    yield measured.answers(rows, of("values"))
    perhaps = (measured.moments(rows), measured.law(law), measured.failures(rows))
    yield from (section for section in perhaps if section is not None)
    yield measured.rounds(found)
    yield facts.again(found)


def _head(title: str) -> Markup:
    style = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),  # a browser asks for one else
        element("title", title),
        element("style", Markup(style)),
    )


def _body(found: Comparison, parts: Sequence[Section]) -> Markup:
    header = found.header
    title = joined((code(found.expression), " at ", code(header["question"]["point"])))
    short = facts.cut_short(found)
    return element(
        "body",
        element(
            "header",
            element("p", "sampler: one question, asked in several ways", class_="kind"),
            element("h1", title),
            element("p", f"in {header['target']['name']}, {str(header.get('started', ''))[:10]}", class_="where"),
            *([element("p", short, class_="notice")] if short else []),
        ),
        element("nav", element("ul", *(element("li", part.link()) for part in parts)), aria_label="Sections"),
        element("main", *(part.markup() for part in parts)),
    )
