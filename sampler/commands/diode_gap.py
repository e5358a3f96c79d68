"""The talk's question, ready made: how far is the writer of a go-diodes ring ahead of its reader?

  PID=$(pgrep tracee) sampler diode-gap

asks for d.writeIndex - d.readIndex at main.write, once a second. Several PIDs, or --all NAME, are asked in one run.
"""

from __future__ import annotations

import argparse

from sampler.commands.options import add_output_options, add_question_options, question_from
from sampler.commands.targets import add_fleet_options, only, shared, targets_and_rest
from sampler.commands.tracing import add_program_option, print_traced
from sampler.errors import UsageError

HELP = "the gap between the indices of a go-diodes ring"
POINT = "main.write"
EXPRESSION = "d.writeIndex - d.readIndex"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a PID, several, or a process name (default: $PID)"
    )
    parser.add_argument("--at", default=POINT, metavar="POINT", dest="point", help=f"where (default {POINT})")
    add_question_options(parser)
    add_fleet_options(parser)
    add_program_option(parser)
    add_output_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.commands.session import run_question

    targets, rest = targets_and_rest([*arguments.targets, EXPRESSION], arguments.everyone)
    if rest != [EXPRESSION]:
        raise UsageError(
            f"{rest[0]!r} is no PID", "several targets are named by PID", "or ask all of a name: --all NAME"
        )
    question = shared(question_from(arguments, arguments.point, rest), arguments.max_suspended_all, len(targets))
    if arguments.program:
        return print_traced(arguments, only(targets), question)
    return run_question(arguments, targets, question)
