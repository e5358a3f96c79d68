"""One target of a run as its user knows it, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from sampler.errors import SamplerError
from sampler.frontend import Asking
from sampler.recording import Line, Recording


@dataclass(frozen=True, slots=True)
class Member:
    """``label`` is unique in a run: what stands in front of each of its lines. ``start`` makes its recorder."""

    label: str
    start: Callable[[], Asking]


class FleetView(Protocol):
    """Is told of everything, in one thread: what is shown, and what is saved.

    ``show`` gets each line of a member's recording as text and as object, and all that is known of it. What is
    ``said`` is in no recording. ``ended`` comes once a member, with what went wrong.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def joined(self, label: str) -> None: ...

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None: ...

    def said(self, label: str, remark: str) -> None: ...

    def ended(self, label: str, error: SamplerError | None) -> None: ...

    def tick(self) -> None:
        """Called a few times a second, whether or not something came."""


class Unseen:
    """Shows nothing; also the base of those that need only some of the methods."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def joined(self, label: str) -> None:
        pass

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        pass

    def said(self, label: str, remark: str) -> None:
        pass

    def ended(self, label: str, error: SamplerError | None) -> None:
        pass

    def tick(self) -> None:
        pass


class InOrder(Unseen):
    """Several, each told after the one before it: what is saved comes before what is shown."""

    def __init__(self, *views: FleetView) -> None:
        self._views, self._open = views, ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as entered:
            for view in self._views:
                entered.enter_context(view)
            self._open = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, value, trace)

    def joined(self, label: str) -> None:
        for view in self._views:
            view.joined(label)

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        for view in self._views:
            view.show(label, text, line, recording)

    def said(self, label: str, remark: str) -> None:
        for view in self._views:
            view.said(label, remark)

    def ended(self, label: str, error: SamplerError | None) -> None:
        for view in self._views:
            view.ended(label, error)

    def tick(self) -> None:
        for view in self._views:
            view.tick()
