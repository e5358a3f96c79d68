"""One part of the page: its title, how it is read, and what it shows."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.view.html.markup import Markup, element, paragraphs


@dataclass(frozen=True, slots=True)
class Section:
    """``name``: what a link to it says. ``reading``: for somebody who sees such a thing for the first time."""

    name: str
    title: str
    reading: tuple[str, ...]
    content: tuple[Markup, ...]
    new_page: bool = False

    def markup(self) -> Markup:
        heading = f"{self.name}-title"
        return element(
            "section",
            element("h2", self.title, id=heading),
            element("div", paragraphs(*self.reading), class_="reading") if self.reading else Markup(""),
            *self.content,
            id=self.name,
            class_="new-page" if self.new_page else "whole",
            aria_labelledby=heading,
        )

    def link(self) -> Markup:
        return element("a", self.title, href=f"#{self.name}")
