"""Measure how long it takes from one point to another: a log2 histogram, made in the kernel.

  sampler latency TARGET ENTRY EXIT

ENTRY and EXIT: functions (main.f and main.f:return), instructions (main.f+12), or static probes
(usdt:entry and usdt:exit). An end belongs to the last start with the same key: by default that of the
same goroutine, in a program that is not Go's of the same thread. TARGET may be left out where $PID is set.
"""

from __future__ import annotations

import argparse

from sampler.commands.tracing import add_tracing_options, pace_of, print_program, recorder_options
from sampler.errors import UsageError

HELP = "how long from one point to another, as a histogram"
UNITS = ("ns", "us", "ms", "s")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="TARGET ENTRY EXIT", help="the process, where it begins and ends")
    parser.add_argument(
        "--key",
        default="",
        metavar="KEY",
        help="what an end has in common with its start: thread, goroutine, arg0 (of static probes), several with"
        " commas between, or none",
    )
    parser.add_argument("--unit", choices=UNITS, default="us", help="of the histogram (default us)")
    add_tracing_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.commands.session import run_session, run_tracing_recorder
    from sampler.question import LatencyQuestion

    target, entry, end = _asked(arguments.words)
    keys = tuple(arguments.key.split(",")) if arguments.key else ()
    question = LatencyQuestion(entry, end, keys, arguments.unit, *pace_of(arguments))
    if arguments.program:
        return print_program(arguments, target, question)
    if arguments.lifeline is not None:
        return run_tracing_recorder(arguments, target, question)
    own = [f"--key={arguments.key}", f"--unit={arguments.unit}"]
    return run_session(arguments, ["latency", *own, *recorder_options(arguments), "--", *arguments.words])


def _asked(words: list[str]) -> tuple[str | None, str, str]:
    if len(words) not in (2, 3) or (len(words) == 2 and words[0].isdigit()):
        raise UsageError("a latency is from one point to another", fix="give both: sampler latency PID ENTRY EXIT")
    target, (entry, end) = (words[0] if len(words) == 3 else None), words[-2:]
    if entry == end:
        raise UsageError(f"{entry} is both the beginning and the end", fix=f"give its end: {entry}:return")
    return target, entry, end
