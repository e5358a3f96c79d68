"""The recorder alone: asks like watch, and writes the recording to standard output.

It is what watch starts, and what to start where only a pipe leads (in a container, over ssh). When
its reader goes away, it leaves the target.
"""

from __future__ import annotations

import argparse
import sys

from sampler.commands import watch
from sampler.commands.options import add_question_options
from sampler.commands.targets import only
from sampler.question import Question

HELP = "the recorder alone, its recording on standard output"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    watch.add_words(parser)
    add_question_options(parser)
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    from sampler.recorder import Order, record

    target, question = asked(arguments)
    record(Order(target, question, arguments.instrument, arguments.lifeline), sys.stdout)
    return 0


def asked(arguments: argparse.Namespace) -> tuple[str | None, Question]:
    """Whom and what; None for the target stands for $PID. One target, whatever follows it."""
    words: list[str] = arguments.words
    alone = len(words) == 1 and not words[0].isdigit()
    targets, expressions = ([], words) if alone else (words[:1], words[1:])
    return only(targets), watch.asked(arguments, targets, expressions)
