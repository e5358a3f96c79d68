"""What a user sees of a recording: while it grows, and after."""

from __future__ import annotations

from types import TracebackType
from typing import IO, TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:  # names of pictures are wanted by the command line, which is to start at once
    from sampler.recording import Line, Recording


class View(Protocol):
    """Shows a growing recording. ``show`` gets each line as text and as object, and all that is known."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, text: str, line: Line, recording: Recording) -> None: ...

    def tick(self) -> None:
        """Called a few times a second, whether or not something came."""


class Quiet:
    """Shows nothing; also the base of views that need only some of the methods."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, text: str, line: Line, recording: Recording) -> None:
        pass

    def tick(self) -> None:
        pass


def choose_view(form: str, quiet: bool, stream: IO[str]) -> View:
    """A live view on a terminal, lines in a pipe, or the machine-readable form asked for."""
    if quiet:
        return Quiet()
    if form == "jsonl":
        from sampler.view.lines import JsonLines

        return JsonLines(stream)
    if form == "csv":
        from sampler.view.lines import Csv

        return Csv(stream)
    if stream.isatty():
        from sampler.view.live import Live

        return Live()
    from sampler.view.lines import Lines

    return Lines(stream)
