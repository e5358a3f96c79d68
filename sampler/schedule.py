"""When to look: deadlines that do not drift with the cost of a look, and can be jittered.

A fixed period can lock to a period of the target's own and then sees one phase of it for ever;
jitter moves each deadline, around the same drift-free grid.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """``at_ns`` on the monotonic clock; ``skipped``: how many deadlines passed since the last look."""

    at_ns: int
    skipped: int


class Schedule:
    """Deadlines at ``start + n × period``, each moved by up to half of ``jitter`` of a period.

    One that has passed is skipped, unless that was within the last ``patience_ns``: it is given then, late.
    """

    def __init__(
        self, start_ns: int, period_ns: int, jitter: float = 0.0, seed: int | None = None, patience_ns: int = 0
    ) -> None:
        self.period_ns = period_ns
        self.jitter = jitter
        self._patience_ns = patience_ns
        self._origin_ns = start_ns
        self._turn = -1
        self._passed = 0  # on the grid before the last stretch
        self._random = random.Random(seed)

    def next(self, now_ns: int) -> Deadline:
        """The first grid point that is not before ``now_ns``, less the patience; those before it are counted."""
        skipped = self._skip_to(now_ns - self._patience_ns) + self._passed
        self._passed = 0
        self._turn += 1
        return Deadline(self._origin_ns + self._turn * self.period_ns + self._offset_ns(), skipped)

    def stretch(self, period_ns: int, now_ns: int) -> None:
        """From ``now_ns`` on, look every ``period_ns``; the first deadline is one new period away.

        Deadlines of the old grid that passed before are counted with the next.
        """
        self._passed += self._skip_to(now_ns)
        self.period_ns, self._origin_ns, self._turn = period_ns, now_ns, 0

    def _skip_to(self, now_ns: int) -> int:
        """Passes over the deadlines before ``now_ns``; how many there were."""
        first = max(self._turn + 1, -((self._origin_ns - now_ns) // self.period_ns))
        skipped = first - self._turn - 1
        self._turn = first - 1
        return skipped

    def _offset_ns(self) -> int:
        if not self.jitter:
            return 0
        return round((self._random.random() - 0.5) * self.jitter * self.period_ns)
