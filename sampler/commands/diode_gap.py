"""The talk's question, ready made: how far is the writer of a go-diodes ring ahead of its reader?

  PID=$(pgrep tracee) sampler diode-gap

asks for d.writeIndex - d.readIndex at main.write, once a second.
"""

from __future__ import annotations

import argparse

from sampler.commands.options import add_output_options, add_question_options, question_from
from sampler.commands.tracing import add_program_option, print_traced

HELP = "the gap between the indices of a go-diodes ring"
POINT = "main.write"
EXPRESSION = "d.writeIndex - d.readIndex"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET", help="a PID or a process name (default: $PID)")
    parser.add_argument("--at", default=POINT, metavar="POINT", dest="point", help=f"where (default {POINT})")
    add_question_options(parser)
    add_program_option(parser)
    add_output_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.commands.session import run_question

    question = question_from(arguments, arguments.point, [EXPRESSION])
    if arguments.program:
        return print_traced(arguments, arguments.target, question)
    return run_question(arguments, arguments.target, question)
