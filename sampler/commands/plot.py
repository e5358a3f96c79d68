"""Draw recordings: values over time, their distribution, and how long each look suspended the target."""

from __future__ import annotations

import argparse

HELP = "draw recordings as PNG or SVG"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a recording")
    parser.add_argument("-o", "--output", required=True, metavar="PICTURE", help="a file that ends in .png or .svg")


def run(arguments: argparse.Namespace) -> int:
    from sampler.recording import load
    from sampler.view.plots import draw

    draw([load(path) for path in arguments.files], arguments.output)
    return 0
