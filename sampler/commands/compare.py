"""Ask one question by every instrument, in turns, and see what each takes from the target.

  sampler compare TARGET EXPRESSION --at POINT --progress COUNTER

TARGET is a PID, several PIDs, or an unambiguous process name; --all NAME in its place compares every process of that
name, one after another.

In each round each instrument asks for one window of time, at each rate, in an order by chance; between them
nobody does. How far the target gets is measured in the target: by a counter of its own (--progress), which is
read in its memory without a stop, or else by its processor time. Then values, cost and slowdown stand side by
side. Instruments that would take more than --max-suspended of the target's time are ended, as in any run.
"""

from __future__ import annotations

import argparse

from sampler import units
from sampler.commands.options import LARGEST_COUNT, add_budget_options, add_window_option, typed
from sampler.commands.targets import only, targets_and_rest
from sampler.compare.wanted import parse_instruments, parse_rates
from sampler.errors import UsageError
from sampler.question import LINEAR, LOG2, Aggregate, check_point

HELP = "one question by every instrument, in turns: values, cost and slowdown"
MOST_ROUNDS = 1000
_SHORTEST_NS = 20_000_000
LONGEST_WINDOW_NS = 300 * units.NS_PER_SECOND


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="TARGET EXPRESSION", help="the process, then what to ask")
    parser.add_argument("--at", required=True, metavar="POINT", dest="point", help="where it is asked")
    parser.add_argument("--all", metavar="NAME", dest="everyone", help="every process of that name")
    _add_plan(parser)
    _add_progress(parser)
    add_budget_options(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--output", metavar="FILE", help="save all rounds as JSON; must not exist yet")
    output.add_argument("--quiet", action="store_true", help="print nothing but the result")


def _add_plan(parser: argparse.ArgumentParser) -> None:
    plan = parser.add_argument_group("what is compared")
    plan.add_argument(
        "--instruments",
        type=typed(parse_instruments),
        metavar="LIST",
        help="like perf,bcc, with rates of its own dlv:1:10 (default: all that fit the target)",
    )
    plan.add_argument(
        "--rates",
        type=typed(parse_rates),
        default=(1.0, 10.0, 100.0, 1000.0),
        metavar="LIST",
        help="looks a second (default 1,10,100,1000; debuggers are not asked beyond 100)",
    )
    plan.add_argument("--rounds", type=typed(_parse_rounds), default=5, metavar="N", help="default 5")
    plan.add_argument(
        "--round",
        type=typed(_parse_window),
        default=2 * units.NS_PER_SECOND,
        metavar="TIME",
        help="how long each asks in a round (default 2s)",
    )
    plan.add_argument(
        "--jitter",
        type=typed(units.parse_jitter),
        default=1.0,
        metavar="SHARE",
        help="each look comes anywhere within this share of its period (default 100%%)",
    )
    add_window_option(plan)
    plan.add_argument(
        "--aggregate",
        type=typed(_parse_distribution),
        default=Aggregate("hist"),
        metavar="HOW",
        help="how bpftrace and bcc sum up: hist (default) or lhist:LOW,HIGH,STEP",
    )
    plan.add_argument("--seed", type=int, help="of the order (default: by chance; it is told)")


def _add_progress(parser: argparse.ArgumentParser) -> None:
    progress = parser.add_argument_group("how far the target gets")
    progress.add_argument(
        "--progress",
        metavar="COUNTER",
        help="what grows with its work, like d.writeIndex (default: its processor time, a weaker measure)",
    )
    progress.add_argument(
        "--progress-at", metavar="POINT", help="where that is looked up, once (default: the point of the question)"
    )


def run(arguments: argparse.Namespace) -> int:
    targets, expressions = targets_and_rest(arguments.words, arguments.everyone)
    if len(expressions) > 1:
        raise UsageError("one expression is compared", fix="ask the others by a comparison of their own")
    if not expressions:
        raise UsageError(f"nothing is asked of process {targets[0]}", fix="add an expression")
    if arguments.progress_at is not None:
        check_point(arguments.progress_at)
    if arguments.progress_at is not None and arguments.progress is None:
        raise UsageError("--progress-at says where, but nothing what", fix="add --progress COUNTER")
    if len(targets) > 1:
        from sampler.commands.comparisons import run_comparisons

        return run_comparisons(arguments, targets, expressions[0])
    from sampler.commands.comparison import run_comparison

    return run_comparison(arguments, only(targets), expressions[0])


def _parse_distribution(text: str) -> Aggregate:
    found = Aggregate.parse(text)
    if found.kind not in (LOG2, LINEAR):
        raise UsageError(f"{text} tells no distribution", fix="give hist or lhist:LOW,HIGH,STEP")
    return found


def _parse_window(text: str) -> int:
    window_ns = units.parse_duration(text)
    if not _SHORTEST_NS <= window_ns <= LONGEST_WINDOW_NS:
        raise UsageError(f"{text} is no time to ask for in a round", fix="give at least 20ms and at most 5m")
    return window_ns


def _parse_rounds(text: str) -> int:
    if (
        not text.isascii()
        or not text.isdigit()
        or len(text) > len(str(LARGEST_COUNT))
        or not 1 <= int(text) <= MOST_ROUNDS
    ):
        raise UsageError(f"{text!r} is no number of rounds", fix=f"give a whole number from 1 to {MOST_ROUNDS}")
    return int(text)
