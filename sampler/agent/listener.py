"""Whether somebody still wants a run: told by the asker's standard input, by who reads, and by the agent."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sampler.agent.channel import Broken, Channel, missing
from sampler.errors import AskerSilent, InternalError, SamplerError

_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Listener:
    """``wanted``: False once nobody wants the run; ``on_end`` is called then, once. ``error``: where not the asker ends
    it.
    """

    def __init__(self, heartbeat: int, output: int, silence_s: float, on_end: Callable[[], None]) -> None:
        """``heartbeat``: whatever can be read there tells that somebody is there; its end that nobody is, and so does a
        silence of ``silence_s``. ``output``: where the recording goes.
        """
        self._heartbeat, self._output = heartbeat, output
        self._silence_s, self._on_end = silence_s, on_end
        self.error: SamplerError | None = None
        self.wanted = True
        self._first = threading.Lock()  # who gets it ends the run; never given back, so no signal's handler waits

    @contextmanager
    def listening(self, agent: Channel) -> Iterator[None]:
        """In a thread of its own for the length of the block: the main one may be writing to a slow reader."""
        awake, alarm = os.pipe2(os.O_CLOEXEC)
        thread = threading.Thread(target=self._run, args=(agent, awake), name="listener", daemon=True)
        try:
            thread.start()
            try:
                yield
            finally:
                os.write(alarm, b"\0")
                thread.join()
        finally:
            os.close(alarm)
            os.close(awake)

    def end(self, error: SamplerError | None = None) -> None:
        """Nobody wants it any more; the first reason counts. From any thread, or a signal's handler."""
        if self._first.acquire(blocking=False):
            self.error, self.wanted = error, False
            self._on_end()

    def _run(self, agent: Channel, awake: int) -> None:
        """Where nobody listens any more, nobody could end the run: that ends it."""
        try:
            self._listen(agent, awake)
        except Exception as error:
            self.end(InternalError.of(error))

    def _listen(self, agent: Channel, awake: int) -> None:
        poll = select.poll()
        poll.register(awake, select.POLLIN)
        poll.register(self._heartbeat, select.POLLIN)
        poll.register(self._output, 0)  # that its last reader has gone is told unasked
        poll.register(agent, select.POLLIN)
        heard = time.monotonic()
        while self.wanted:
            ready = dict(poll.poll(1000 * max(0.0, heard + self._silence_s - time.monotonic())))
            if awake in ready:
                return
            if self._heartbeat in ready:
                if not self._beats():
                    self.end()
                heard = time.monotonic()
            if ready.get(self._output, 0) & _GONE:
                self.end()
            if time.monotonic() >= heard + self._silence_s:
                self.end(_silent(self._silence_s))
            if agent.fileno() in ready:
                self._hear(agent)

    def _beats(self) -> bool:
        with suppress(BlockingIOError):
            try:
                return bool(os.read(self._heartbeat, 1 << 16))
            except OSError as error:
                if isinstance(error, BlockingIOError):
                    raise
                return False  # a terminal that has hung up
        return True

    def _hear(self, agent: Channel) -> None:
        try:
            for message in agent.received():
                if message.get("op") == "leave":
                    self.end(SamplerError.from_json(message.get("error", {})))
        except Broken as error:  # nobody would know of the run any more
            self.end(missing(str(error)))


def _silent(silence_s: float) -> AskerSilent:
    return AskerSilent("nothing was heard of whoever asks", f"for {silence_s:g} s; the target was left", "ask again")
