"""Draw recordings: values over time, their distribution, and how long each look suspended the target. Of a run that
asked several targets: each in a colour of its own, and the whole beside them.

Of a comparison (`sampler compare --output RUN.json`): what each instrument takes (slowdown), what it sees (values),
for how long a look suspends (suspended), and what becomes of the rates that were asked (sweep). Into a folder, all
of them are drawn in both themes, as SVG and PNG; those of several targets each into a folder of its own within.
"""

from __future__ import annotations

import argparse

from sampler.errors import UsageError
from sampler.view.pictures import NAMES, THEMES

HELP = "draw recordings and comparisons as PNG or SVG"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="recordings, one comparison, or one timeline")
    parser.add_argument(
        "-o", "--output", required=True, metavar="PICTURE", help="a file that ends in .png or .svg; a folder for all"
    )
    parser.add_argument("--picture", choices=NAMES, help="which one, of a comparison (default slowdown)")
    parser.add_argument("--theme", choices=THEMES, help="of a comparison or a timeline (default light)")


def run(arguments: argparse.Namespace) -> int:
    from sampler.compare.result import is_comparison
    from sampler.compare.several import is_several
    from sampler.view.pictures.look_times import is_timeline

    if not any(is_comparison(path) or is_several(path) or is_timeline(path) for path in arguments.files):
        _draw_recordings(arguments)
        return 0
    if len(arguments.files) > 1:
        raise UsageError("a comparison or a timeline is drawn alone", fix="give one file at a time")
    from sampler.view.pictures.drawing import draw_comparison, draw_comparisons, draw_timeline

    path = arguments.files[0]
    draw = draw_comparison if is_comparison(path) else draw_comparisons if is_several(path) else draw_timeline
    draw(path, arguments.output, arguments.picture, arguments.theme)
    return 0


def _draw_recordings(arguments: argparse.Namespace) -> None:
    from sampler.fleet import joined
    from sampler.recording import load
    from sampler.view.plots import draw

    if arguments.picture or arguments.theme:
        option = "--picture" if arguments.picture else "--theme"
        raise UsageError(f"{option} is for comparisons", f"{arguments.files[0]} is none", "leave it out")
    if any(map(joined.is_joined, arguments.files)):
        from sampler.view.fleet.plots import draw_fleet

        if len(arguments.files) > 1:
            raise UsageError("several targets of one run are drawn alone", fix="give one file at a time")
        draw_fleet(joined.load(arguments.files[0]), arguments.output)
        return
    draw([load(path) for path in arguments.files], arguments.output)
