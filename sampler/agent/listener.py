"""Whether somebody still wants a run: told by the asker's standard input, by who reads, and by the agent."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from sampler.agent.channel import Broken, Channel, missing
from sampler.errors import AskerSilent, SamplerError

_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Listener:
    """A thread of its own for the length of a ``with`` block: its main one may be writing to a slow reader.

    ``wanted``: False once nobody wants the run; ``on_end`` is called then, once. ``error``: where the agent ends it.
    """

    def __init__(
        self, heartbeat: int, output: int, agent: Channel, silence_s: float, on_end: Callable[[], None]
    ) -> None:
        """``heartbeat``: whatever can be read there tells that somebody is there; its end that nobody is, and so does a
        silence of ``silence_s``. ``output``: where the recording goes.
        """
        self._heartbeat, self._output, self._agent = heartbeat, output, agent
        self._silence_s, self._on_end = silence_s, on_end
        self.error: SamplerError | None = None
        self.wanted = True
        self._awake, self._alarm = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._alarm)
        self._thread.join()
        os.close(self._awake)

    def end(self, error: SamplerError | None = None) -> None:
        """Nobody wants it any more; the first reason counts. From any thread."""
        if self.wanted:
            self.error, self.wanted = error, False
            self._on_end()

    def _listen(self) -> None:
        poll = select.poll()
        poll.register(self._awake, select.POLLIN)
        poll.register(self._heartbeat, select.POLLIN)
        poll.register(self._output, 0)  # that its last reader has gone is told unasked
        poll.register(self._agent, select.POLLIN)
        heard = time.monotonic()
        while self.wanted:
            ready = dict(poll.poll(1000 * max(0.0, heard + self._silence_s - time.monotonic())))
            if self._awake in ready:
                return
            if self._heartbeat in ready:
                if not self._beats():
                    self.end()
                heard = time.monotonic()
            if ready.get(self._output, 0) & _GONE:
                self.end()
            if time.monotonic() >= heard + self._silence_s:
                self.end(_silent(self._silence_s))
            if self._agent.fileno() in ready:
                self._hear_agent()

    def _beats(self) -> bool:
        with suppress(BlockingIOError):
            try:
                return bool(os.read(self._heartbeat, 1 << 16))
            except OSError as error:
                if isinstance(error, BlockingIOError):
                    raise
                return False  # a terminal that has hung up
        return True

    def _hear_agent(self) -> None:
        try:
            for message in self._agent.received():
                if message.get("op") == "leave":
                    self.end(SamplerError.from_json(message.get("error", {})))
        except Broken as error:  # nobody would know of the run any more
            self.end(missing(str(error)))


def _silent(silence_s: float) -> AskerSilent:
    return AskerSilent("nothing was heard of whoever asks", f"for {silence_s:g} s; the target was left", "ask again")
