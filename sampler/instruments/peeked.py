"""Memory that is read several times in a row at known addresses, and the answers that are in it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from time import monotonic_ns

from sampler.instruments.anchor import Anchor
from sampler.linux.vector import MOST_PIECES, VectorRead
from sampler.plan.evaluate import Evaluator
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment
from sampler.sample import Value


class Peeked:
    """``tid``: the thread by whose number it is read; ``begun_ns``, ``ended_ns``: of the last read, on the monotonic
    clock. ``bias``: where the program was loaded.

    A sample of which there are two copies may be of two moments if they differ.
    """

    def __init__(self, pid: int, anchor: Anchor, bias: int, at_once: int) -> None:
        self.tid, self.anchor, self._at_once = pid, anchor, at_once
        self._copies = anchor.copies
        each = max(1, MOST_PIECES // (len(anchor.pieces) * self._copies))
        counts = [min(each, at_once - start) for start in range(0, at_once, each)]
        self._parts = [VectorRead(pid, anchor.pieces, count * self._copies) for count in counts]
        self._evaluator = Evaluator(anchor.plans)
        self._memory = _Taken(anchor)
        self._moment = Moment((), self._memory.read, 0, bias)
        self.begun_ns = self.ended_ns = 0

    def read(self) -> None:
        """Raises OSError."""
        self.begun_ns = monotonic_ns()
        for part in self._parts:
            part.read()
        self.ended_ns = monotonic_ns()

    def times_ns(self) -> array[int]:
        """When each was read, as far as that is known: evenly between the begin and the end."""
        span_ns, count = self.ended_ns - self.begun_ns, self._at_once
        return array("q", (self.begun_ns + span_ns * (2 * number + 1) // (2 * count) for number in range(count)))

    def answers(self) -> Iterator[tuple[list[Value] | NoAnswer, bool]]:
        """Of each sample its values, or why it has none; and whether it may be torn."""
        known: dict[bytes, list[Value] | NoAnswer] = {}  # what does not change is worked out once
        for first, second in self._taken():
            if first not in known:
                known[first] = self._worked_out(first)
            yield known[first], first != second

    def _taken(self) -> Iterator[tuple[bytes, bytes]]:
        for part in self._parts:
            size = part.stride
            for at in range(0, len(part.data), size * self._copies):
                first = bytes(part.data[at : at + size])
                yield first, first if self._copies == 1 else bytes(part.data[at + size : at + 2 * size])

    def _worked_out(self, data: bytes) -> list[Value] | NoAnswer:
        self._memory.data = data
        self._moment.blocks.clear()
        self._evaluator.gather(self._moment)
        try:
            return self._evaluator.answers(self._moment)
        except NoAnswer as reason:
            return reason


class _Taken:
    """One sample's memory: all pieces, one after the other."""

    def __init__(self, anchor: Anchor) -> None:
        self.data = b""
        self._starts: dict[tuple[int, int], int] = {}
        at = 0
        for piece in anchor.pieces:
            self._starts[piece] = at
            at += piece[1]

    def read(self, address: int, size: int) -> bytes:
        start = self._starts.get((address, size))
        if start is None:  # the anchor has found that it was not wanted
            raise OSError("what decides whether it is wanted was otherwise when its address was looked up")
        return self.data[start : start + size]
