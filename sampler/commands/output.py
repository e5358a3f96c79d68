"""Where a run goes: to a view whose reader may leave, and into a file."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import IO, Self

from sampler.errors import OutputError, SamplerError
from sampler.fleet.member import FleetView, Unseen
from sampler.recording import Line, Recording
from sampler.view import View

# A closed pipe, and a terminal that has hung up.
_READER_GONE = (errno.EPIPE, errno.EIO)


class Alone(Unseen):
    """The view of one target's recording as one of a fleet of one."""

    def __init__(self, view: View) -> None:
        self._view = view

    def __enter__(self) -> Self:
        self._view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._view.__exit__(kind, value, trace)

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        self._view.show(text, line, recording)

    def tick(self) -> None:
        self._view.tick()


class Kept(Unseen):
    """One target's recording as it comes, in a file."""

    def __init__(self, saved: Saved) -> None:
        self._saved = saved

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        self._saved.write(text)


class Watched:
    """A view whose reader may go away: a normal end of the run, and what is saved is still made whole."""

    def __init__(self, view: FleetView) -> None:
        self._view = view
        self.on_gone: Callable[[], None] = lambda: None  # set by whoever runs it

    def __enter__(self) -> Self:
        with self._reader():
            self._view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._reader():
            self._view.__exit__(kind, value, trace)

    def joined(self, label: str) -> None:
        with self._reader():
            self._view.joined(label)

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        with self._reader():
            self._view.show(label, text, line, recording)

    def said(self, label: str, remark: str) -> None:
        with self._reader():
            self._view.said(label, remark)

    def ended(self, label: str, error: SamplerError | None) -> None:
        with self._reader():
            self._view.ended(label, error)

    def tick(self) -> None:
        with self._reader():
            self._view.tick()

    @contextmanager
    def _reader(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno not in _READER_GONE:
                raise OutputError("cannot write the output", error.strerror or str(error), "make room") from error
            self._view = Unseen()
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.on_gone()


class Saved:
    """The file given by ``--output``: new, or a device or pipe. Each line is written at once."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            if os.path.isfile(path) and os.path.getsize(path):
                raise OutputError(f"{path} exists", "a recording is never overwritten", "choose another name")
            self._file: IO[str] = open(path, "w", encoding="utf-8", buffering=1)  # noqa: SIM115
        except OSError as error:
            raise self._error(error, "choose a place that can be written") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._file.close()
        if os.path.isfile(self._path) and not os.path.getsize(self._path):
            os.unlink(self._path)  # nothing was asked: leave no empty file behind

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            raise self._error(error, "make room; the lines before this one are whole") from error

    def _error(self, error: OSError, fix: str) -> OutputError:
        return OutputError(f"cannot write {self._path}", error.strerror or str(error), fix)
