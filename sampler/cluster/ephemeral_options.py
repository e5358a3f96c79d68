"""The options of asking without agents: by a container that is put into the pod."""

from __future__ import annotations

import argparse


def add_ephemeral_options(parser: argparse.ArgumentParser) -> None:
    without = parser.add_argument_group("without agents on the nodes")
    without.add_argument(
        "--ephemeral",
        action="store_true",
        help="put a debug container into each pod, with the two to four capabilities that the instrument needs;"
        " Kubernetes keeps it in the pod's list until the pod ends",
    )
    without.add_argument("--image", default="sampler:latest", metavar="NAME", help="of that container")
