"""The options that several commands share, and the question that they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sampler import units
from sampler.budget import Budget
from sampler.errors import UsageError
from sampler.instruments.base import AUTO, INSTRUMENTS, TRACING
from sampler.question import MOST_EXPRESSIONS, MOST_HITS, Aggregate, Question, Timing

FORMATS = ("table", "jsonl", "csv")
LARGEST_COUNT = 10**9
SHORTEST_OF_HITS_NS = 1_000_000  # the period where each look has a hit of its own
PEEK = "peek"
_MOST_DIGITS = 20


def typed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """``parse`` as a type of argparse, which then names the option in front of our message."""

    def convert(text: str) -> Any:
        try:
            return parse(text)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def add_question_options(parser: argparse.ArgumentParser) -> None:
    """When to look, within which budget, and how."""
    _add_timing(parser)
    add_budget_options(parser)
    parser.add_argument(
        "--instrument",
        choices=(AUTO, *INSTRUMENTS, *TRACING),
        default=AUTO,
        help="the way of asking (default auto: the gentlest that can answer here); bpftrace and bcc meet every hit",
    )
    parser.add_argument(
        "--aggregate",
        type=typed(Aggregate.parse),
        metavar="HOW",
        help="with bpftrace and bcc: sum up in the kernel, by count, stats (least, most, mean), hist (log2) or"
        " lhist:LOW,HIGH,STEP",
    )


def _add_timing(parser: argparse.ArgumentParser) -> None:
    when = parser.add_argument_group("when to look")
    pace = when.add_mutually_exclusive_group()
    pace.add_argument(
        "--rate",
        type=typed(units.parse_rate),
        dest="period_ns",
        metavar="RATE",
        help="looks a second, like 10/s (default 1/s)",
    )
    pace.add_argument(
        "--every",
        type=typed(units.parse_period),
        dest="period_ns",
        metavar="TIME",
        help="the time from one look to the next, like 100ms",
    )
    when.add_argument(
        "--jitter",
        type=typed(units.parse_jitter),
        default=0.0,
        metavar="SHARE",
        help="each look comes anywhere within this share of its period, like 20%%",
    )
    when.add_argument("--duration", type=typed(units.parse_duration), metavar="TIME", help="end after so long, like 1m")
    when.add_argument("--count", type=typed(_parse_count), metavar="N", help="end after so many looks")
    add_window_option(when)
    when.add_argument(
        "--anchor-every",
        type=typed(_parse_anchor),
        default=units.NS_PER_SECOND,
        metavar="TIME",
        help="how often peek looks up where the memory lies that it reads (default 1s)",
    )
    when.add_argument("--when", metavar="EXPRESSION", help="only a hit at which this is true answers (perf)")
    when.add_argument(
        "--max-hits",
        type=typed(_parse_count),
        default=MOST_HITS,
        metavar="N",
        help=f"with --when: how many hits a look tries (default {MOST_HITS})",
    )


def add_window_option(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--window",
        type=typed(units.parse_duration),
        default=units.NS_PER_SECOND,
        metavar="TIME",
        help="how long a look waits for the point to be reached (default 1s)",
    )


def add_budget_options(parser: argparse.ArgumentParser) -> None:
    """What no run may go beyond."""
    budget = parser.add_argument_group("what the target may be put through")
    budget.add_argument(
        "--max-pause",
        type=typed(units.parse_duration),
        default=units.NS_PER_SECOND,
        metavar="TIME",
        help="longest time it may be suspended at a stretch, attaching included (default 1s)",
    )
    budget.add_argument(
        "--max-suspended",
        type=typed(units.parse_share),
        default=0.10,
        metavar="SHARE",
        help="largest share of time that looks may suspend it (default 10%%)",
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Where the answers go."""
    output = parser.add_argument_group("output")
    output.add_argument("--output", metavar="FILE", help="save the recording as JSON Lines; must not exist yet")
    output.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="table (live on a terminal, lines in a pipe), jsonl (the recording) or csv",
    )
    output.add_argument("--quiet", action="store_true", help="print nothing but errors")


def question_from(arguments: argparse.Namespace, point: str, expressions: list[str]) -> Question:
    """The question of a parsed command line; UsageError."""
    if len(expressions) > MOST_EXPRESSIONS:
        raise UsageError(f"{len(expressions)} expressions are too many", fix=f"ask at most {MOST_EXPRESSIONS} at once")
    if len(set(expressions)) < len(expressions):
        raise UsageError("the same expression is given twice", fix="give each once")
    timing = Timing(
        arguments.period_ns or units.NS_PER_SECOND,
        arguments.jitter,
        arguments.duration,
        arguments.count,
        arguments.window,
        arguments.anchor_every,
    )
    if timing.period_ns < SHORTEST_OF_HITS_NS and arguments.instrument != PEEK:
        raise UsageError(
            f"a look every {units.format_duration(timing.period_ns)} is too often", "each has a hit of its own",
            f"give at most 1000/s, or ask by --instrument {PEEK}",
        )  # fmt: skip
    _check_tracing(arguments)
    budget = Budget(arguments.max_pause, arguments.max_suspended)
    return Question(point, tuple(expressions), timing, budget, arguments.when, arguments.max_hits, arguments.aggregate)


def _check_tracing(arguments: argparse.Namespace) -> None:
    traces = arguments.instrument in TRACING
    if arguments.aggregate is not None and arguments.count is not None:
        raise UsageError("--count is of answers, and sums are none", fix="leave out --count, or give --duration")
    if arguments.aggregate is not None and not traces:
        raise UsageError("only what meets every hit sums up", fix=f"add --instrument {' or '.join(TRACING)}")
    if traces and arguments.aggregate is None and arguments.period_ns is not None:
        raise UsageError(f"{arguments.instrument} meets every hit", "there is no rate to set",
                         "leave out --rate and --every, or add --aggregate")  # fmt: skip


def arguments_from(question: Question, every_hit: bool = False) -> list[str]:
    """The command line that ``question_from`` turns into this question again, TARGET left out.

    ``every_hit``: it has no rate.
    """
    timing, budget = question.timing, question.budget
    options = {
        "--at": question.point,
        "--jitter": decimal(timing.jitter),
        "--window": f"{timing.window_ns}ns",
        "--anchor-every": f"{timing.anchor_ns}ns",
        "--max-pause": f"{budget.max_pause_ns}ns",
        "--max-suspended": decimal(budget.max_suspended),
    }
    if timing.duration_ns is not None:
        options["--duration"] = f"{timing.duration_ns}ns"
    if timing.count is not None:
        options["--count"] = str(timing.count)
    if not every_hit:
        options["--every"] = f"{timing.period_ns}ns"
    if question.aggregate is not None:
        options["--aggregate"] = question.aggregate.text
    if question.when is not None:
        options |= {"--when": question.when, "--max-hits": str(question.most_hits)}
    return [f"{name}={value}" for name, value in options.items()]


def _parse_anchor(text: str) -> int:
    interval_ns = units.parse_duration(text)
    if interval_ns < units.NS_PER_SECOND:  # more often, and the looks of another instrument would be what is felt
        raise UsageError(f"every {text} is too often", fix="give at least 1s")
    return interval_ns


def decimal(share: float) -> str:
    """As the command line takes it, and nothing of it is lost."""
    return f"{Decimal(repr(share)):f}"


def _parse_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS or not 1 <= int(text) <= LARGEST_COUNT:
        raise UsageError(f"{text!r} is not a count", fix=f"give a whole number from 1 to {LARGEST_COUNT}")
    return int(text)
