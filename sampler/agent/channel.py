"""Messages between the agent and those who ask: JSON, one object a line, over a Unix socket that outlives nobody.

The end of a connection is the end of a run, in whatever way its process ended: the kernel closes the socket.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from types import TracebackType
from typing import Any, Self

from sampler.errors import AgentMissing

VARIABLE = "SAMPLER_AGENT_SOCKET"
_DEFAULT = "/run/sampler/agent.sock"
#: Bytes of one message: a question has at most 32 expressions.
LONGEST = 1 << 18
# What waits for a reader: a status, in which questions are cut short.
_MOST_UNSENT = 1 << 21
_ANSWER_S = 10.0
_TIMEVAL = struct.Struct("ll")  # struct timeval: socket(7)
_CREDENTIALS = struct.Struct("iII")  # struct ucred: socket(7)

Message = dict[str, Any]


def socket_path() -> str:
    return os.environ.get(VARIABLE) or _DEFAULT


class Broken(Exception):
    """The other end has gone, does not listen, or says what is no message."""


class Channel:
    """One end of a connection. Nothing here waits but ``answer``."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket, self._rest, self._unsent = connection, b"", b""

    @classmethod
    def to(cls, path: str | os.PathLike[str]) -> Self:
        """Connected to whoever listens there; OSError."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            # Not by settimeout: where its queue is full, a socket that does not block is refused at once. unix(7)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.pack(int(_ANSWER_S), 0))
            connection.connect(os.fspath(path))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.pack(0, 0))
        except OSError:
            connection.close()
            raise
        return cls(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, message: Message) -> None:
        """What has no room goes when there is some, see ``flush``. Raises Broken, also where far too much waits."""
        self._unsent += json.dumps(message).encode() + b"\n"
        if len(self._unsent) > _MOST_UNSENT:
            raise Broken("it does not listen")
        self.flush()

    def flush(self) -> None:
        """As much as there is room for. Raises Broken."""
        try:
            while self._unsent:
                sent = self._socket.send(self._unsent, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
                self._unsent = self._unsent[sent:]
        except BlockingIOError:
            return
        except OSError as error:
            raise Broken(error.strerror or str(error)) from error

    @property
    def is_sent(self) -> bool:
        """Whether nothing waits for room."""
        return not self._unsent

    def received(self) -> list[Message]:
        """The messages that have come, when the socket can be read. Raises Broken at its end."""
        try:
            data = self._socket.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except OSError as error:
            raise Broken(error.strerror or str(error)) from error
        if not data:
            raise Broken("it has gone")
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            raise Broken("it says too much at once")
        return [_message(line) for line in whole]

    def answer(self) -> Message:
        """Waits for one message; Broken where none comes in time."""
        self._socket.settimeout(_ANSWER_S)
        try:
            self._socket.sendall(self._unsent)
            self._unsent = b""
            while True:
                data = self._socket.recv(1 << 16)
                if not data:
                    raise Broken("it has gone")
                line, end, self._rest = (self._rest + data).partition(b"\n")
                if end:
                    return _message(line)
                self._rest = line
        except OSError as error:
            raise Broken(error.strerror or "it does not answer") from error
        finally:
            self._socket.settimeout(None)

    def peer(self) -> int:
        """The PID of who has connected, in our own namespace; 0 where it has none there."""
        data = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(data)[0])


def _message(line: bytes) -> Message:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Broken("it says what is no message") from error
    if not isinstance(message, dict):
        raise Broken("it says what is no message")
    return message


def connected() -> Channel:
    """To the agent; AgentMissing where nobody serves."""
    try:
        return Channel.to(socket_path())
    except OSError as error:
        raise missing(error.strerror or str(error)) from error


def missing(why: str) -> AgentMissing:
    what = f"no agent serves at {socket_path()}"
    return AgentMissing(what, f"{why}; every run is to be known to one", "start it: sampler agent serve")
