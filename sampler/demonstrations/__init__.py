"""The talk, live: a path of steps, each of which starts a program, asks it, and says what was seen in that very run.

A step is a module of ``steps``: what is said before, as data, and one function. To add one, write it and name it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from sampler.demonstrations.stage import Stage

#: In the order of the talk.
STEPS = ("question", "suspended-execution", "low-frequency", "better-way", "uprobe", "usdt", "choose")
#: Those for which the tool that traces may be named.
TRACED = ("uprobe", "usdt")
#: A command for itself, each: see ``single``.
SINGLE = ("uprobe-count", "usdt-latency", "diode-gap")


class Step(Protocol):
    """A module of ``steps``. ``LINE``: one line for the list; ``LOOK``: what to look at, a few short lines.

    ``DURATION_NS``: how long one of its measurements takes, where nothing else is asked for.
    """

    TITLE: str
    LINE: str
    LOOK: tuple[str, ...]
    DURATION_NS: int

    def show(self, stage: Stage) -> None:
        """Asks, and says what was seen. SamplerError: it cannot be shown here."""


def load(name: str) -> Step:
    return cast(Step, import_module(f"{__name__}.steps.{name.replace('-', '_')}"))


def listing() -> Iterator[str]:
    """One line a step, and how to run one."""
    width = max(map(len, (*STEPS, *SINGLE)))
    for number, name in enumerate(STEPS, 1):
        yield f"{number}  {name:<{width}}  {load(name).LINE}"
    yield ""
    yield "sampler demo        walks through all of them"
    yield "sampler demo STEP   shows one"
    yield f"Besides, of one command each: {', '.join(SINGLE)}"
