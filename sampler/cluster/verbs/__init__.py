"""Ask the pods of a cluster a question; get the answers with their cost.

Options of kubectl are given after the verb. TARGET is pod/NAME, NAME, deploy/NAME, or whatever else selects pods;
-l LABELS may be in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import cast

from sampler.commands import Command

VERBS = ("install", "uninstall", "status", "doctor", "grant", "watch", "diode-gap", "count", "latency", "vars")


def load() -> Iterator[tuple[str, Command]]:
    """Each verb with its module."""
    for verb in VERBS:
        yield verb, cast(Command, import_module(f"{__name__}.{verb.replace('-', '_')}"))
