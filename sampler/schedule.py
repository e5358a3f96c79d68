"""When to look: deadlines that do not drift with the cost of a look, and can be jittered.

A fixed period can lock to a period of the target's own and then sees one phase of it for ever;
jitter moves each deadline, around the same drift-free grid. With a jitter of 1 each is anywhere in a period of its
own, and all phases are seen.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

#: Of deadlines that were skipped the times of so many are told, at most: the last ones.
MOST_TOLD = 1000


@dataclass(frozen=True, slots=True)
class Deadline:
    """``at_ns`` on the monotonic clock. ``skipped``: how many deadlines passed since the last look; ``skipped_at_ns``:
    when they were, of the last MOST_TOLD.
    """

    at_ns: int
    skipped: int
    skipped_at_ns: tuple[int, ...] = ()


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
        self._turn = 0  # the next one
        self._drawn_ns: int | None = None  # where it is, once that was asked for
        self._skipped, self._skipped_at_ns = 0, deque[int](maxlen=MOST_TOLD)
        self._random = random.Random(seed)

    def next(self, now_ns: int) -> Deadline:
        """The first that is not before ``now_ns``, less the patience; those before it are counted."""
        self._skip_to(now_ns - self._patience_ns)
        deadline = Deadline(self._next_ns(), self._skipped, tuple(self._skipped_at_ns))
        self._pass()
        self._skipped = 0
        self._skipped_at_ns.clear()
        return deadline

    def stretch(self, period_ns: int, now_ns: int) -> None:
        """From ``now_ns`` on, look every ``period_ns``; the first deadline is one new period away.

        Deadlines of the old grid that passed before are counted with the next.
        """
        self._skip_to(now_ns)
        self.period_ns, self._origin_ns, self._turn, self._drawn_ns = period_ns, now_ns, 1, None

    def _skip_to(self, now_ns: int) -> None:
        """Passes over the deadlines before ``now_ns``. Of very many, only the last ones are drawn."""
        farthest_ns = self._origin_ns + self._spread_ns // 2
        many = -((farthest_ns - now_ns) // self.period_ns) - MOST_TOLD
        if many > self._turn:
            self._skipped += many - self._turn
            self._turn, self._drawn_ns = many, None
        while self._next_ns() < now_ns:
            self._skipped += 1
            self._skipped_at_ns.append(self._next_ns())
            self._pass()

    def _next_ns(self) -> int:
        if self._drawn_ns is None:
            self._drawn_ns = self._origin_ns + self._turn * self.period_ns + self._offset_ns()
        return self._drawn_ns

    def _pass(self) -> None:
        self._turn, self._drawn_ns = self._turn + 1, None

    @property
    def _spread_ns(self) -> int:
        return round(self.jitter * self.period_ns)

    def _offset_ns(self) -> int:
        if not self.jitter:
            return 0
        offset_ns = round((self._random.random() - 0.5) * self.jitter * self.period_ns)
        return offset_ns if self._turn else abs(offset_ns)  # none is before the start
