"""A stream whose writes never make the writer wait.

The recorder serves a target that may be suspended at any moment; a reader that has been stopped, or
a disk that is slow, must not hold it up. A thread of its own does the writing.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import IO


class Outbox:
    """``write`` queues; ``close`` waits until all is written. ``on_failure`` is called at the first error."""

    def __init__(self, stream: IO[str], on_failure: Callable[[], None]) -> None:
        self._stream, self._on_failure = stream, on_failure
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        self._queue.put(text)

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        failed = False
        while (text := self._queue.get()) is not None:
            if failed:
                continue
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError):
                failed = True
                self._on_failure()
