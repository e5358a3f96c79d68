"""How long the target was suspended, from what was seen of it: two bounds and no guess.

Seen are: the target's threads in procfs (running or held), the debugger's prompt (it knows of the
stop), and our own requests. Low counts what was surely a stop. High counts from the request on, and
up to the second sight of all threads let go, and none of them still waiting for a processor.
"""

from __future__ import annotations

from sampler.linux.procfs import Held
from sampler.sample import Interval

#: A run between two stops that is shorter than this counts as suspended, in the high bound.
BRIEF_RUN_NS = 20_000_000
#: Waiting for a processor counts as the debugger's doing for no longer than this.
LONGEST_WAIT_NS = 20_000_000


class Suspension:
    """Adds up the bounds of all stops since ``take``. Times are monotonic nanoseconds.

    Invariant: what is sure of the present stop lies within what may be of it, so low never exceeds high.
    """

    def __init__(self, now_ns: int) -> None:
        self._last_running_ns = now_ns
        self._maybe_since_ns: int | None = None  # where the high bound of the present stop begins
        self._surely_since_ns: int | None = None
        self._held = False
        self._passing_ns: int | None = None  # held at the last sight, and nobody said why
        self._requested = False
        self._only_asked = False  # the present stop was asked for, and no sign of it was seen
        self._resumed_ns: int | None = None  # asked to, and nothing known since
        self._armed = False
        self._sights = 0  # how often in a row it was seen running
        self._free_ns: int | None = None  # the second sight, during a brief run
        self._low_ns = self._high_ns = 0
        self.was_held = False  # ever since the start, by what was seen or said

    def requested(self, now_ns: int) -> None:
        """A stop is asked for; once it is known, asking again changes nothing."""
        self._requested = self._surely_since_ns is None
        if self._maybe_since_ns is None:
            self._maybe_since_ns, self._only_asked = now_ns, True

    def see(self, held: Held, now_ns: int, waiting: bool = False) -> None:
        """The state of the target's threads; ``now_ns`` is taken before they were looked at.

        ``waiting``: one that was let go has not had a processor since.
        """
        if held is Held.NONE:
            self._see_free(now_ns, waiting)
            return
        self._held = self.was_held = True
        self._sights, self._free_ns = 0, None
        self._only_asked = False
        if self._maybe_since_ns is None:
            if self._passing_ns is None:
                # A signal on its way to the target stops one thread for microseconds: that is no stop of ours.
                self._passing_ns = now_ns
                return
            self._maybe_since_ns = self._passing_ns
        if held is Held.ALL and self._resumed_ns is None and self._surely_since_ns is None:
            self._surely_since_ns = now_ns

    def stopped(self, now_ns: int) -> None:
        """The debugger says so; true even where a resume was too short to be seen."""
        self._held = self.was_held = True
        self._requested = self._only_asked = False
        self._sights = 0
        self._resumed_ns = self._free_ns = None
        if self._maybe_since_ns is None:
            self._maybe_since_ns = self._last_running_ns
        if self._surely_since_ns is None:
            self._surely_since_ns = now_ns

    def resuming(self, now_ns: int, armed: bool) -> None:
        """The debugger was asked to resume; ``armed``: with a breakpoint that may be met at once."""
        if self._surely_since_ns is not None:
            self._low_ns += now_ns - self._surely_since_ns
            self._surely_since_ns = None
        self._requested = False
        self._resumed_ns, self._armed = now_ns, armed

    def released(self, now_ns: int) -> None:
        """The debugger is gone, and whoever ended it let the target go: no request will be answered any more.

        A target that ran until then was suspended from its last sight on, at most.
        """
        if self._maybe_since_ns is None or self._only_asked:
            self._maybe_since_ns = self._last_running_ns
        self._sights, self._free_ns = 0, None
        self.resuming(now_ns, armed=False)

    def pause_ns(self, now_ns: int) -> int:
        """For how long the target may have been held without a break, as of now."""
        known = self._held and self._maybe_since_ns is not None
        return now_ns - self._last_running_ns if known else 0

    @property
    def is_over(self) -> bool:
        """True once the target was seen running after the last stop, and no other is asked for."""
        return self._maybe_since_ns is None

    def take(self, now_ns: int) -> Interval:
        """The bounds since the last call; a stop that lasts is parted here, and the rest counts next time."""
        if self._maybe_since_ns is not None:
            until_ns = self._free_ns or now_ns  # from the second sight on it is the next one's, if it is any's
            self._high_ns += until_ns - self._maybe_since_ns
            self._maybe_since_ns = until_ns
        if self._surely_since_ns is not None:
            self._low_ns += now_ns - self._surely_since_ns
            self._surely_since_ns = now_ns
        taken = Interval(self._low_ns, self._high_ns)
        self._low_ns = self._high_ns = 0
        return taken

    def _see_free(self, now_ns: int, waiting: bool) -> None:
        self._held = False
        self._passing_ns = None
        self._last_running_ns = now_ns
        self._surely_since_ns = None  # if somebody else freed it, when is not known: nothing of it is sure
        long_ago = self._resumed_ns is None or now_ns - self._resumed_ns > LONGEST_WAIT_NS
        self._sights += not waiting or long_ago
        if self._requested or self._maybe_since_ns is None or self._sights < 2:
            return
        self._free_ns = self._free_ns or now_ns
        if self._armed and self._resumed_ns is not None and now_ns - self._resumed_ns < BRIEF_RUN_NS:
            return
        self._high_ns += self._free_ns - self._maybe_since_ns
        self._maybe_since_ns = self._resumed_ns = self._free_ns = None
