"""A stream whose writes never make the writer wait.

The recorder serves a target that may be suspended at any moment; a reader that has been stopped, or
a disk that is slow, must not hold it up. A thread of its own does the writing.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import IO

_READER_GONE = (errno.EPIPE, errno.EIO)  # a closed pipe, and a terminal that has hung up

#: Lines that wait for a reader who has been stopped: some hundred megabytes. A recorder without memory is ended
#: by the kernel, which may be its target's end too.
MOST_WAITING = 1 << 18


class Outbox:
    """``write`` queues; ``close`` waits until all is written. ``on_failure`` is called at the first error.

    ``failure``: why not all was written, if it was not the reader who went away.
    """

    def __init__(self, stream: IO[str], on_failure: Callable[[], None]) -> None:
        self._stream, self._on_failure = stream, on_failure
        self.failure: str | None = None
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        if self._queue.qsize() < MOST_WAITING:
            self._queue.put(text)
        elif self.failure is None:
            self.failure = f"{MOST_WAITING} lines wait for a reader that does not read"
            self._on_failure()

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
            except (OSError, ValueError) as error:
                failed = True
                if isinstance(error, OSError) and error.errno not in _READER_GONE:
                    self.failure = error.strerror
                self._on_failure()
