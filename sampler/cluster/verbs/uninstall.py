"""Take the agents away, with all that was made for them, and wait until they are gone.

Runs that go on are ended in good order first: their targets are left as they were found.
"""

from __future__ import annotations

import argparse

from sampler import units
from sampler.cluster.options import add_connection_options, agents_kubectl
from sampler.commands.options import typed

HELP = "take the agents away"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection_options(parser)
    parser.add_argument(
        "--timeout", type=typed(units.parse_duration), default=180 * units.NS_PER_SECOND, metavar="TIME",
        help="how long it waits for their end (default 3m)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster.errors import NotFound
    from sampler.cluster.installation import Installation

    name = arguments.agents_namespace
    try:
        whole = Installation(agents_kubectl(arguments)).remove(max(1, arguments.timeout // units.NS_PER_SECOND))
    except NotFound:
        print(f"nothing is installed: there is no namespace {name}")
        return 0
    if whole:
        print(f"the agents are gone, and namespace {name} with all that was in it")
    else:
        print(f"the agents are gone; namespace {name} was there before them, and stays")
    return 0
