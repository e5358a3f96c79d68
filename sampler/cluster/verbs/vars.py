"""List what can be asked at a point in a pod: each parameter and local with its type and where it lies.

  kubectl sampler vars deploy/agent --at main.write

Of several pods, one is looked at. Nothing is attached.
"""

from __future__ import annotations

import argparse
import sys

from sampler.cluster.options import add_format_option, add_target_options

HELP = "what can be asked at a point in a pod"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET", help="pod/NAME, deploy/NAME, …; or -l LABELS")
    parser.add_argument("--at", required=True, metavar="POINT", dest="point",
                        help="where: main.write, pkg.(*T).Method, file.go:42 or 0x4a1b2c")  # fmt: skip
    add_target_options(parser)
    add_format_option(parser, ("table", "jsonl"), "for people or for programs")


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster.one import first_process
    from sampler.question import check_point
    from sampler.view.statistics import printable

    check_point(arguments.point)
    one = first_process(arguments)
    said = one.agent.run("vars", str(one.process.pid), f"--at={arguments.point}", f"--format={arguments.format}")
    if arguments.format == "table":
        print(f"in {one.label}, process {printable(one.process.name)} ({one.process.inside})")
    sys.stdout.write(said)
    return 0
