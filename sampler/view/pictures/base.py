"""What all pictures share: a theme, a colour and a marker for each instrument, where they come from, and the frame.

Each instrument has a colour, a marker and a kind of line of its own, so that a picture printed in grey tells
as much. Words are as dark as they must be to be read, in the instrument's hue.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sampler.units import format_duration
from sampler.view import figures
from sampler.view.statistics import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Inches: half as wide as a README is, its words are still 10 pixels high.
SIZE = (7.0, 4.6)
TEXT, SMALL = 11.0, 8.0  # points
_CAPTION_WIDTH = 112  # letters of the caption that fit beside one another
_LINE, _HEAD = 0.145, 0.58  # inches: a line of the caption; the title and the key
#: The least contrast of words by WCAG 2, which calls it AA.
_CONTRAST = 4.5
_PARTS = [part / 10 for part in range(11)]


@dataclass(frozen=True, slots=True)
class Theme:
    """``ink`` for words and axes, ``faint`` for what stands behind."""

    name: str
    paper: str
    ink: str
    faint: str
    grid: str
    last: str  # the colour that Okabe and Ito's palette has for one theme only


LIGHT = Theme("light", "#ffffff", "#1f2328", "#6e7781", "#d8dee4", "#000000")
DARK = Theme("dark", "#0d1117", "#e6edf3", "#9198a1", "#30363d", "#F0E442")


@dataclass(frozen=True, slots=True)
class Look:
    """How one instrument is drawn."""

    colour: str
    marker: str
    line: Any


# Okabe and Ito's palette: told apart by every kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LOOKS = {
    "dlv": Look("#D55E00", "s", "-"),
    "gdb": Look("#E69F00", "D", (0, (6, 1.5))),
    "ptrace": Look("#CC79A7", "^", (0, (4, 1.5, 1, 1.5))),
    "perf": Look("#0072B2", "o", (0, (3, 1))),
    "peek": Look("#009E73", "v", (0, (1, 1))),
    "bpftrace": Look("#56B4E9", "P", (0, (7, 1.5, 1, 1.5, 1, 1.5))),
}


def look_of(instrument: str, theme: Theme) -> Look:
    found = _LOOKS.get(instrument, Look(theme.last, "X", "-"))
    # On black the darkest one is brought nearer to the eye.
    return Look("#4C9FD6", found.marker, found.line) if theme is DARK and instrument == "perf" else found


def readable(colour: str, theme: Theme) -> str:
    """The same hue, mixed with ink until it can be read on the paper."""
    from matplotlib.colors import to_hex, to_rgb

    (red, green, blue), (r, g, b) = to_rgb(colour), to_rgb(theme.ink)
    mixes = (to_hex((red + (r - red) * part, green + (g - green) * part, blue + (b - blue) * part)) for part in _PARTS)
    return next((mixed for mixed in mixes if contrast(mixed, theme.paper) >= _CONTRAST), theme.ink)


def contrast(one: str, other: str) -> float:
    """Of two colours, from 1 to 21, as WCAG 2 has it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    from matplotlib.colors import to_rgb

    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def style(theme: Theme) -> AbstractContextManager[None]:
    """Within it a figure is made and saved.

    Words in an SVG are drawn as paths: a reader's fonts are not those by which room was made for them. The words
    themselves stand beside in comments.
    """
    import matplotlib

    return matplotlib.rc_context(
        {
            "font.family": "DejaVu Sans",  # comes with matplotlib: the same picture everywhere
            "font.size": TEXT,
            "axes.labelsize": TEXT,
            "axes.titlesize": TEXT,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "figure.facecolor": theme.paper,
            "axes.facecolor": theme.paper,
            "savefig.facecolor": theme.paper,
            "text.color": theme.ink,
            "axes.labelcolor": theme.ink,
            "axes.edgecolor": theme.faint,
            "xtick.color": theme.faint,
            "ytick.color": theme.faint,
            "xtick.labelcolor": theme.ink,
            "ytick.labelcolor": theme.ink,
            "grid.color": theme.grid,
            "svg.fonttype": "path",
            "svg.hashsalt": "sampler",  # the same names of parts in each run
        }
    )


def framed(
    title: str,
    key: str,
    caption: str,
    theme: Theme,
    size: tuple[float, float] = SIZE,
    foot: str = "",
) -> Figure:
    """An empty figure: its title and the key to its signs above, its caption below; what is drawn between finds its
    own room. ``foot``: what the horizontal axes of several panels have in common.
    """
    from matplotlib.figure import Figure

    figure, lines = Figure(figsize=size, layout="constrained"), _in_lines(caption)
    lower = 0.05 + _LINE * len(lines)
    middle = lower + (0.22 if foot else 0)
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0.005, middle / size[1], 0.985, 1 - (middle + _HEAD) / size[1]))
    words: list[tuple[str, float, dict[str, Any]]] = [
        (title, size[1] - 0.08, {"fontsize": 13, "fontweight": "bold", "va": "top"}),
        (key, size[1] - 0.36, {"fontsize": SMALL + 0.5, "va": "top"}),
        ("\n".join(lines), 0.05, {"fontsize": SMALL, "color": theme.faint, "va": "bottom", "linespacing": 1.25}),
    ]
    for text, inches, how in words:
        figure.text(0.012, inches / size[1], plain(text), **how)
    if foot:
        figure.text(0.53, (lower + 0.04) / size[1], plain(foot), ha="center", va="bottom")
    return figure


def _in_lines(text: str) -> list[str]:
    """Broken between its parts where that is possible."""
    found = [""]
    for part in text.split(" · "):
        both = f"{found[-1]} · {part}" if found[-1] else part
        found = [*found[:-1], both] if len(both) <= _CAPTION_WIDTH else [*found, part]
    return [line for whole in found for line in textwrap.wrap(whole, _CAPTION_WIDTH)]


def caption(header: Mapping[str, Any]) -> str:
    """Where the figures come from: who was asked what, how often, on which machine, and when."""
    target, question = header["target"], header["question"]
    asked = f"{target['name']}: {question['expressions'][0]} at {question['point']}"
    length = f"{header['rounds']} rounds of {format_duration(header['round_ns'])} each"
    return f"{asked} · {length} · {machine(header)}"


def machine(header: Mapping[str, Any]) -> str:
    found = header.get("machine", {})
    return f"{figures.machine(found)} · {str(header.get('started', ''))[:10]}"


def plain(text: str) -> str:
    """As it is: a dollar sign begins a formula elsewhere."""
    return "\n".join(printable(line) for line in text.split("\n")).replace("$", r"\$")


def note(figure: Figure, text: str) -> Figure:
    """In place of a picture: why there is none."""
    figure.text(0.5, 0.5, plain(text), ha="center", va="center")
    return figure


def instruments(names: Sequence[str]) -> list[str]:
    """Each once, in their order."""
    return list(dict.fromkeys(names))


def wide(first: float, last: float) -> tuple[float, float]:
    """The same range, or one of two decades about its middle."""
    middle = (first * last) ** 0.5
    return min(first, middle / 10), max(last, middle * 10)


def rate_ticks(first: float, last: float) -> tuple[list[float], list[str]]:
    """Powers of ten, and what they are called."""
    powers = range(math.ceil(math.log10(first)), math.floor(math.log10(last)) + 1)
    return [10.0**power for power in powers], [f"{10.0**power:,g}" for power in powers]
