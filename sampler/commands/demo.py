"""The talk, live: starts the program that is asked, shows what traces it, and asks.

  sampler demo
  sampler demo uprobe-count --with bcc

uprobe-count counts the calls of main.f, usdt-latency measures from one static probe to another around HTTP
requests, diode-gap asks how far a ring's writer is ahead of its reader. The programs are those of a checkout
of sampler's sources: `make demo-programs` builds them.
"""

from __future__ import annotations

import argparse

from sampler import units
from sampler.commands.options import typed
from sampler.errors import UsageError
from sampler.instruments.base import AUTO, INSTRUMENTS, TRACING

HELP = "the talk's demonstrations, live"
NAMES = ("uprobe-count", "usdt-latency", "diode-gap")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", choices=NAMES, default="diode-gap", help="which (default diode-gap)")
    parser.add_argument(
        "--with",
        dest="instrument",
        choices=(AUTO, *INSTRUMENTS, *TRACING),
        default=AUTO,
        help="the instrument; for what is counted and measured bpftrace or bcc",
    )
    parser.add_argument(
        "--duration",
        type=typed(units.parse_duration),
        default=10 * units.NS_PER_SECOND,
        metavar="TIME",
        help="how long (default 10s)",
    )


def run(arguments: argparse.Namespace) -> int:
    from sampler.demonstrations import show

    if arguments.name != "diode-gap" and arguments.instrument not in (AUTO, *TRACING):
        raise UsageError(f"{arguments.instrument} does not meet every hit", fix=f"give {' or '.join(TRACING)}")
    return show(arguments.name, arguments.instrument, arguments.duration, _run)


def _run(words: list[str]) -> int:
    from sampler.commands.parser import build_parser

    chosen = build_parser().parse_args(words)
    status: int = chosen.run(chosen)
    return status
