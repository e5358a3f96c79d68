"""One run as the agent knows it, and what is written down of it."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from sampler.agent.channel import Message
from sampler.agent.lease import timestamp

_LONGEST_NAME = 256
# In a status: characters of a text, and items of a list.
_TOLD_TEXT, _TOLD_ITEMS = 200, 8


@dataclass(slots=True)
class Run:
    """``who``: as the one who asks calls themselves; the API server's audit log has the proof. ``pid``: of the target.

    ``cost``: samples, misses, hits and ``suspended_ns`` so far. ``ended``: how, in the recording's words.
    """

    who: str
    pid: int
    question: Message
    instrument: str
    container: str | None = None
    target: Message = field(default_factory=dict)
    cost: Message = field(default_factory=lambda: {"samples": 0, "misses": 0, "suspended_ns": [0, 0]})
    ended: str = "lost"  # whoever cannot say how it ended was killed
    error: Message | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    since_s: float = field(default_factory=time.time)

    @staticmethod
    def begun(message: Message) -> Run:
        """As it was announced. KeyError, TypeError, ValueError where it was not announced in full."""
        who = "".join(mark if mark.isprintable() else "?" for mark in str(message["who"]))[:_LONGEST_NAME]
        container = message.get("container")
        return Run(
            who, int(message["pid"]), dict(message["question"]), str(message["instrument"]),
            None if container is None else str(container),
        )  # fmt: skip

    def take(self, message: Message) -> None:
        """What becomes of it."""
        match message:
            case {"op": "header", "target": dict(target), "instrument": str(instrument)}:
                self.target, self.instrument = target, instrument
            case {"op": "so-far", "cost": dict(cost)}:
                self.cost = _cost(cost)
            case {"op": "ended", "ended": str(ended), "cost": dict(cost)}:
                self.ended, self.cost, self.error = ended, _cost(cost), message.get("error")

    def to_json(self) -> Message:
        """For ``status``: what is long is cut short there, and in full in the log."""
        return {"run": self.id, "since": timestamp(self.since_s), **_shortened(self._about()), **self.cost}

    def beginning(self) -> Message:
        """Written down before anything is touched."""
        return {"audit": "run-begun", "time": timestamp(self.since_s), "run": self.id, **self._about()}

    def end(self) -> Message:
        told = {"error": self.error} if self.error else {}
        elapsed_s = round(time.time() - self.since_s, 3)
        return {
            "audit": "run-ended", "time": timestamp(time.time()), "run": self.id, **self._about(),
            "elapsed_s": elapsed_s, **self.cost, "ended": self.ended, **told,
        }  # fmt: skip

    def _about(self) -> dict[str, Any]:
        known = ("name", "executable", "start_ticks", "ns_pid")
        target = {"pid": self.pid} | {name: self.target[name] for name in known if name in self.target}
        inside = {"container": self.container} if self.container else {}
        return {"who": self.who, "question": self.question, "target": target | inside, "instrument": self.instrument}


def _cost(told: Message) -> Message:
    """These figures and no others: nobody writes another field of our log. KeyError, TypeError, ValueError."""
    low, high = told["suspended_ns"]
    samples, misses = int(told["samples"]), int(told["misses"])
    hits = {"hits": int(told["hits"])} if "hits" in told else {}  # of what is counted
    return {"samples": samples, "misses": misses, "suspended_ns": [int(low), int(high)]} | hits


def _shortened(told: Any) -> Any:
    match told:
        case str() if len(told) > _TOLD_TEXT:
            return told[:_TOLD_TEXT] + "…"
        case list() if len(told) > _TOLD_ITEMS:
            return [*(_shortened(one) for one in told[:_TOLD_ITEMS]), "…"]
        case list():
            return [_shortened(one) for one in told]
        case dict():
            return {name[:_TOLD_TEXT]: _shortened(one) for name, one in told.items()}
    return told
