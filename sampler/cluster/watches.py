"""What the API server tells of objects as they change, by ``kubectl get --watch``: several such, in one thread."""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from sampler.cluster.documents import Documents
from sampler.cluster.errors import ClusterError, Forbidden, NotLoggedIn
from sampler.cluster.kubectl import Object, error_of, missing

# One that nobody reads any more, as we were killed, ends by itself.
_OPTIONS = ("--watch", "--output-watch-events", "--output=json", "--request-timeout=1m")
# The API server ends a watch after some time; one that ends at once is not to be a tight loop.
_AGAIN_S = 2.0
# Whoever may list and not watch gets the list again now and then.
_REFUSED_AGAIN_S = 30.0


class Watch:
    """One command, run again whenever it has ended. Each time it tells first of all that there is."""

    def __init__(self, words: list[str]) -> None:
        """``words``: those of ``kubectl get``."""
        self._words = [*words, *_OPTIONS]
        self._process: subprocess.Popen[bytes] | None = None
        self._documents = Documents()
        self._due_s = 0.0
        self.refusal: ClusterError | None = None  # what it ended with the last time, if that is for long

    @property
    def due_s(self) -> float | None:
        """When it is to be run again; None while it runs."""
        return self._due_s if self._process is None else None

    def begin(self) -> int:
        """Runs it; the descriptor that it writes to. KubectlMissing."""
        self._documents = Documents()
        self._said = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - until `end`
        try:
            self._process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,
            )
        except OSError as error:
            self._said.close()
            raise missing(self._words[0], error) from error
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def read(self) -> list[Object] | None:
        """The events that have become whole; None at its end."""
        assert self._process is not None
        assert self._process.stdout is not None
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        return list(self._documents.feed(data)) if data else None

    def end(self) -> None:
        """It is not run again before its time."""
        if self._process is None:
            return
        with self._process as process, self._said:
            process.kill()
            process.wait()
            self._said.seek(0)
            said = self._said.read()
        self._process = None
        error = error_of(said)
        self.refusal = error if isinstance(error, Forbidden | NotLoggedIn) else None
        self._due_s = time.monotonic() + (_AGAIN_S if self.refusal is None else _REFUSED_AGAIN_S)


class Watches:
    """Follows them until it is closed. One thread's, but for ``wake``."""

    def __init__(self) -> None:
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._all: list[Watch] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for watch in list(self._all):
            self.drop(watch)
        self._selector.close()

    def wake(self) -> None:
        """Ends a wait; from any thread, or a signal's handler."""
        with suppress(BlockingIOError):  # it has been woken often enough
            os.write(self._waker, b"w")

    def close(self) -> None:
        """Once nobody wakes it any more."""
        os.close(self._woken)
        os.close(self._waker)

    def add(self, watch: Watch) -> None:
        self._all.append(watch)

    def drop(self, watch: Watch) -> None:
        self._end(watch)
        self._all.remove(watch)

    def wait(self, until_s: float | None) -> Iterator[tuple[Watch, Object | None]]:
        """What has come when something has, or the time is over, or it was woken. None: this one has ended."""
        for watch in self._all:
            if watch.due_s is not None and watch.due_s <= time.monotonic():
                self._selector.register(watch.begin(), selectors.EVENT_READ, watch)
        due = [at for at in (until_s, *(watch.due_s for watch in self._all)) if at is not None]
        timeout_s = max(0.0, min(due) - time.monotonic()) if due else None
        for key, _ in self._selector.select(timeout_s):
            if key.data is None:
                os.read(self._woken, 1 << 16)
                continue
            events = key.data.read()
            if events is None:
                self._end(key.data)
                yield key.data, None
            for event in events or ():
                yield key.data, event

    def _end(self, watch: Watch) -> None:
        for key in [key for key in self._selector.get_map().values() if key.data is watch]:
            self._selector.unregister(key.fd)
        watch.end()
