"""A stream whose writes never make the writer wait.

The recorder serves a target that may be suspended at any moment; a reader that has been stopped, or
a disk that is slow, must not hold it up. A thread of its own does the writing.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import IO

_READER_GONE = (errno.EPIPE, errno.EIO)  # a closed pipe, and a terminal that has hung up

#: Characters that wait for a reader who has been stopped: hours of looks, or minutes of many samples. A recorder
#: without memory is ended by the kernel, which may be its target's end too.
MOST_WAITING = 1 << 28


class Outbox:
    """``write`` queues; ``close`` waits until all is written. ``on_failure`` is called at the first error.

    ``failure``: why not all was written, if it was not the reader who went away.
    """

    def __init__(self, stream: IO[str], on_failure: Callable[[], None]) -> None:
        self._stream, self._on_failure = stream, on_failure
        self.failure: str | None = None
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._taken, self._done, self._taking = 0, 0, Lock()  # characters; several threads write
        self._thread = Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        with self._taking:
            if self._taken - self._done < MOST_WAITING:
                self._taken += len(text)
                self._queue.put(text)
                return
        if self.failure is None:
            self.failure = f"{MOST_WAITING >> 20} MB wait for a reader that does not read"
            self._on_failure()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        failed = False
        while (text := self._queue.get()) is not None:
            self._done += len(text)
            if failed:
                continue
            try:
                self._stream.write(text)
                self._stream.flush()
            except (OSError, ValueError) as error:
                failed = True
                if isinstance(error, OSError) and error.errno not in _READER_GONE:
                    self.failure = error.strerror
                self._on_failure()
