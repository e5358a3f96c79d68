"""One instrument on the target, for the length of one window: from its recorder's start to what it has seen.

The window begins when the instrument is attached and ends before it is asked to leave: attaching and leaving
are told beside it. What the recorder writes meanwhile is read, and taken apart afterwards: on a small machine that
would be felt by the target.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sampler.compare.progress import Progress, Progressed
from sampler.compare.result import Asked, Line
from sampler.compare.within import Within
from sampler.errors import NotAnswerable, SamplerError
from sampler.frontend import Recorder, split_lines
from sampler.linux.cpu_time import used_by_family_ns
from sampler.units import NS_PER_SECOND

_ATTACHES_WITHIN_S = 60.0
#: How closely the end of a window is kept; so often its windows with nobody are looked after, too.
SLICE_S = 0.05


@dataclass(frozen=True, slots=True)
class _Used:
    """Processor time of the recorder and its children, at a moment."""

    cpu_ns: int
    at_ns: int

    @staticmethod
    def by(pid: int) -> _Used:
        return _Used(used_by_family_ns(pid), time.monotonic_ns())


class Visit:
    """``run`` returns when the recorder has left the target; then ``asked``, ``progressed``, ``failed`` and ``ended``
    tell of the window. ``halt``: once it is set, the window ends.
    """

    def __init__(
        self, words: list[str], expression: str, window_ns: int, progress: Progress, halt: threading.Event
    ) -> None:
        self._recorder, self._halt = Recorder(words), halt
        self._expression, self._window_ns, self._progress = expression, window_ns, progress
        self._within: Within | None = None
        self._footer: Line | None = None
        self._unread: list[str] = []  # what came in the window and after
        self._started_ns = time.monotonic_ns()
        self._ended_ns: int | None = None
        self._used: tuple[_Used, _Used] | None = None
        self.begun_ns: int | None = None
        self.asked: Asked | None = None
        self.progressed: Progressed | None = None
        self.failed: SamplerError | None = None
        self.ended = ""

    def run(self, tick: Callable[[], None]) -> None:
        """Errors of the run are kept in ``failed``; raises what ``Progress`` does."""

        def each() -> None:
            self._tick()
            tick()

        with self._recorder:
            for text in split_lines(self._recorder.chunks(each, SLICE_S)):
                if self.begun_ns is None:
                    self._take(text)
                else:
                    self._unread.append(text)
            self._end_window()
            for text in self._unread:
                self._take(text)
            self._close()

    @property
    def at_ns(self) -> int:
        """When its window began, or, if it came to none, when it was tried."""
        return self.begun_ns or self._started_ns

    def _take(self, text: str) -> None:
        if not text.endswith("\n"):  # cut off
            return
        line: Line = json.loads(text)
        if self._within is None:
            if line["type"] == "footer":
                self.failed = SamplerError.from_json(line.get("error", {}))
                return
            self._within = Within(self._expression, line)
        elif line["type"] == "footer":
            self._footer = line
        else:
            self._within.add(line)
        self._recorder.take_note(line)
        if line.get("event") == "attach":
            self._begin_window()

    def _begin_window(self) -> None:
        self.begun_ns = time.monotonic_ns()
        self._used = (_Used.by(self._recorder.pid), _Used.by(self._recorder.pid))
        self._progress.begin()

    def _tick(self) -> None:
        now_ns = time.monotonic_ns()
        if self.begun_ns is None:
            over = now_ns > self._started_ns + _ATTACHES_WITHIN_S * NS_PER_SECOND
        else:
            over = now_ns >= self.begun_ns + self._window_ns
        if over or self._halt.is_set():
            self._end_window()
            self._recorder.stop()

    def _end_window(self) -> None:
        if self.begun_ns is None or self._ended_ns is not None:
            return
        self._ended_ns = time.monotonic_ns()
        self.progressed = self._progress.end()
        if self._used is not None and (last := _Used.by(self._recorder.pid)).cpu_ns:
            self._used = (self._used[0], last)

    def _close(self) -> None:
        footer = self._footer
        if self.failed is None and footer is None:
            self.failed = self._recorder.see_to()
        elif footer is not None and "error" in footer:
            self.failed = SamplerError.from_json(footer["error"])
        elif self.failed is None and self.begun_ns is None and not self._halt.is_set():
            why, fix = f"not within {_ATTACHES_WITHIN_S:.0f} s", "see what `sampler watch` says with this instrument"
            self.failed = NotAnswerable("nobody was attached", why, fix)
        self.ended = footer["ended"] if footer else ""
        if self._within is not None and self.begun_ns is not None and self._ended_ns is not None and self._used:
            first, last = self._used
            self.asked = self._within.asked(
                self.begun_ns, self._ended_ns, last.cpu_ns - first.cpu_ns, last.at_ns - first.at_ns
            )
