"""Where the memory lies that is read without a hit: looked up at an interval, by looks of another instrument.

Such a look asks for addresses in the place of values, and for the bounds of the stack that the thread stands on. It is
taken in a thread of its own, so that nobody waits for the program to come by once more.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from sampler.budget import Throttle
from sampler.errors import InternalError, NotAnswerable, SamplerError, TargetEnded
from sampler.instruments.base import AUTO, Assignment
from sampler.instruments.choice import choose
from sampler.linux import procfs
from sampler.linux.memory import Memory
from sampler.linux.turns import take_turns
from sampler.linux.vector import MOST_PIECES
from sampler.linux.wakeup import StopRequest
from sampler.placing import PlannedPlace
from sampler.plan.freezing import Freezing, NotFreezable
from sampler.plan.nodes import RED_ZONE, RSP, Constant, Node, Register
from sampler.planning import QuestionPlan
from sampler.sample import Interval, Miss, Sample

# In Go's code a register holds the goroutine, which begins with its stack's bounds (cmd/compile/abi-internal.md).
_GOROUTINE = 14
_BOUNDS = struct.Struct("<QQ")
#: What the processor takes from memory together: a line of its cache, in bytes.
_LINE = 64
_PLACE, _SP, _G, _FIRST = range(4)  # of the answers; addresses from _FIRST on


@dataclass(frozen=True, slots=True)
class Anchor:
    """``place``: which of the point's; ``pieces``: address and size of what its plans read, in the plans' order."""

    place: int
    pieces: tuple[tuple[int, int], ...]
    plans: tuple[Node, ...]

    @property
    def copies(self) -> int:
        """How often a sample is to be read in a row, so that it is seen whether it changes meanwhile.

        What lies in one line of the cache is read once, lower addresses first, within some nanoseconds. A second
        read comes half a microsecond later, which tells little; and the program waits for a line that it writes
        to each time that the line is taken from its processor.
        """
        (address, size), *more = self.pieces
        return 1 if not more and address // _LINE == (address + size - 1) // _LINE else 2


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
        self.current: Anchor | None = None
        self._last: Anchor | None = None
        self.missed: Miss | None = None
        width = max(len(one.blocks) for one in self._frozen)
        timing = replace(assignment.question.timing, period_ns=assignment.question.timing.anchor_ns, jitter=0.0)
        names = tuple(f"anchor {number}" for number in range(_FIRST + width))
        question = replace(assignment.question, expressions=names, timing=timing)
        places = [
            _anchored(place, freezing, number, width)
            for number, (place, freezing) in enumerate(zip(plan.places, self._frozen, strict=True))
        ]
        asked = replace(plan, places=tuple(places), types={}, unsigned_bits={})
        given = replace(assignment, question=question, plan=asked, stop=self._stop, report=self._hear)
        with ExitStack() as failing:
            failing.callback(self._stop.close)
            self._choice = choose(AUTO, given)
            failing.pop_all()

    @property
    def by(self) -> str:
        """The instrument that looks."""
        return str(self._choice.describe()["instrument"])

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
        """Raises what has ended the looks, unless something else is raised, or it was the end of the target: a run
        that has what it wanted does not mind.
        """
        self._stop.request("interrupted")
        self._thread.join()
        with self._opened:
            self._stop.close()
        if kind is None and not isinstance(self._error, TargetEnded):
            self.check()

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
        throttle = Throttle(self._given.question.budget, self._given.question.timing.anchor_ns)
        deadline_ns = time.monotonic_ns()
        with self._choice.instrument as instrument:
            while self._stop.reason is None:
                look = instrument.look(deadline_ns)
                if isinstance(look, Sample | Miss):
                    self._take(look)
                    if change := throttle.after(look.cost.total_ns.high):
                        self._keep_budget(change, throttle)
                if instrument.lets_go:
                    yield
                deadline_ns = max(deadline_ns + throttle.period_ns, time.monotonic_ns())

    def _keep_budget(self, change: str, throttle: Throttle) -> None:
        throttle.check("the anchors", "allow more with --max-suspended, or try fewer hits with --max-hits")
        self._given.report(change, {"of": "anchors", "period_ns": throttle.period_ns})

    def _take(self, look: Sample | Miss) -> None:
        self._counts["looks"] += 1
        self._spend(look.cost.total_ns)
        if isinstance(look, Miss):
            self._miss(look)
            return
        found = self._anchor(list(look.values.values()))
        if found.pieces:
            self._find(found)
        else:
            self._miss(Miss(look.t_ns, "unreadable", look.cost, "a pointer on the way is nil"))

    def _find(self, found: Anchor) -> None:
        self.missed = None
        if found == self.current:
            return
        if found != self._last:
            again = self._last is not None
            self._counts["moved"] += again
            self._given.report("anchored", {"again": again, "pieces": _shown(found.pieces), "copies": found.copies})
        self.current = self._last = found
        os.eventfd_write(self.told, 1)

    def _miss(self, look: Miss) -> None:
        self._counts["missed"] += 1
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
        number, stack_pointer, goroutine = answers[_PLACE], answers[_SP], answers[_G]
        freezing, where = self._frozen[number], self._places[number].where
        addresses = answers[_FIRST : _FIRST + len(freezing.blocks)]
        for low, high in self._stacks(stack_pointer, goroutine):
            if any(low <= address < high for address in addresses):
                raise _refused("that", where, "what lies on a stack: it is gone when the function returns")
        pieces = ((at, block.size) for at, block in zip(addresses, freezing.blocks, strict=True) if at)
        return Anchor(number, tuple(pieces), tuple(freezing.frozen(addresses)))

    def _stacks(self, stack_pointer: int, goroutine: int) -> Iterator[tuple[int, int]]:
        """The first thread's, and the one that the thread stands on; those of others are not known."""
        mappings = list(procfs.mappings(self._given.target.pid))
        yield from ((part.start, part.end) for part in mappings if part.path == "[stack]")
        bounds = self._bounds_of(goroutine) if self._given.target.go_version is not None else (0, 0)
        if bounds[0] <= stack_pointer < bounds[1]:
            yield bounds
        else:  # a thread of C; the mapping may hold more than its stack
            used = stack_pointer - RED_ZONE
            yield from ((used, part.end) for part in mappings if part.start <= stack_pointer < part.end)

    def _bounds_of(self, goroutine: int) -> tuple[int, int]:
        with suppress(OSError), Memory(self._given.target.pid, write=False) as memory:
            low, high = _BOUNDS.unpack(memory.read(goroutine, _BOUNDS.size))
            return low, high
        return 0, 0


