"""One place to wait in: for a descriptor, and for every reason to leave the target.

The recorder is told to leave by a signal, by its reader closing the recording's pipe, or by its front
end's end of the lifeline being closed, which the kernel does however that front end ended.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from types import FrameType, TracebackType

from sampler.units import NS_PER_SECOND

# Whatever else ends a process unless it is handled is a wish to leave too: SIGQUIT of a terminal, SIGXCPU of a limit.
_SIGNALS = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU,
    signal.SIGIO, signal.SIGPWR,
)  # fmt: skip
# Ctrl-Z, and the terminal's stops of jobs in the background: a recorder that stands still holds every thread of
# the target that meets a breakpoint or receives a signal.
_STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class StopRequest:
    """``reason`` is None until somebody wants the run to end: ``interrupted`` or ``reader-gone``.

    ``announced``: a descriptor that can be read when a tracee has something to report.
    """

    def __init__(self, output: int | None = None, lifeline: int | None = None, announced: int = -1) -> None:
        self.announced = announced
        self.reason: str | None = None
        self._awake, self._alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._watch = select.epoll()
        self._watch.register(self._awake, select.EPOLLIN)
        self._vital = [number for number in (output, lifeline) if number is not None]
        for number in self._vital:
            # EPOLLERR: the last reader of a pipe has gone; EPOLLHUP: the other end of a socket or terminal.
            with suppress(PermissionError):  # a plain file never goes away
                self._watch.register(number, select.EPOLLIN if number == lifeline else 0)

    def __enter__(self) -> StopRequest:
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)
        for number in _STOPS:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(self._alarm, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The handlers stay: a late signal must not end the process before its last line is written.
        signal.set_wakeup_fd(-1)
        self.close()

    def close(self) -> None:
        """For one that was never told of signals; it must not be waited for any more."""
        self._watch.close()
        os.close(self._awake)
        os.close(self._alarm)

    def request(self, reason: str) -> None:
        """Asks from within, from any thread; the first reason counts. Whoever waits is woken."""
        self.reason = self.reason or reason
        with suppress(OSError):  # full: they are awake
            os.write(self._alarm, b"\0")

    def wait(self, timeout_s: float, descriptor: int | None = None) -> bool:
        """Waits until ``descriptor`` can be read (True), there is a reason to stop, or time is up (False).

        By select(2), which counts in microseconds; poll(2) and epoll in milliseconds.
        """
        wanted = [self._watch.fileno()] + ([descriptor] if descriptor is not None else [])
        ready, _, _ = select.select(wanted, [], [], max(0.0, timeout_s))
        if self._watch.fileno() in ready:
            self._take_notice([number for number, _ in self._watch.poll(0)])
        return descriptor in ready

    def wait_until(self, until_ns: int, descriptor: int | None = None) -> bool:
        """The same until a moment of the monotonic clock."""
        return self.wait((until_ns - time.monotonic_ns()) / NS_PER_SECOND, descriptor)

    def _take_notice(self, ready: list[int]) -> None:
        if self._awake in ready:
            # Its handler may not have run yet: it runs in the first thread, and this may be another.
            self.request("interrupted")
            with suppress(BlockingIOError):
                os.read(self._awake, 512)
        for number in ready:
            if number in self._vital:
                self.request("reader-gone")
                self._vital.remove(number)
                self._watch.unregister(number)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.request("interrupted")
