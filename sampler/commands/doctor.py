"""Say what works on this machine, what does not, and how to put it right; a target is only looked at."""

from __future__ import annotations

import argparse

HELP = "what works here, what does not, and the fix"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET", help="a PID or a process name to examine too")


def run(arguments: argparse.Namespace) -> int:
    from sampler.doctor import examine

    well = True
    for finding in examine(arguments.target):
        well = well and finding.good
        print(f"{'ok ' if finding.good else 'NO '} {finding.name:<10} {finding.seen}")
        if finding.fix and not finding.good:
            print(f"{'':14} fix: {finding.fix}")
    return 0 if well else 1
