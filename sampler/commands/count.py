"""Count the calls of functions, or the hits of static probes: all of them, in the kernel.

  sampler count TARGET POINT...

TARGET is a PID, several PIDs, or an unambiguous process name. It may be left out where $PID is set and one point is
counted; --all NAME in its place counts in every process of that name. Each hit costs the target something: the first
line says how much. POINT: main.f, pkg.(*T).Method, f:return (its own return instructions), file.go:42, main.f+12, or
provider:name.
"""

from __future__ import annotations

import argparse

from sampler.commands.targets import targets_and_rest
from sampler.commands.tracing import add_tracing_options, pace_of, run_tracing
from sampler.errors import UsageError
from sampler.question import CountQuestion

HELP = "calls a second, every one of them"
MOST_POINTS = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_words(parser)
    add_tracing_options(parser)


def add_words(parser: argparse.ArgumentParser) -> None:
    """TARGET and the points."""
    parser.add_argument("words", nargs="+", metavar="TARGET POINT", help="whom, then what to count")


def run(arguments: argparse.Namespace) -> int:
    targets, points = targets_and_rest(arguments.words, arguments.everyone)
    return run_tracing(arguments, targets, question_of(arguments, points))


def question_of(arguments: argparse.Namespace, points: list[str]) -> CountQuestion:
    """What is counted of each; UsageError."""
    if not points:
        raise UsageError("nothing is counted", fix="add a point, like main.f, behind the target")
    if len(points) > MOST_POINTS:
        raise UsageError(f"{len(points)} points are too many", fix=f"count at most {MOST_POINTS} at once")
    if len(set(points)) < len(points):
        raise UsageError("the same point is given twice", fix="give each once")
    return CountQuestion(tuple(points), *pace_of(arguments))
