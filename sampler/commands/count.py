"""Count the calls of functions, or the hits of static probes: all of them, in the kernel.

  sampler count TARGET POINT...

Each hit costs the target something: the first line says how much. TARGET may be left out where $PID is
set and one point is counted. POINT: main.f, pkg.(*T).Method, f:return (its own return instructions),
file.go:42, main.f+12, or provider:name.
"""

from __future__ import annotations

import argparse

from sampler.commands.tracing import add_tracing_options, pace_of, print_program, recorder_options
from sampler.errors import UsageError

HELP = "calls a second, every one of them"
MOST_POINTS = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="TARGET POINT", help="the process, then what to count")
    add_tracing_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.commands.session import run_session, run_tracing_recorder
    from sampler.question import CountQuestion

    target, points = _asked(arguments.words)
    question = CountQuestion(tuple(points), *pace_of(arguments))
    if arguments.program:
        return print_program(arguments, target, question)
    if arguments.lifeline is not None:
        return run_tracing_recorder(arguments, target, question)
    return run_session(arguments, ["count", *recorder_options(arguments), "--", *arguments.words])


def _asked(words: list[str]) -> tuple[str | None, list[str]]:
    target, points = (None, words) if len(words) == 1 else (words[0], words[1:])
    if target is None and words[0].isdigit():
        raise UsageError(f"nothing is counted in process {words[0]}", fix="add a point: sampler count PID main.f")
    if len(points) > MOST_POINTS:
        raise UsageError(f"{len(points)} points are too many", fix=f"count at most {MOST_POINTS} at once")
    if len(set(points)) < len(points):
        raise UsageError("the same point is given twice", fix="give each once")
    return target, points
