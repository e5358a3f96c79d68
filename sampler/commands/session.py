"""One run as the user sees it: the recorder's lines saved, shown and summed up."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import TracebackType
from typing import IO, Self

from sampler.commands.options import arguments_from
from sampler.errors import OutputError, SamplerError
from sampler.frontend import Recorder, split_lines, stop_signals
from sampler.instruments.base import TRACING
from sampler.question import AnyQuestion, Question
from sampler.recording import Line, Recording
from sampler.view import Quiet, View, choose_view

# A closed pipe, and a terminal that has hung up.
_READER_GONE = (errno.EPIPE, errno.EIO)


def run_question(arguments: argparse.Namespace, target: str | None, question: Question) -> int:
    """A question that is asked by looks, or of every hit, as the instrument has it."""
    words = [
        "record",
        f"--instrument={arguments.instrument}",
        *arguments_from(question, arguments.instrument in TRACING and question.aggregate is None),
        "--",
        *([target] if target is not None else []),
        *question.expressions,
    ]
    return run_session(arguments, words)


def run_session(arguments: argparse.Namespace, words: list[str]) -> int:
    """``words``: the recorder's command and its arguments. Runs to the end and returns exit status 0; raises the
    SamplerError that the run ended with.
    """
    with ExitStack() as stack:
        saved = stack.enter_context(Saved(arguments.output)) if arguments.output else None
        recorder = stack.enter_context(Recorder(words))
        stack.enter_context(stop_signals(recorder.stop))
        chosen = choose_view(arguments.format, arguments.quiet, sys.stdout)
        view = stack.enter_context(Watched(chosen, recorder.stop))
        session = Session(recorder, view, saved)
        for text in split_lines(recorder.chunks(view.tick)):
            session.take(text)
        session.close()
    return 0


def run_tracing_recorder(arguments: argparse.Namespace, target: str | None, question: AnyQuestion) -> int:
    """This process is the recorder of a command that traces."""
    from sampler.recorder import Order, record

    record(Order(target, question, arguments.instrument, arguments.lifeline), sys.stdout)
    return 0


class Session:
    """Follows one recorder: each line is saved first, then shown."""

    def __init__(self, recorder: Recorder, view: View, saved: Saved | None) -> None:
        self._recorder, self._view, self._saved = recorder, view, saved
        self._recording: Recording | None = None

    def take(self, text: str) -> None:
        """One line of the recording, or the cut rest of one."""
        if not text.endswith("\n"):
            return
        line: Line = json.loads(text)
        if self._recording is None:
            if line["type"] == "footer":  # refused before anything was touched: there is no recording
                raise SamplerError.from_json(line.get("error", {}))
            self._recording = Recording(line)
        else:
            self._recording.add(line)
        self._recorder.take_note(line)
        if self._saved is not None:
            self._saved.write(text)
        self._view.show(text, line, self._recording)

    def close(self) -> None:
        """Raises what the run ended with, if it did not end in good order."""
        footer = self._recording.footer if self._recording else None
        if footer is None:
            raise self._recorder.see_to()
        if "error" in footer:
            raise SamplerError.from_json(footer["error"])


class Watched:
    """A view whose reader may go away: a normal end of the run, and what is saved is still made whole."""

    def __init__(self, view: View, on_gone: Callable[[], None]) -> None:
        self._view, self._on_gone = view, on_gone

    def __enter__(self) -> Self:
        with self._reader():
            self._view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._reader():
            self._view.__exit__(kind, value, trace)

    def show(self, text: str, line: Line, recording: Recording) -> None:
        with self._reader():
            self._view.show(text, line, recording)

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
            self._view = Quiet()
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._on_gone()


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
