"""Writing to a pipe whose reader may be slow, stopped or gone, without being held up for ever."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable

#: A pipe that can be written takes so much at once: PIPE_BUF, pipe(7). Its flags stay as they are: others may share it.
_AT_ONCE = 4096
_LOOK_UP_MS = 100


class Stuck(OSError):
    """The reader has taken nothing for too long."""


class GivenUp(OSError):
    """Nobody wants it any more."""


def write(descriptor: int, data: bytes, patience_s: float, given_up: Callable[[], bool] = lambda: False) -> None:
    """All of it. Stuck where nothing was taken for so long, GivenUp once ``given_up``; OSError: write(2)."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    at, moved = 0, time.monotonic()
    while at < len(data):
        if poll.poll(_LOOK_UP_MS):
            at += os.write(descriptor, data[at : at + _AT_ONCE])
            moved = time.monotonic()
        elif given_up():
            raise GivenUp
        elif time.monotonic() > moved + patience_s:
            raise Stuck("its reader does not read")
