"""One place to wait in: for a descriptor, and for every reason to leave the target.

The recorder is told to leave by a signal, by its reader closing the recording's pipe, or by its front
end's end of the lifeline being closed, which the kernel does however that front end ended.
"""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """``reason`` is None until somebody wants the run to end: ``interrupted`` or ``reader-gone``."""

    def __init__(self, output: int | None = None, lifeline: int | None = None) -> None:
        self.reason: str | None = None
        self._awake, self._alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poller = select.poll()
        self._poller.register(self._awake, select.POLLIN)
        self._vital = [number for number in (output, lifeline) if number is not None]
        for number in self._vital:
            # POLLERR: the last reader of a pipe has gone; POLLHUP: the other end of a socket or terminal.
            self._poller.register(number, select.POLLIN if number == lifeline else 0)

    def __enter__(self) -> StopRequest:
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The handlers stay: a late signal must not end the process before its last line is written.
        signal.set_wakeup_fd(-1)

    def request(self, reason: str) -> None:
        """Asks from within; the first reason counts."""
        self.reason = self.reason or reason

    def wait(self, timeout_s: float, descriptor: int | None = None) -> bool:
        """Waits until ``descriptor`` can be read (True), there is a reason to stop, or time is up (False)."""
        if descriptor is not None:
            self._poller.register(descriptor, select.POLLIN)
        try:
            ready = [number for number, _ in self._poller.poll(max(0.0, timeout_s) * 1000)]
        finally:
            if descriptor is not None:
                self._poller.unregister(descriptor)
        self._take_notice(ready)
        return descriptor in ready

    def _take_notice(self, ready: list[int]) -> None:
        if self._awake in ready:
            try:
                os.read(self._awake, 512)
            except BlockingIOError:
                pass
        for number in ready:
            if number in self._vital:
                self.request("reader-gone")
                self._vital.remove(number)
                self._poller.unregister(number)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.request("interrupted")
