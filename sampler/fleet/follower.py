"""One member's recorder, from its start to what it ended with, in a thread of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from sampler.errors import InternalError, SamplerError
from sampler.fleet.member import Member
from sampler.frontend import Asking, lost, split_lines
from sampler.recording import Line

Take = Callable[[str, Line], None]


class Follower:
    """``run`` returns when the recorder has left its target. ``turns`` are of those that read their question."""

    def __init__(self, member: Member, turns: threading.Semaphore) -> None:
        self.label = member.label
        self._member, self._turn = member, _Turn(turns)
        self._asking: Asking | None = None
        self._stopping = False

    def stop(self) -> None:
        """Asks it to leave; from any thread."""
        self._stopping = True
        if self._asking is not None:
            self._asking.stop()

    def run(self, take: Take) -> SamplerError | None:
        """What went wrong; None for a good end. ``take`` gets each line of the recording, as text and as object."""
        try:
            with self._turn:
                return None if self._stopping else self._ask(take)
        except SamplerError as error:
            return error
        except Exception as error:
            return InternalError.of(error)

    def _ask(self, take: Take) -> SamplerError | None:
        footer: Line | None = None
        begun = False
        with self._member.start() as asking:
            self._asking = asking
            if self._stopping:  # it has come between
                asking.stop()
            for text in split_lines(asking.chunks(_no_tick)):
                self._turn.over()
                if not text.endswith("\n"):  # cut off
                    continue
                line: Line = json.loads(text)
                asking.take_note(line)
                footer = line if line["type"] == "footer" else None
                if footer and not begun:  # refused before anything was touched: there is no recording
                    continue
                begun = True
                take(text, line)
            if footer is None:
                return lost(asking, begun, self._stopping)
        return SamplerError.from_json(footer["error"]) if "error" in footer else None


class _Turn:
    """A turn in the block, or until it is ``over``."""

    def __init__(self, turns: threading.Semaphore) -> None:
        self._turns, self._mine = turns, False

    def __enter__(self) -> None:
        self._turns.acquire()
        self._mine = True

    def __exit__(self, *_: object) -> None:
        self.over()

    def over(self) -> None:
        if self._mine:
            self._mine = False
            self._turns.release()


def _no_tick() -> None:
    pass
