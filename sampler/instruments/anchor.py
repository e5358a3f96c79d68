"""Where the memory lies that is read without a hit: looked up at an interval, by looks of another instrument.

Such a look asks for addresses in the place of values, and for the bounds of the stack that the thread stands on. It is
taken in a thread of its own, so that nobody waits for the program to come by once more.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from sampler.errors import InternalError, NotAnswerable, SamplerError
from sampler.instruments.base import AUTO, Assignment
from sampler.instruments.choice import choose
from sampler.linux import procfs
from sampler.linux.turns import take_turns
from sampler.linux.wakeup import StopRequest
from sampler.plan.freezing import Freezing, NotFreezable
from sampler.plan.nodes import WORD, Block, Constant, Convert, Node, Part, Register, offset
from sampler.planning import PlannedPlace, QuestionPlan
from sampler.sample import Interval, Miss, Sample

# In Go's code a register holds the goroutine, which begins with its stack's bounds (cmd/compile/abi-internal.md).
_GOROUTINE, _STACK_POINTER = 14, 7
_PLACE, _LOW, _HIGH, _FIRST = range(4)  # of the answers; addresses from _FIRST on


@dataclass(frozen=True, slots=True)
class Anchor:
    """``place``: which of the point's; ``pieces``: address and size of what its plans read, in the plans' order."""

    place: int
    pieces: tuple[tuple[int, int], ...]
    plans: tuple[Node, ...]


class Anchoring:
    """``current``: the last anchor; None where there is none, or none any more.

    ``missed``: the last look, if it gave none. ``told``: readable when one of these has changed, or an error is to be
    raised.
    """

    def __init__(self, assignment: Assignment, plan: QuestionPlan) -> None:
        """Raises NotAnswerable where there is something that cannot be read so, and what ``choose`` raises."""
        self._given = assignment
        self._frozen = [_freezing(place, assignment.question.expressions) for place in plan.places]
        self._places = plan.places
        self._stop = StopRequest(announced=assignment.stop.announced)
        self._counts = {"looks": 0, "missed": 0, "moved": 0}
        self._suspended, self._spending = Interval(), threading.Lock()
        self._error: SamplerError | None = None
        self._found = False
        self.current: Anchor | None = None
        self.missed: Miss | None = None
        width = max(len(one.blocks) for one in self._frozen)
        timing = replace(assignment.question.timing, period_ns=assignment.question.timing.anchor_ns, jitter=0.0)
        names = tuple(f"anchor {number}" for number in range(_FIRST + width))
        question = replace(assignment.question, expressions=names, timing=timing)
        on_go = assignment.target.go_version is not None
        places = [
            _anchored(place, freezing, number, width, on_go)
            for number, (place, freezing) in enumerate(zip(plan.places, self._frozen, strict=True))
        ]
        asked = replace(plan, places=tuple(places), types={}, unsigned_bits={})
        self._choice = choose(
            AUTO, replace(assignment, question=question, plan=asked, stop=self._stop, report=self._hear)
        )

    def describe(self) -> dict[str, Any]:
        """For the recording's header."""
        about = self._choice.describe()
        return {"anchored_by": about["instrument"], "places": about["places"], "unanswerable": about["unanswerable"]}

    def __enter__(self) -> Self:
        self._opened = ExitStack()
        self.told = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._opened.callback(os.close, self.told)
        self._thread = threading.Thread(target=self._run, name="anchor", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.request("interrupted")
        self._thread.join()
        with self._opened:
            self._stop.close()

    @property
    def counts(self) -> dict[str, int]:
        """``looks`` that were taken, those that ``missed``, and how often the place had ``moved``."""
        return dict(self._counts)

    def take_suspended(self) -> Interval:
        """What the looks, their attaching and their leaving have cost since this was asked."""
        with self._spending:
            taken, self._suspended = self._suspended, Interval()
        return taken

    def forget(self, lost: Anchor) -> None:
        """Where it says there is no memory any more: should there be some again, that is another anchor."""
        if self.current is lost:
            self.current = self.missed = None

    def check(self) -> None:
        """Raises what has ended the looks."""
        if self._error is not None:
            raise self._error

    # In the thread.

    def _run(self) -> None:
        try:
            take_turns(self._looks())
        except Exception as error:
            self._error = error if isinstance(error, SamplerError) else InternalError.of(error)
            os.eventfd_write(self.told, 1)

    def _looks(self) -> Iterator[None]:
        deadline_ns, interval_ns = time.monotonic_ns(), self._given.question.timing.anchor_ns
        with self._choice.instrument as instrument:
            while self._stop.reason is None:
                look = instrument.look(deadline_ns)
                if isinstance(look, Sample | Miss):
                    self._take(look)
                if instrument.lets_go:
                    yield
                deadline_ns = max(deadline_ns + interval_ns, time.monotonic_ns())

    def _take(self, look: Sample | Miss) -> None:
        self._counts["looks"] += 1
        self._spend(look.cost.total_ns)
        if isinstance(look, Miss):
            self._counts["missed"] += 1
            self._miss(look)
            return
        self.missed, found = None, self._anchor(list(look.values.values()))
        if found == self.current:
            return
        self._counts["moved"] += self._found
        self._given.report("anchored", {"again": self._found, "pieces": _shown(found.pieces)})
        self.current, self._found = found, True
        os.eventfd_write(self.told, 1)

    def _miss(self, look: Miss) -> None:
        self.missed = look
        if look.reason == "unreadable":  # a pointer that leads there leads nowhere now
            self.current = None
        os.eventfd_write(self.told, 1)

    def _spend(self, cost: Interval) -> None:
        with self._spending:
            self._suspended += cost

    def _hear(self, event: str, detail: dict[str, Any]) -> None:
        """An anchor's attaching and leaving is part of the run, and so is what they have cost."""
        for bounds in (detail[name] for name in ("suspended_ns", "between_ns") if name in detail):
            self._spend(Interval(*bounds))

    def _anchor(self, answers: list[Any]) -> Anchor:
        number, low, high = answers[_PLACE], answers[_LOW], answers[_HIGH]
        freezing, where = self._frozen[number], self._places[number].where
        addresses = answers[_FIRST : _FIRST + len(freezing.blocks)]
        self._check_stack(addresses, low, high, where)
        sizes = [block.size for block in freezing.blocks]
        return Anchor(number, tuple(zip(addresses, sizes, strict=True)), tuple(freezing.frozen(addresses)))

    def _check_stack(self, addresses: Sequence[int], low: int, high: int, where: str) -> None:
        if low == high:  # of a thread of C only the stack pointer is known
            low, high = _mapping_of(self._given.target.pid, low)
        if any(low <= address < high for address in addresses):
            raise _refused("that", where, "what lies on a stack: it is gone when the function returns")


def _freezing(place: PlannedPlace, expressions: Sequence[str]) -> Freezing:
    for expression, plan in zip(expressions, place.plans, strict=True):
        try:
            Freezing([plan])
        except NotFreezable as reason:
            raise _refused(f"{expression!r}", place.where, str(reason)) from reason
    freezing = Freezing(place.plans)
    if not freezing.blocks:
        raise NotAnswerable("peek has nothing to read", "all that is asked for are constants", "ask for a variable")
    return freezing


def _refused(what: str, where: str, why: str) -> NotAnswerable:
    return NotAnswerable(f"peek cannot ask {what} at {where}", f"it does not read {why}", "ask by another --instrument")


def _anchored(place: PlannedPlace, freezing: Freezing, number: int, width: int, on_go: bool) -> PlannedPlace:
    """The question of an anchor: the place's number, the stack, and the address of each block."""
    addresses = [Convert(block.address, WORD) for block in freezing.blocks]
    padding = [Constant(0)] * (width - len(addresses))
    return replace(place, plans=(Constant(number), *_stack(on_go), *addresses, *padding))


def _stack(on_go: bool) -> tuple[Node, Node]:
    """Its lowest address and the one behind it; in C twice an address that is on it."""
    if not on_go:
        return Register(_STACK_POINTER), Register(_STACK_POINTER)
    bounds = Block(offset(Register(_GOROUTINE), 0), 16)
    return Part(bounds, 0, 8), Part(bounds, 8, 8)


def _mapping_of(pid: int, address: int) -> tuple[int, int]:
    found = (part for part in procfs.mappings(pid) if part.start <= address < part.end)
    return next(((part.start, part.end) for part in found), (0, 0))


def _shown(pieces: Sequence[tuple[int, int]]) -> list[list[str | int]]:
    return [[f"{address:#x}", size] for address, size in pieces]
