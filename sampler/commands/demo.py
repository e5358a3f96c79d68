"""The talk, live: from the question to the choice of an instrument, on programs that tell their own truth.

  sampler demo                   the whole path, step after step; Enter goes on, Ctrl-C ends it
  sampler demo --list            what the steps are
  sampler demo low-frequency     one of them
  sampler demo --slides          in large type, for a projector

Each step says what to look at, asks as one would type it, and says what was seen in that very run. Besides,
uprobe-count, usdt-latency and diode-gap are one command each. The programs are those of a checkout of sampler's
sources: `make demo-programs` builds them.
"""

from __future__ import annotations

import argparse

from sampler import units
from sampler.commands.options import typed
from sampler.demonstrations import SINGLE, STEPS, TRACED, listing
from sampler.errors import UsageError
from sampler.instruments.base import AUTO, INSTRUMENTS, TRACING

HELP = "the talk, live: a path of steps"
_SINGLE_NS = 10 * units.NS_PER_SECOND


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", choices=(*STEPS, *SINGLE), metavar="STEP", help="one of --list (default: all, in order)"
    )
    parser.add_argument("--list", action="store_true", help="say what the steps are, and show none")
    parser.add_argument("--slides", action="store_true", help="few words a screen, for a projector")
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
        metavar="TIME",
        help="how long each measurement of a step takes (default: as fits the step, up to 8s)",
    )


def run(arguments: argparse.Namespace) -> int:
    if arguments.list:
        print(*listing(), sep="\n")
        return 0
    _check(arguments.name, arguments.instrument, arguments.slides)
    if arguments.name in SINGLE:
        from sampler.demonstrations.single import show

        return show(arguments.name, arguments.instrument, arguments.duration or _SINGLE_NS, _run)
    from sampler.demonstrations.walk import walk

    names = (arguments.name,) if arguments.name else STEPS
    return walk(names, _run, arguments.instrument, arguments.duration, arguments.slides)


def _check(name: str | None, instrument: str, slides: bool) -> None:
    if slides and name in SINGLE:
        raise UsageError(f"{name} has no slides", fix="give a step of `sampler demo --list`")
    if instrument == AUTO or name == "diode-gap":
        return
    if name is not None and name not in (*TRACED, *SINGLE):
        raise UsageError(f"{name} has instruments of its own", fix="leave out --with")
    if instrument not in TRACING:
        raise UsageError(f"{instrument} does not meet every hit", fix=f"give {' or '.join(TRACING)}")


def _run(words: list[str]) -> int:
    from sampler.commands.parser import build_parser

    chosen = build_parser().parse_args(words)
    status: int = chosen.run(chosen)
    return status
