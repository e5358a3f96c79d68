"""Sum up recordings: the answer, what it cost the target, and how the run ended."""

from __future__ import annotations

import argparse
import os
import sys

HELP = "sum up recordings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a recording, also one that still grows")


def run(arguments: argparse.Namespace) -> int:
    from sampler.recording import load
    from sampler.view.summary import summary_lines

    for number, path in enumerate(arguments.files):
        recording = load(path)
        if len(arguments.files) > 1:
            print(f"{os.linesep if number else ''}{path}")
        print(*summary_lines(recording), sep="\n", file=sys.stdout)
    return 0
