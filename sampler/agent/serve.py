"""The agent's main process: a registry of the runs on its node, which writes each down and can end them all.

It asks nobody itself: a run is a process of its own, ``sampler agent ask``, that has a connection to us. One thread,
which waits in one place: for connections, for what they say, for signals, and for the end of the lease.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import time
from contextlib import suppress

from sampler import __version__
from sampler.agent import patient
from sampler.agent.channel import Broken, Channel, Message
from sampler.agent.lease import Lease, now
from sampler.agent.room import Room
from sampler.agent.runs import Run
from sampler.agent.sockets import listening, reap, woken
from sampler.errors import AgentError, AgentExpired
from sampler.frontend import LEAVES_WITHIN_S as RECORDER_LEAVES_WITHIN_S
from sampler.linux.signals import ProcessHandle

# Each of some hundred kilobytes at the worst; how many of them may be runs, ``Room`` says.
_MOST_CONNECTIONS = 128
_LOG_PATIENCE_S = 5.0
# A run that was asked to leave is told so again, by a signal, and is waited for as long as a recorder may take and what
# is done for its target after that. The pod's terminationGracePeriodSeconds is longer still.
_ASKED_AGAIN_S, _LEAVES_WITHIN_S = 10.0, RECORDER_LEAVES_WITHIN_S + 30
_LOOK_UP_S = 60.0  # the clock on the wall may be set
_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Client:
    """One connection; ``run`` is its run, once it has announced one."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.run: Run | None = None
        self._process: ProcessHandle | None = None
        with suppress(OSError):  # it has ended already, or is of another PID namespace
            self._process = ProcessHandle(channel.peer())

    def signal(self) -> None:
        if self._process is not None:
            self._process.send(signal.SIGTERM)

    def close(self) -> None:
        self.channel.close()
        if self._process is not None:
            self._process.close()


