"""Until when an agent may serve."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass

from sampler.errors import UsageError
from sampler.units import NS_PER_SECOND

#: In the environment of the agent's container: until when, as ``--until`` has it.
VARIABLE = "SAMPLER_AGENT_UNTIL"


@dataclass(frozen=True, slots=True)
class Lease:
    """``until_s``: seconds since the epoch, as the clock on the wall has them; None for ever."""

    until_s: float | None = None

    @property
    def is_over(self) -> bool:
        return self.until_s is not None and time.time() >= self.until_s

    @property
    def left_s(self) -> float | None:
        return None if self.until_s is None else max(0.0, self.until_s - time.time())

    @property
    def text(self) -> str | None:
        return None if self.until_s is None else timestamp(self.until_s)


def lease_for(ttl_ns: int) -> Lease:
    return Lease(time.time() + ttl_ns / NS_PER_SECOND)


def lease_until(text: str) -> Lease:
    """Of a timestamp with its zone, as RFC 3339 has it; UsageError."""
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"{text!r} is not a moment", fix="give it like 2031-05-01T12:00:00Z")
    return Lease(moment.timestamp())


def timestamp(moment_s: float) -> str:
    """RFC 3339, in UTC, to the millisecond."""
    moment = datetime.datetime.fromtimestamp(moment_s, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    return timestamp(time.time())
