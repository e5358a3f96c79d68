"""Sum up recordings and comparisons: the answer, what it cost the target, and how the run ended.

  sampler report RUN.jsonl
  sampler report COMPARISON.json --html PAGE.html

A page stands for itself: tables and pictures in one file that fetches nothing, to be read, sent on or printed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable

HELP = "sum up recordings and comparisons"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a recording, also one that still grows; a comparison")
    parser.add_argument("--html", metavar="PAGE", help="write a comparison as one page; must not exist yet")


def run(arguments: argparse.Namespace) -> int:
    if arguments.html is not None:
        _write_page(arguments.files, arguments.html)
        return 0
    for number, path in enumerate(arguments.files):
        lines = _lines(path)
        if len(arguments.files) > 1:
            print(f"{os.linesep if number else ''}{path}")
        print(*lines, sep="\n", file=sys.stdout)
    return 0


def _lines(path: str) -> Iterable[str]:
    from sampler.compare.result import is_comparison

    if is_comparison(path):
        from sampler.compare import result
        from sampler.view.comparison import comparison_lines

        return comparison_lines(result.load(path))
    from sampler.compare import several

    if several.is_several(path):
        from sampler.view.columns import width_of
        from sampler.view.comparisons import comparisons_lines

        return comparisons_lines(several.load(path), width_of(sys.stdout))
    from sampler.fleet import joined

    if joined.is_joined(path):
        from sampler.view.columns import width_of
        from sampler.view.fleet.standing import standings_of
        from sampler.view.fleet.summary import fleet_lines

        found = joined.load(path)
        return fleet_lines(standings_of(found), width_of(sys.stdout), found.remarks)
    from sampler import recording
    from sampler.view.summary import summary_lines

    return summary_lines(recording.load(path))


def _write_page(paths: list[str], output: str) -> None:
    from sampler.compare import result, several
    from sampler.errors import UsageError
    from sampler.view.html import page

    if len(paths) > 1:
        raise UsageError("a page tells of one comparison", f"{len(paths)} files were named", "write a page for each")
    if several.is_several(paths[0]):
        raise UsageError("a page tells of one comparison", f"{paths[0]} holds several", "leave --html out")
    if os.path.isfile(paths[0]) and not result.is_comparison(paths[0]):
        raise UsageError(
            f"{paths[0]} is no comparison",
            "only of these a page is written",
            "leave --html out, or draw it: sampler plot",
        )
    page.check_new(output)
    page.save(result.load(paths[0]), output)
