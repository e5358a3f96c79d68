"""The talk's question, ready made: how far is the writer of a go-diodes ring ahead of its reader, in every pod?

kubectl sampler diode-gap deploy/agent
"""

from __future__ import annotations

import argparse

from sampler.cluster.ephemeral_options import add_ephemeral_options
from sampler.cluster.options import add_asking_options
from sampler.commands.diode_gap import EXPRESSION, POINT
from sampler.commands.options import question_from

HELP = "the gap between the indices of a go-diodes ring, in every pod"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET", help="pod/NAME, deploy/NAME, …; or -l LABELS")
    parser.add_argument("--at", default=POINT, metavar="POINT", dest="point", help=f"where (default {POINT})")
    add_asking_options(parser)
    add_ephemeral_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster.session import ask_pods

    return ask_pods(arguments, arguments.target, question_from(arguments, arguments.point, [EXPRESSION]))
