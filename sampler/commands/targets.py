"""Whom a command line names: one target, several PIDs, or all processes of a name."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from itertools import takewhile
from typing import TypeVar

from sampler import units
from sampler.commands.options import typed
from sampler.errors import NoSuchProcess, UsageError
from sampler.question import AnyQuestion

_MOST = 1000
_Asked = TypeVar("_Asked", bound=AnyQuestion)


def add_fleet_options(parser: argparse.ArgumentParser) -> None:
    """For commands that ask several targets in one run."""
    several = parser.add_argument_group("several targets")
    several.add_argument("--all", metavar="NAME", dest="everyone", help="every process of that name")
    several.add_argument(
        "--max-suspended-all",
        type=typed(units.parse_share),
        metavar="SHARE",
        help="of all targets together: largest share of time that looks and hits may suspend one or another of them",
    )


def targets_and_rest(words: list[str], everyone: str | None) -> tuple[list[str], list[str]]:
    """Whom, and the words that are left. Nobody: $PID is meant. ``everyone``: the name given by --all.

    Leading words of digits alone are PIDs; else the first word is a name. The last word is none of either, unless
    it is a number and stands alone.
    """
    if everyone is not None:
        return _checked([str(pid) for pid in _named(everyone)]), words
    if len(words) == 1:
        return (words, []) if _is_pid(words[0]) else ([], words)
    pids = list(takewhile(_is_pid, words[:-1]))
    named = pids or words[:1]
    return _checked(named), words[len(named) :]


def _checked(named: list[str]) -> list[str]:
    if len({word.lstrip("0") for word in named}) < len(named):
        raise UsageError("the same process is named twice", fix="give each PID once")
    if len(named) > _MOST:
        raise UsageError(f"{len(named)} targets are too many", fix=f"name at most {_MOST}")
    return named


def only(targets: list[str]) -> str | None:
    """The target of what is done with one; None for $PID."""
    if len(targets) > 1:
        raise UsageError("several processes are named", "one is asked here", "give one PID")
    return targets[0] if targets else None


def shared(question: _Asked, most_of_all: float | None, members: int) -> _Asked:
    """The question to each: with its part of what all together may be suspended.

    So it holds also where nobody hears of the others. ``most_of_all``: a share of the time, None for no limit.
    """
    if most_of_all is None:
        return question
    share = min(question.budget.max_suspended, most_of_all / max(1, members))
    return replace(question, budget=replace(question.budget, max_suspended=share))


def labels(pids: list[int]) -> dict[int, str]:
    """What each is called in front of its lines: by name and PID."""
    from sampler.linux import procfs

    found = {}
    for pid in pids:
        try:
            found[pid] = f"{procfs.stat(pid).name} ({pid})"
        except OSError:  # it has just ended: its recorder will say so
            found[pid] = str(pid)
    return found


def _is_pid(word: str) -> bool:
    return word.isascii() and word.isdigit()


def _named(name: str) -> list[int]:
    from sampler.linux import procfs

    found = [pid for pid in procfs.named(name) if pid != os.getpid()]
    if not found:
        raise NoSuchProcess(f"no process is named {name!r}", fix="see `ps -e` for what runs")
    return found
