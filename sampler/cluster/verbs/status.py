"""Tell which agents there are, until when, and who asks what by them."""

from __future__ import annotations

import argparse

from sampler.cluster.options import add_connection_options, add_format_option, agents_kubectl

HELP = "which agents there are, and who asks what"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection_options(parser)
    add_format_option(parser, ("table", "json"), "for people or for programs")


def run(arguments: argparse.Namespace) -> int:
    import json

    from sampler.cluster.standing import lines, standings

    found = standings(agents_kubectl(arguments))
    if arguments.format == "json":
        print(json.dumps([one.to_json() for one in found], indent=2))
        return 0
    if not found:
        print(f"no agents in namespace {arguments.agents_namespace}; put them there: kubectl sampler install")
    print(*lines(found), sep="\n", end="\n" if found else "")
    return 0