class Server:
    """Serves until it is told to end. ``log``: a descriptor; ``exits``: it also ends when its lease does."""

    def __init__(self, lease: Lease, log: int, room: Room, exits: bool = False) -> None:
        self._lease, self._log, self._room, self._exits = lease, log, room, exits
        self._since = now()
        self._clients: dict[Client, None] = {}  # in the order in which they came
        self._closing: AgentExpired | None = None  # why no run is taken any more
        self._ends = self._mute = False
        self._asked_s = self._again_s = float("inf")

    def serve(self) -> None:
        """Returns once all runs have ended that there were; AgentError where another agent serves there."""
        most = _MOST_CONNECTIONS
        with selectors.DefaultSelector() as self._selector, listening(most) as listener, woken(_STOPS) as awake:
            self._selector.register(listener, selectors.EVENT_READ)
            self._selector.register(awake, selectors.EVENT_READ)
            until = {} if self._lease.text is None else {"until": self._lease.text}
            self._say({"audit": "agent-began", "time": self._since, "sampler": __version__, **until})
            while not self._is_over():
                for key, _ in self._selector.select(self._timeout_s()):
                    if key.fileobj is listener:
                        self._accept(listener)
                    elif key.fileobj == awake:
                        self._signalled(os.read(awake, 512))
                    elif key.data in self._clients:
                        self._attend(key.data)
            left = [client.run.id for client in self._clients if client.run is not None]
            self._say({"audit": "agent-ended", "time": now(), **({"left": left} if left else {})})

    # When to end.

    def _is_over(self) -> bool:
        self._look_at_clock()
        if not self._ends:
            return False
        return not self._runs() or time.monotonic() > self._asked_s + _LEAVES_WITHIN_S

    def _timeout_s(self) -> float:
        left_s = self._lease.left_s
        due = [_LOOK_UP_S]
        if left_s is not None and self._closing is None:
            due.append(left_s)
        if self._runs() and self._asked_s < float("inf"):
            due += [self._again_s - time.monotonic(), self._asked_s + _LEAVES_WITHIN_S - time.monotonic()]
        return max(0.0, min(due))

    def _look_at_clock(self) -> None:
        if self._lease.is_over and self._closing is None:
            self._ends = self._exits
            self._close("agent-expired", _expired(self._lease))
        if time.monotonic() > self._again_s:
            self._again_s = float("inf")
            for client in self._runs():
                client.signal()

    def _signalled(self, numbers: bytes) -> None:
        if signal.SIGCHLD in numbers:
            reap()
        if any(number in numbers for number in _STOPS):
            self._ends = True
            why = AgentExpired("this agent is about to end", "it was told to", "ask again when there is another one")
            self._close("agent-leaving", self._closing or why)

    def _close(self, said: str, why: AgentExpired) -> None:
        """No run is taken any more, and those that there are leave."""
        self._closing = why
        self._say({"audit": said, "time": now(), "runs": [client.run.id for client in self._runs() if client.run]})
        self._asked_s, self._again_s = time.monotonic(), time.monotonic() + _ASKED_AGAIN_S
        for client in self._runs():
            with suppress(Broken):
                client.channel.send({"op": "leave", "error": why.to_json()})
                self._listen_to(client)

    def _runs(self) -> list[Client]:
        return [client for client in self._clients if client.run is not None]

    # Connections.

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # it has gone already, or no more files may be open
            return
        if len(self._clients) >= _MOST_CONNECTIONS:  # whoever has been silent for longest makes room
            idle = next((client for client in self._clients if client.run is None), None)
            if idle is None:
                connection.close()
                return
            self._part(idle)
        client = Client(Channel(connection))
        self._clients[client] = None
        self._selector.register(client.channel, selectors.EVENT_READ, client)

    def _attend(self, client: Client) -> None:
        """Hears it and tells it what has waited. Whatever it says, it can end nothing but its own connection."""
        try:
            client.channel.flush()
            for message in client.channel.received():
                self._take(client, message)
        except Exception:
            self._part(client)
        else:
            self._listen_to(client)

    def _listen_to(self, client: Client) -> None:
        wanted = selectors.EVENT_READ | (0 if client.channel.is_sent else selectors.EVENT_WRITE)
        self._selector.modify(client.channel, wanted, client)

    def _part(self, client: Client) -> None:
        self._selector.unregister(client.channel)
        del self._clients[client]
        client.close()
        if client.run is not None:
            self._say(client.run.end())

    def _take(self, client: Client, message: Message) -> None:
        match message.get("op"):
            case "begin" if client.run is None:
                client.channel.send(self._begin(client, message))
            case "status" if client.channel.is_sent:  # whoever does not read what it was told is told no more
                client.channel.send(self._status())
            case _ if client.run is not None:
                client.run.take(message)
                if message.get("op") == "header":
                    self._find_room(client)
            case _:
                raise Broken("it says what is no message")

    def _begin(self, client: Client, message: Message) -> Message:
        run = Run.begun(message)
        refusal: AgentError | None = self._closing or self._room.refusal([*self._instruments(), run.instrument])
        if refusal is None:
            self._say(run.beginning())  # before it may touch anything
            refusal = _no_log() if self._mute else None
        if refusal is not None:
            self._say(run.beginning() | {"audit": "run-refused", "error": refusal.to_json()})
            return {"op": "refused", "error": refusal.to_json()}
        client.run = run
        return {"op": "welcome", "run": run.id}

    def _find_room(self, client: Client) -> None:
        """For a run that has just found its instrument: a debugger takes more than was known."""
        if refusal := self._room.refusal(self._instruments()):
            client.channel.send({"op": "leave", "error": refusal.to_json()})

    def _instruments(self) -> list[str]:
        return [client.run.instrument for client in self._clients if client.run is not None]

    def _status(self) -> Message:
        runs = [client.run.to_json() for client in self._runs() if client.run is not None]
        state = "serving" if self._closing is None else "leaving" if self._ends else "expired"
        about = {"state": state, "since": self._since, "until": self._lease.text, "sampler": __version__}
        return {"op": "status", **about, "runs": runs}

    def _say(self, line: Message) -> None:
        """Into the log. Whoever cannot write it down lets nobody ask."""
        try:
            # A path need not be text: what is none is written as JSON writes it.
            text = json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace")
            patient.write(self._log, text + b"\n", _LOG_PATIENCE_S)
            self._mute = False
        except OSError:
            self._mute = True


def _expired(lease: Lease) -> AgentExpired:
    return AgentExpired(
        "this agent's time is over", f"it was to serve until {lease.text}", "install it anew: kubectl sampler install"
    )


def _no_log() -> AgentError:
    return AgentError("this agent cannot write its log", "no run goes unrecorded", "see to the agent's standard output")
