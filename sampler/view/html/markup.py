"""HTML made of elements: whatever is not one already is a text, and escaped where it is put in."""

from __future__ import annotations

import html
from collections.abc import Iterable

from sampler.view.statistics import printable

#: Elements that have no end.
_VOID = ("meta", "link")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(text: str) -> Markup:
    """What a target named so is shown, and does nothing."""
    return text if isinstance(text, Markup) else Markup(html.escape(printable(text), quote=True))


def element(name: str, /, *content: str, **attributes: str) -> Markup:
    """``class_`` and ``aria_label`` are written as HTML has them."""
    told = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{told}>")
    return Markup(f"<{name}{told}>{joined(content)}</{name}>")


def joined(parts: Iterable[str], between: str = "") -> Markup:
    return Markup(between.join(map(escape, parts)))


def code(text: str) -> Markup:
    return element("code", text)


def paragraphs(*texts: str) -> Markup:
    """How a section is read."""
    return joined(element("p", text) for text in texts if text)


def listed(items: Iterable[str]) -> Markup:
    return element("ul", *(element("li", item) for item in items))
