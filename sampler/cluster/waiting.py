"""Who was lost in a run, and for how long somebody in their place is waited for."""

from __future__ import annotations

import threading
import time
from contextlib import AbstractContextManager

from sampler.cluster.discovery import Found
from sampler.fleet.run import Fleet

# A pod that has ended is replaced in seconds; one that pulls its image first, or backs off, in a minute or so.
REPLACED_WITHIN_S = 60.0


class Waiting:
    """Keeps a run going while there may be nobody. Any thread may use it; after ``close`` nobody is waited for."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._lock = threading.Lock()
        self._hold: AbstractContextManager[None] | None = None
        self._lost: dict[str, float] = {}  # by label: until when it is waited for
        self._since: dict[str, float] = {}  # by container: when it was lost for the first time
        self._closed = False

    def lost(self, one: Found, until_s: float | None) -> None:
        """``until_s``: at the latest. What is found and lost again and again is not waited for longer and longer."""
        now_s = time.monotonic()
        with self._lock:
            if self._closed or self._fleet.stopping.is_set():
                return
            since_s = self._since.get(one.container.id, now_s)
            if now_s > since_s + REPLACED_WITHIN_S:
                since_s = now_s
            self._since[one.container.id] = since_s
            ends_s = since_s + REPLACED_WITHIN_S
            self._lost[one.label] = ends_s if until_s is None else min(ends_s, until_s)
            if self._hold is None:
                self._hold = self._fleet.held_open()
                self._hold.__enter__()

    def found(self) -> None:
        """Somebody in the place of the one that was lost first."""
        with self._lock:
            if self._lost:
                del self._lost[next(iter(self._lost))]
        self.look_at_clock()

    @property
    def until_s(self) -> float | None:
        """When somebody is to be waited for no more; None where nobody is waited for."""
        with self._lock:
            return min(self._lost.values(), default=None)

    def look_at_clock(self) -> None:
        """Lets the run end once nobody is waited for."""
        now_s = time.monotonic()
        with self._lock:
            self._lost = {label: ends_s for label, ends_s in self._lost.items() if ends_s > now_s}
            if not self._lost:
                self._let_go()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._lost.clear()
            self._let_go()

    def _let_go(self) -> None:
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.__exit__(None, None, None)
