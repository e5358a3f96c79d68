"""How long the target was suspended, from what was seen of it: two bounds and no guess.

Seen are: the target's threads in procfs (running or held), the debugger's prompt (it knows of the
stop), and our own request to resume. The truth lies between what was surely a stop and what may
have been one.
"""

from __future__ import annotations

from sampler.linux.procfs import Held
from sampler.sample import Interval


class Suspension:
    """Adds up the bounds of all stops since ``take``. Times are monotonic nanoseconds."""

    def __init__(self, now_ns: int) -> None:
        self._last_running_ns = now_ns
        self._surely_since_ns: int | None = None
        self._maybe_held = False
        self._resuming = False
        self._low_ns = self._high_ns = 0

    def see(self, held: Held, now_ns: int) -> None:
        """The state of the target's threads; ``now_ns`` is taken before they were looked at."""
        if held is Held.NONE:
            self._end(now_ns)
        else:
            self._maybe_held = True
            if held is Held.ALL and not self._resuming and self._surely_since_ns is None:
                self._surely_since_ns = now_ns

    def stopped(self, now_ns: int) -> None:
        """The debugger says so; true even where a resume was too short to be seen."""
        self._maybe_held, self._resuming = True, False
        if self._surely_since_ns is None:
            self._surely_since_ns = now_ns

    def resuming(self, now_ns: int) -> None:
        """The debugger was asked to resume; it will, at some time from now on."""
        if self._surely_since_ns is not None:
            self._low_ns += now_ns - self._surely_since_ns
            self._surely_since_ns = None
        self._resuming = True

    def pause_ns(self, now_ns: int) -> int:
        """For how long the target may have been held without a break, as of now."""
        return now_ns - self._last_running_ns if self._maybe_held else 0

    @property
    def is_over(self) -> bool:
        """True once the target was seen running after the last stop."""
        return not self._maybe_held

    def take(self) -> Interval:
        """The bounds since the last call."""
        taken = Interval(self._low_ns, self._high_ns)
        self._low_ns = self._high_ns = 0
        return taken

    def _end(self, now_ns: int) -> None:
        if self._maybe_held:
            self._high_ns += now_ns - self._last_running_ns
            if self._surely_since_ns is not None:
                # Freed by somebody else: when exactly is not known, so nothing of it is sure.
                self._surely_since_ns = None
        self._maybe_held = self._resuming = False
        self._last_running_ns = now_ns
