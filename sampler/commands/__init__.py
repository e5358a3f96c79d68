"""Ask a running program a question; get the answer with its cost."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from typing import Protocol, cast

VERBS = (
    "diode-gap",
    "watch",
    "count",
    "latency",
    "compare",
    "record",
    "report",
    "plot",
    "doctor",
    "vars",
    "demo",
    "agent",
    "completion",
)


class Command(Protocol):
    """A module of this package. Importing it imports nothing heavy; running it may."""

    HELP: str
    __doc__: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> int: ...


def load() -> Iterator[tuple[str, Command]]:
    """Each verb with its module."""
    for verb in VERBS:
        yield verb, cast(Command, import_module(f"{__name__}.{verb.replace('-', '_')}"))