def _freezing(place: PlannedPlace, expressions: Sequence[str]) -> Freezing:
    for expression, plan in zip(expressions, place.plans, strict=True):
        try:
            Freezing([plan])
        except NotFreezable as reason:
            raise _refused(f"{expression!r}", place.where, str(reason)) from reason
    freezing = Freezing(place.plans)
    if 2 * len(freezing.blocks) > MOST_PIECES:
        raise _refused("so much at once", place.where, f"{len(freezing.blocks)} pieces of memory")
    if not freezing.blocks:
        raise NotAnswerable("peek has nothing to read", "all that is asked for are constants", "ask for a variable")
    return freezing


def _refused(what: str, where: str, why: str) -> NotAnswerable:
    return NotAnswerable(f"peek cannot ask {what} at {where}", f"it does not read {why}", "ask by another --instrument")


def _anchored(place: PlannedPlace, freezing: Freezing, number: int, width: int) -> PlannedPlace:
    """The question of an anchor: the place's number, what tells the stack, and the address of each block."""
    addresses = freezing.addresses
    padding = [Constant(0)] * (width - len(addresses))
    return replace(place, plans=(Constant(number), Register(RSP), Register(_GOROUTINE), *addresses, *padding))


def _shown(pieces: Sequence[tuple[int, int]]) -> list[list[str | int]]:
    return [[f"{address:#x}", size] for address, size in pieces]
