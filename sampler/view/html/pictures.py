"""The pictures of a comparison, as SVG that stands in the page itself: once for light, once for dark."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from sampler.compare.result import Comparison
from sampler.view.html.markup import Markup, element
from sampler.view.html.reading import PICTURES
from sampler.view.html.tables import scrolling
from sampler.view.pictures import NAMES, THEMES


@dataclass(frozen=True, slots=True)
class Picture:
    """``themed``: an SVG for each of THEMES, of which the page shows one."""

    name: str
    themed: tuple[Markup, ...]

    def markup(self) -> Markup:
        title, how = _words(self.name)
        return element("figure", scrolling(title, *self.themed), element("figcaption", how))


def pictures(found: Comparison) -> dict[str, Picture]:
    """By name."""
    drawn: dict[str, list[Markup]] = {}
    for theme in THEMES:
        for name, _, svg in pictures_as_svg(found, theme):
            drawn.setdefault(name, []).append(inlined(svg, name, theme))
    return {name: Picture(name, tuple(themed)) for name, themed in drawn.items()}


def pictures_as_svg(found: Comparison, theme: str) -> Iterator[tuple[str, str, str]]:
    """Of each its name, its title, and a whole SVG file."""
    from sampler.view.pictures.base import style
    from sampler.view.pictures.drawing import PICTURES as DRAWN
    from sampler.view.pictures.drawing import theme_of

    colours = theme_of(theme)
    for name in NAMES:
        if name not in DRAWN:
            continue
        file = io.StringIO()
        with style(colours), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")  # it is drawn as a box
            figure = DRAWN[name](found, colours)
            figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        yield name, _words(name)[0], file.getvalue()


def inlined(svg: str, name: str, theme: str) -> Markup:
    """As an element of a page: HTML knows its namespaces, its size is the page's, and its ids are its own."""
    root = ElementTree.fromstring(svg)
    _drop(root, ("metadata", "style"))
    wanted = {match[1] for part in root.iter() for key, value in part.items() for match in _references(key, value)}
    for part in root.iter():
        if part.get("id") not in wanted:
            part.attrib.pop("id", None)  # there are hundreds, some of them twice, and nobody asks for them
        part.tag = _local(part.tag)
        part.attrib = {_local(key): _renamed(_local(key), value, f"{name}-{theme}-") for key, value in part.items()}
    box = root.get("viewBox", "")
    root.attrib = {"viewBox": box, "class": theme, "role": "img", "aria-label": _words(name)[0]}
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _words(name: str) -> tuple[str, str]:
    return PICTURES.get(name, (name, ""))


def _drop(root: ElementTree.Element, names: Sequence[str]) -> None:
    """Who made it is no part of the picture, and rules for a whole document would hold for the page."""
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in names:
                parent.remove(child)


def _local(name: str) -> str:
    """Without its namespace."""
    return name.rpartition("}")[2]


def _renamed(key: str, value: str, prefix: str) -> str:
    """An id, or what refers to one."""
    if key == "id":
        return prefix + value
    for found in reversed(list(_references(key, value))):
        value = f"{value[: found.start(1)]}{prefix}{value[found.start(1) :]}"
    return value


def _references(key: str, value: str) -> Iterator[re.Match[str]]:
    """The ids that an attribute refers to. A colour is none."""
    return re.finditer(r"^#(.+)" if _local(key) == "href" else r"url\(#([^)]+)\)", value)
