"""Say what works on this machine, what does not, and how to put it right; a target is only looked at.

  sampler doctor
  sampler doctor TARGET
  sampler doctor TARGET EXPRESSION... --at POINT

With a question it says whether that can be answered there, by which instruments, and at what cost.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sampler.errors import UsageError
from sampler.question import Question

if TYPE_CHECKING:
    from sampler.doctor import Finding

HELP = "what works here, what does not, and the fix"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET", help="a PID or a process name to examine too")
    parser.add_argument("expressions", nargs="*", metavar="EXPRESSION", help="what would be asked of it")
    parser.add_argument("--at", metavar="POINT", dest="point", help="where it would be asked")


def run(arguments: argparse.Namespace) -> int:
    from sampler.doctor import examine

    return tell(examine(arguments.target, _question(arguments)))


def tell(findings: Iterable[Finding]) -> int:
    """Prints each as it is found; the exit status."""
    well = True
    for finding in findings:
        well = well and finding.good
        print(f"{'ok ' if finding.good else 'NO '} {finding.name:<11} {finding.seen}")
        if finding.fix and not finding.good:
            print(f"{'':15} fix: {finding.fix}")
    return 0 if well else 1


def _question(arguments: argparse.Namespace) -> Question | None:
    if bool(arguments.expressions) != (arguments.point is not None):
        raise UsageError("a question is an expression and a point", fix="give both: EXPRESSION --at POINT")
    return Question(arguments.point, tuple(arguments.expressions)) if arguments.point is not None else None
