"""Where an agent listens, and how it hears of signals while it does."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from sampler.agent.channel import socket_path
from sampler.errors import AgentError


@contextmanager
def listening(most: int) -> Iterator[socket.socket]:
    """At the agent's place, which nobody but its own user can reach; AgentError where that cannot be."""
    path = socket_path()
    with _bound(path, most) as listener:
        try:
            yield listener
        finally:
            with suppress(OSError):
                os.unlink(path)


def _bound(path: str, most: int) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _make_room(path)
        mask = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(mask)
        listener.listen(most)
    except OSError as error:
        listener.close()
        raise AgentError(f"cannot serve at {path}", error.strerror or str(error), "see SAMPLER_AGENT_SOCKET") from error
    except AgentError:
        listener.close()
        raise
    return listener


def _make_room(path: str) -> None:
    """A socket that an agent has left behind that was killed; AgentError where one listens, or hangs."""
    if not os.path.exists(path):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.setblocking(False)  # a connection stands at once, or the queue is full
        try:
            trial.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass
    raise AgentError(f"an agent serves at {path} already", "one is enough", "end that one first")


@contextmanager
def woken(stops: tuple[signal.Signals, ...]) -> Iterator[int]:
    """A descriptor that gives the numbers of the signals that come: of these, and SIGCHLD."""
    awake, alarm = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    handled = (*stops, signal.SIGCHLD)

    def nothing(_number: int, _frame: FrameType | None) -> None:
        """The descriptor tells."""

    before = {number: signal.signal(number, nothing) for number in handled}
    before_fd = signal.set_wakeup_fd(alarm, warn_on_full_buffer=False)
    try:
        yield awake
    finally:
        signal.set_wakeup_fd(before_fd)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(awake)
        os.close(alarm)


def reap() -> None:
    """A container's first process inherits whoever loses its parent there: a recorder whose front end was killed."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
