"""From a file to its pictures: which, in which theme and form, and where they go."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sampler.compare import several
from sampler.compare.result import Comparison, load
from sampler.errors import OutputError, UsageError
from sampler.view.pictures import NAMES, THEMES, look_times
from sampler.view.pictures.base import DARK, LIGHT, Theme, style
from sampler.view.pictures.slowdown import slowdown
from sampler.view.pictures.suspended import suspended
from sampler.view.pictures.sweep import sweep
from sampler.view.pictures.timeline import timeline
from sampler.view.pictures.values import values

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Picture(Protocol):
    def __call__(self, found: Comparison, theme: Theme) -> Figure: ...


PICTURES: dict[str, Picture] = {
    "slowdown": slowdown,
    "values": values,
    "suspended": suspended,
    "sweep": sweep,
}
FORMS = (".svg", ".png")
_DPI = 160


def draw_comparison(path: str, output: str, name: str | None, theme: str | None) -> None:
    """Into a file, or all of them into a folder. UsageError, RecordingError, OutputError."""
    check(output, name, theme)
    found = load(path)
    if is_folder(output):
        _draw_all(found, output)
    else:
        draw(partial(PICTURES[name or NAMES[0]], found), theme_of(theme), [output])


def draw_comparisons(path: str, output: str, name: str | None, theme: str | None) -> None:
    """Of several targets: a folder each, within that folder."""
    check(output, name, theme)
    found = several.load(path)
    if not is_folder(output):
        raise UsageError(
            f"{output} is one picture", f"{path} holds comparisons of several targets",
            "name a folder, which has a / at its end: each target has one within",
        )  # fmt: skip
    for label, one in found.of.items():
        _draw_all(one, os.path.join(output, _as_name(label)))


def _as_name(label: str) -> str:
    """``tracee-4711`` for ``tracee (4711)``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", label).strip("-.") or "target"


def _draw_all(found: Comparison, folder: str) -> None:
    for one, picture in PICTURES.items():
        draw_into(folder, one, partial(picture, found))


def draw_timeline(path: str, output: str, name: str | None, theme: str | None) -> None:
    """Likewise, of a file of bench/timeline.py, which is one picture."""
    if name is not None:
        raise UsageError("--picture is for comparisons", f"{path} is a timeline", "leave it out")
    check(output, name, theme)
    make = partial(timeline, *look_times.load(path))
    if is_folder(output):
        draw_into(output, look_times.KIND, make)
    else:
        draw(make, theme_of(theme), [output])


def check(output: str, name: str | None, theme: str | None) -> None:
    """UsageError, before anything is read."""
    if name is not None and name not in NAMES:
        raise UsageError(f"no picture {name!r}", fix=f"choose of {', '.join(NAMES)}")
    if is_folder(output):
        if name or theme:
            raise UsageError(f"{output} is a folder: all pictures go there", "in both themes", "name a file for one")
    elif os.path.splitext(output)[1].lower() not in FORMS:
        raise UsageError(f"{output} has no form that can be drawn", fix="end it in .svg or .png, or in / for all")


def is_folder(output: str) -> bool:
    return output.endswith("/") or os.path.isdir(output)


def theme_of(name: str | None) -> Theme:
    return DARK if name == DARK.name else LIGHT


def draw_into(folder: str, name: str, make: Callable[[Theme], Figure]) -> None:
    """In each theme and form."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}", error.strerror or str(error)) from error
    for theme in THEMES:
        draw(make, theme_of(theme), [os.path.join(folder, f"{name}-{theme}{form}") for form in FORMS])


def draw(make: Callable[[Theme], Figure], theme: Theme, paths: list[str]) -> None:
    """Two runs over one file draw the same, byte for byte."""
    with style(theme), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # it is drawn as a box
        figure = make(theme)
        for path in paths:
            _save(figure, path)


def _save(figure: Figure, path: str) -> None:
    by_us = {"Date": None, "Creator": None} if path.lower().endswith(".svg") else {"Software": None}
    try:
        figure.savefig(path, dpi=_DPI, metadata=by_us)  # None leaves a field out
    except OSError as error:
        raise OutputError(
            f"cannot write {path}", error.strerror or str(error), "choose a place that can be written"
        ) from error
