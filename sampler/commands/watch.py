"""Ask any question of a running program, on a timer.

  sampler watch TARGET EXPRESSION... --at POINT

TARGET is a PID, several PIDs, or an unambiguous process name. It may be left out where $PID is set and one
expression is asked; --all NAME in its place asks every process of that name. Write -- in front of an expression
that begins with a minus sign.
"""

from __future__ import annotations

import argparse

from sampler.commands.options import add_output_options, add_question_options, question_from
from sampler.commands.targets import add_fleet_options, only, shared, targets_and_rest
from sampler.commands.tracing import add_program_option, print_traced
from sampler.errors import UsageError
from sampler.question import Question

HELP = "ask any question of a running program"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_words(parser)
    add_question_options(parser)
    add_fleet_options(parser)
    add_program_option(parser)
    add_output_options(parser)


def add_words(parser: argparse.ArgumentParser) -> None:
    """TARGET, the expressions and the point."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="TARGET EXPRESSION",
        help="the process, then what to ask, like 'd.writeIndex - d.readIndex'",
    )
    parser.add_argument(
        "--at",
        required=True,
        metavar="POINT",
        dest="point",
        help="where: main.write, pkg.(*T).Method, file.go:42 or 0x4a1b2c",
    )


def run(arguments: argparse.Namespace) -> int:
    from sampler.commands.session import run_question

    targets, expressions = targets_and_rest(arguments.words, arguments.everyone)
    question = shared(asked(arguments, targets, expressions), arguments.max_suspended_all, len(targets))
    if arguments.program:
        return print_traced(arguments, only(targets), question)
    return run_question(arguments, targets, question)


def asked(arguments: argparse.Namespace, targets: list[str], expressions: list[str]) -> Question:
    """What is asked of them; UsageError."""
    if not expressions:
        fix = "add an expression: sampler watch PID EXPRESSION --at POINT"
        raise UsageError(f"nothing is asked of process {targets[0]}", fix=fix)
    return question_from(arguments, arguments.point, expressions)
