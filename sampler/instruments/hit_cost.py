"""What one hit of a breakpoint takes from a thread on this machine, measured on ourselves beforehand.

A function of libc is called with a breakpoint on it and without: the difference is the exception, the
program or the kernel's note, and the disarming.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sampler.bpf.program import Program
from sampler.instruments.traps import KernelTraps, PlainTraps, Traps
from sampler.linux.perf_event import Companion, Where
from sampler.plan.nodes import Constant
from sampler.plan.snapshot import Snapshot
from sampler.sample import Cost, Interval, Miss

_TRIALS = 40


@dataclass(frozen=True, slots=True)
class HitCost:
    """Nanoseconds: what any hit took at least, nearly all at most; one that does not meet a condition."""

    least_ns: int
    most_ns: int
    passed_ns: int = 0

    def of(self, inside_ns: int, hits: int, passed: int) -> Interval:
        """Of a look: ``inside_ns`` was seen in the handler itself; ``passed``: hits that changed nothing."""
        low, high = (hits * each + passed * self.passed_ns for each in (self.least_ns, self.most_ns))
        return Interval(inside_ns + low, inside_ns + high)

    def to_json(self) -> list[int]:
        return [self.least_ns, self.most_ns, self.passed_ns]


class Look:
    """What one look has come to so far. Times on the monotonic clock; ``hits`` by all threads."""

    def __init__(self, deadline_ns: int, start_ns: int, hit_cost: HitCost, conditional: bool) -> None:
        self._deadline_ns, self._start_ns = deadline_ns, start_ns
        self._hit_cost, self._conditional = hit_cost, conditional
        self.begun_ns = self.armed_ns = self.waited_ns = time.monotonic_ns()
        self.hits, self.full = 0, False

    @property
    def late_ns(self) -> int:
        return self.begun_ns - self._deadline_ns

    def cost(self, snapshot: Snapshot, interrupted_ns: int) -> Cost:
        """``interrupted_ns``: how long setting and clearing the breakpoints of one thread has taken."""
        wait_ns = max(0, snapshot.begun_ns - self.armed_ns)
        return self._cost(snapshot.ended_ns - snapshot.begun_ns, interrupted_ns, wait_ns)

    def miss(self, reason: str, detail: str, interrupted_ns: int) -> Miss:
        cost = self._cost(0, interrupted_ns, self.waited_ns - self.armed_ns)
        return Miss(self.armed_ns - self._start_ns, reason, cost, detail, self.late_ns)

    def _cost(self, inside_ns: int, interrupted_ns: int, wait_ns: int) -> Cost:
        now_ns = time.monotonic_ns()
        return Cost(
            self._suspended(inside_ns) + Interval(0, interrupted_ns),
            Interval(self.begun_ns - self._start_ns, now_ns - self._start_ns),
            wait_ns,
            0,
            self.hits,
            setup_ns=Interval(self.armed_ns - self.begun_ns, now_ns - self.waited_ns),
        )

    def _suspended(self, inside_ns: int) -> Interval:
        """With a condition, all hits but the last leave the breakpoint as it is; without, each takes its own away."""
        passed = max(0, self.hits - 1) if self._conditional else 0
        return self._hit_cost.of(inside_ns, self.hits - passed, passed)


@cache
def measured(in_kernel: bool) -> HitCost:
    """On the calling thread, once. Raises OSError, NotPermitted."""
    function = ctypes.PyDLL(None).getppid
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    traps: Traps = KernelTraps({address: Program((), 0)}) if in_kernel else PlainTraps([address])
    with Companion(), traps:
        found = sorted(_one(traps, function) for _ in range(_TRIALS))
    passed_ns = _passed(address, function) if in_kernel else 0
    return HitCost(found[0], found[-max(1, len(found) // 20)], passed_ns)


def _passed(address: int, function: Callable[[], object]) -> int:
    """A hit at which a condition is false: the breakpoint stays."""
    with KernelTraps({address: Program((), 0, Constant(0), 2 * _TRIALS)}) as traps:
        traps.set([Where(threading.get_native_id())])
        without_ns = sum(_taken(function) for _ in range(_TRIALS))
        traps.arm()
        with_ns = sum(_taken(function) for _ in range(_TRIALS))
    return max(0, with_ns - without_ns) // _TRIALS


def _one(traps: Traps, function: Callable[[], object]) -> int:
    traps.set([Where(threading.get_native_id())])
    try:
        without_ns = _taken(function)
        traps.arm()
        return max(0, _taken(function) - without_ns)
    finally:
        traps.clear()


def _taken(function: Callable[[], object]) -> int:
    begun_ns = time.monotonic_ns()
    function()
    return time.monotonic_ns() - begun_ns
