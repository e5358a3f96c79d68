"""Say what works between here and the pods, what does not, and how to put it right.

  kubectl sampler doctor
  kubectl sampler doctor TARGET
  kubectl sampler doctor TARGET EXPRESSION... --at POINT

With a target, the agent on its node says what works there: instrument by instrument, with the rights that it has.
"""

from __future__ import annotations

import argparse

from sampler.cluster.options import add_target_options

HELP = "what works between here and the pods, and the fix"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="pod/NAME, deploy/NAME, … to examine too; or -l LABELS"
    )
    parser.add_argument("expressions", nargs="*", metavar="EXPRESSION", help="what would be asked of it")
    parser.add_argument("--at", metavar="POINT", dest="point", help="where it would be asked")
    add_target_options(parser)


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster.examination import examine
    from sampler.commands.doctor import tell

    return tell(examine(arguments))
