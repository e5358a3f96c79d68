"""Ask any question of a running program, on a timer.

  sampler watch TARGET EXPRESSION... --at POINT

TARGET is a PID or an unambiguous process name; it may be left out where $PID is set and one
expression is asked. Write -- in front of an expression that begins with a minus sign.
"""

from __future__ import annotations

import argparse

from sampler.commands.options import add_output_options, add_question_options, question_from
from sampler.commands.tracing import add_program_option, print_traced
from sampler.errors import UsageError
from sampler.question import Question

HELP = "ask any question of a running program"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_words(parser)
    add_question_options(parser)
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

    target, question = asked(arguments)
    if arguments.program:
        return print_traced(arguments, target, question)
    return run_question(arguments, target, question)


def asked(arguments: argparse.Namespace) -> tuple[str | None, Question]:
    """Whom and what; None for the target stands for $PID."""
    words: list[str] = arguments.words
    target, expressions = (None, words) if len(words) == 1 else (words[0], words[1:])
    if target is None and words[0].isdigit():
        raise UsageError(
            f"nothing is asked of process {words[0]}", fix="add an expression: sampler watch PID EXPRESSION --at POINT"
        )
    return target, question_from(arguments, arguments.point, expressions)
