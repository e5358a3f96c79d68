"""The options of the commands that trace, and what they come down to."""

from __future__ import annotations

import argparse

from sampler import units
from sampler.budget import Budget
from sampler.commands.options import add_output_options, typed
from sampler.commands.targets import add_fleet_options, only, shared
from sampler.errors import UsageError
from sampler.instruments.base import AUTO, TRACING
from sampler.question import AnyQuestion, CountQuestion, LatencyQuestion, Question, Timing

_SHORTEST_NS = 10_000_000


def add_tracing_options(parser: argparse.ArgumentParser) -> None:
    """Of whom, by which tool, how often to tell, for how long, within which budget; and where it goes."""
    add_pace_options(parser)
    add_fleet_options(parser)
    add_program_option(parser)
    add_output_options(parser)
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)


def add_pace_options(parser: argparse.ArgumentParser) -> None:
    """Those that make the question, beside its points."""
    parser.add_argument(
        "--instrument",
        "--with",
        choices=(AUTO, *TRACING),
        default=AUTO,
        help="the tool that sets the probes (default auto: the first of these that is there)",
    )
    parser.add_argument(
        "--every",
        type=typed(_parse_period),
        default=units.NS_PER_SECOND,
        metavar="TIME",
        help="how often it is told (default 1s)",
    )
    parser.add_argument(
        "--duration", type=typed(units.parse_duration), metavar="TIME", help="end after so long, like 1m"
    )
    parser.add_argument(
        "--max-suspended",
        type=typed(units.parse_share),
        default=0.10,
        metavar="SHARE",
        help="largest share of time that the hits of a run may take (default 10%%)",
    )


def add_program_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--program", action="store_true", help="print the program that would run, and set nothing")


def print_program(arguments: argparse.Namespace, target: str | None, question: AnyQuestion) -> int:
    """In place of a run."""
    from sampler.tracing.run import program_of

    print(program_of(question, arguments.instrument, target))
    return 0


def print_traced(arguments: argparse.Namespace, target: str | None, question: Question) -> int:
    """For a question that may be asked by looks too; UsageError where it is: then there is no program to read."""
    if arguments.instrument not in TRACING:
        raise UsageError("there is no program to print", "only what meets every hit is given one",
                         f"add --instrument {' or '.join(TRACING)}")  # fmt: skip
    return print_program(arguments, target, question)


def pace_of(arguments: argparse.Namespace) -> tuple[Timing, Budget]:
    return Timing(arguments.every, duration_ns=arguments.duration), Budget(max_suspended=arguments.max_suspended)


def run_tracing(arguments: argparse.Namespace, targets: list[str], question: CountQuestion | LatencyQuestion) -> int:
    """What count and latency come down to: the program, this process as the recorder, or a run as its user sees it."""
    from sampler.commands.session import run_question, run_tracing_recorder

    if arguments.program:
        return print_program(arguments, only(targets), question)
    if arguments.lifeline is not None:
        return run_tracing_recorder(arguments, only(targets), question)
    return run_question(arguments, targets, shared(question, arguments.max_suspended_all, len(targets)))


def _parse_period(text: str) -> int:
    period_ns = units.parse_duration(text)
    if period_ns < _SHORTEST_NS:
        raise UsageError(f"every {text} is too often", fix="give at least 10ms")
    return period_ns
