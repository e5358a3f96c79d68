"""A recorder at the other end of ``kubectl exec``, as a fleet follows it.

Its standard input is our lifeline: a line every few seconds says that we are there, its end asks to leave. Whatever
breaks the way between, the end over there hears nothing more, and leaves the target.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from sampler.cluster.errors import ConnectionLost
from sampler.cluster.kubectl import error_of, missing
from sampler.errors import SamplerError
from sampler.frontend import LEAVES_WITHIN_S
from sampler.recording import Line

_TICK_S = 0.25
#: Those at the other end leave after 15 s without one.
_HEARTBEAT_S = 3.0


class RemoteRecorder:
    """``kubectl exec -i AGENT -- sampler agent ask …``, for the length of a ``with`` block."""

    def __init__(self, words: list[str], fate: Callable[[], str], on_end: Callable[[Line | None], None]) -> None:
        """``words``: the whole command line. ``fate`` finds out, after a connection broke, how the target is.

        ``on_end`` is told the footer when it comes, and None when there will be none.
        """
        self._words, self._fate, self._on_end = words, fate, on_end
        self._stopped_at: float | None = None
        self._why_cut = ""
        # Reentrant: a signal's handler may stop it in whatever it is about to do. The three below change with it held.
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._waker = -1

    def __enter__(self) -> Self:
        self._said = tempfile.TemporaryFile("w+", errors="replace")
        try:
            started = subprocess.Popen(
                self._words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,  # Ctrl-C is ours to answer
            )
        except OSError as error:
            self._said.close()
            raise missing(self._words[0], error) from error
        self._woken, waker = os.pipe()
        with self._lock:
            self._process, self._waker = started, waker
            if self._stopped_at is not None:  # it has come between
                os.write(waker, b"x")
            if self._why_cut:
                started.kill()
        self._heart = threading.Thread(target=self._beat, daemon=True)
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._heart.join()
        self._stdout.close()
        self._ends()
        with self._lock:  # no descriptor that is another's by now is written to, and no process of another is killed
            os.close(self._waker)
            self._process, self._waker = None, -1
        os.close(self._woken)
        self._said.close()

    def stop(self) -> None:
        """Asks it to leave the target and to end; once is enough, at any time and from any thread."""
        with self._lock:
            if self._stopped_at is None:
                self._stopped_at = time.monotonic()
                if self._waker >= 0:
                    os.write(self._waker, b"x")

    def cut(self, why: str) -> None:
        """For a way of which it is known that it leads nowhere any more; at any time and from any thread."""
        with self._lock:
            self._why_cut = why
            self._kill()

    def chunks(self, tick: Callable[[], None]) -> Iterator[bytes]:
        """What it writes, as it comes. A way that was to be closed and is not is cut, so that this ends."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            while True:
                if selector.select(_TICK_S):
                    data = os.read(self._stdout.fileno(), 1 << 16)
                    if not data:
                        return
                    yield data
                elif self._stopped_at is not None and time.monotonic() > self._stopped_at + LEAVES_WITHIN_S:
                    self._kill()
                tick()

    def take_note(self, line: Line) -> None:
        """The footer says whether the target has ended: then another may take its place."""
        if line["type"] == "footer":
            self._on_end(line)

    def see_to(self) -> SamplerError:
        """After an end without a footer. The recorder there is on its own, and knows what to do; here it is said."""
        self._ends()
        self._on_end(None)
        self._said.seek(0)
        said = self._said.read()
        own = [line.partition("sampler: ")[2] for line in said.splitlines() if line.startswith("sampler: ")]
        why = self._why_cut or (own[-1] if own else error_of(said).why)
        return ConnectionLost("the connection to the recorder broke off", why, self._fate())

    def _beat(self) -> None:
        """Until asked to stop, or nobody is there."""
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as way, selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            while not selector.select(_HEARTBEAT_S):
                way.write(b"\n")
                way.flush()

    @property
    def _stdout(self) -> IO[bytes]:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout

    def _kill(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _ends(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(LEAVES_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
