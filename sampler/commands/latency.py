"""Measure how long it takes from one point to another: a log2 histogram, made in the kernel.

  sampler latency TARGET ENTRY EXIT

TARGET is a PID, several PIDs, or an unambiguous process name. It may be left out where $PID is set; --all NAME in its
place measures in every process of that name. ENTRY and EXIT: functions (main.f and main.f:return), instructions
(main.f+12), or static probes (usdt:entry and usdt:exit). An end belongs to the last start with the same key: by default
that of the same goroutine, in a program that is not Go's of the same thread.
"""

from __future__ import annotations

import argparse

from sampler.commands.targets import targets_and_rest
from sampler.commands.tracing import add_tracing_options, pace_of, run_tracing
from sampler.errors import UsageError
from sampler.question import LatencyQuestion

HELP = "how long from one point to another, as a histogram"
UNITS = ("ns", "us", "ms", "s")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_words(parser)
    add_tracing_options(parser)


def add_words(parser: argparse.ArgumentParser) -> None:
    """TARGET and the two points, and how they belong together."""
    parser.add_argument("words", nargs="+", metavar="TARGET ENTRY EXIT", help="whom, where it begins and ends")
    parser.add_argument(
        "--key",
        default="",
        metavar="KEY",
        help="what an end has in common with its start: thread, goroutine, arg0 (of static probes), several with"
        " commas between, or none",
    )
    parser.add_argument("--unit", choices=UNITS, default="us", help="of the histogram (default us)")


def run(arguments: argparse.Namespace) -> int:
    targets, points = _targets_and_points(arguments.words, arguments.everyone)
    return run_tracing(arguments, targets, question_of(arguments, points))


def _targets_and_points(words: list[str], everyone: str | None) -> tuple[list[str], list[str]]:
    """Two words that are no PID are both points, of $PID."""
    if len(words) == 2 and everyone is None and not words[0].isdigit():
        return [], words
    return targets_and_rest(words, everyone)


def question_of(arguments: argparse.Namespace, points: list[str]) -> LatencyQuestion:
    """What is measured in each; UsageError."""
    if len(points) != 2:
        raise UsageError("a latency is from one point to another", fix="give two behind the target: ENTRY EXIT")
    entry, end = points
    if entry == end:
        raise UsageError(f"{entry} is both the beginning and the end", fix=f"give its end: {entry}:return")
    keys = tuple(arguments.key.split(",")) if arguments.key else ()
    return LatencyQuestion(entry, end, keys, arguments.unit, *pace_of(arguments))
