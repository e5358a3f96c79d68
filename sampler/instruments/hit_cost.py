"""What one hit of a breakpoint takes from a thread on this machine, measured on ourselves beforehand.

A function of libc is called with a breakpoint on it and without: the difference is the exception, the
program or the kernel's note, and the disarming.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

from sampler.bpf.program import Program
from sampler.errors import NotAnswerable
from sampler.instruments.breakpoints import NoneFree, not_taken, refusal
from sampler.instruments.traps import KernelTraps, PlainTraps, Traps
from sampler.linux import bpf
from sampler.linux.perf_event import Companion, Where
from sampler.plan.nodes import Constant
from sampler.sample import Interval

_TRIALS = 40
_OUTLIERS = 2  # of so many trials: those in which somebody else had our processor


@dataclass(frozen=True, slots=True)
class HitCost:
    """Durations at least and, of 19 in 20, at most: of a hit, and of one that does not meet a condition.

    ``stays``: a program can leave its breakpoint armed (since Linux 6.10; before, the first hit takes it away).
    ``ahead_ns``: of the kernel's clock over ours, which differ in a time namespace.
    """

    hit_ns: Interval
    passed_ns: Interval = field(default_factory=Interval)
    stays: bool = False
    ahead_ns: int = 0

    def of(self, inside_ns: int, hits: int, passed: int) -> Interval:
        """Of a look: ``inside_ns`` was seen in the handler itself; ``passed``: hits that changed nothing."""
        low = inside_ns + hits * self.hit_ns.low + passed * self.passed_ns.low
        return Interval(low, inside_ns + hits * self.hit_ns.high + passed * self.passed_ns.high)

    def to_json(self) -> dict[str, list[int]]:
        return {"hit_ns": self.hit_ns.to_json(), "passed_ns": self.passed_ns.to_json()}


@cache
def measured(in_kernel: bool) -> HitCost:
    """On the calling thread, once. Raises NotPermitted, NotAnswerable."""
    function = ctypes.PyDLL(None).getppid
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    try:
        with Companion():
            return _measured(in_kernel, address, function)
    except NoneFree as full:
        what, why = "a hit cannot be tried out", "all four breakpoints of our own thread are in use"
        raise NotAnswerable(what, why, "end what uses them, or ask with --instrument ptrace") from full
    except bpf.BpfRefused as error:
        raise not_taken(error) from error
    except OSError as error:
        raise refusal(error) from error


def _measured(in_kernel: bool, address: int, function: Callable[[], object]) -> HitCost:
    traps: Traps = KernelTraps({address: Program((), 0)}) if in_kernel else PlainTraps([address])
    with traps:
        hits = [_hit(traps, function) for _ in range(_TRIALS)]
        ahead_ns = _ahead_ns(traps, function)
    if not in_kernel:
        return HitCost(_bounds(hits), ahead_ns=ahead_ns)
    with KernelTraps({address: Program((), 0, Constant(0), 2 * _TRIALS)}) as passing:
        passed = list(_passed(passing, function))
        stays = passing.take().hits == _TRIALS
    return HitCost(_bounds(hits), _bounds(passed), stays, ahead_ns)


def _bounds(found: list[int]) -> Interval:
    ordered = sorted(found)
    return Interval(ordered[0], ordered[-1 - _OUTLIERS])


def _passed(traps: Traps, function: Callable[[], object]) -> Iterator[int]:
    """Hits at which a condition is false: the breakpoint stays."""
    traps.set([Where(threading.get_native_id())])
    without_ns = min(_taken(function) for _ in range(_TRIALS))
    traps.arm()
    for _ in range(_TRIALS):
        yield max(0, _taken(function) - without_ns)
    traps.clear()


def _hit(traps: Traps, function: Callable[[], object]) -> int:
    traps.set([Where(threading.get_native_id())])
    try:
        without_ns = _taken(function)
        traps.arm()
        return max(0, _taken(function) - without_ns)
    finally:
        traps.clear()


def _ahead_ns(traps: Traps, function: Callable[[], object]) -> int:
    traps.set([Where(threading.get_native_id())])
    traps.arm()
    before_ns = time.monotonic_ns()
    function()
    after_ns = time.monotonic_ns()
    traps.disarm()
    snapshots = traps.take().snapshots
    traps.clear()
    if not snapshots:  # as in some virtual machines, which give breakpoints and pass on no trap
        what, why = "hardware breakpoints do not work here", "one that was set on a function of our own was never hit"
        raise NotAnswerable(what, why, "ask with --instrument ptrace")
    begun_ns = snapshots[0].begun_ns
    return 0 if before_ns <= begun_ns <= after_ns else begun_ns - before_ns


def _taken(function: Callable[[], object]) -> int:
    begun_ns = time.monotonic_ns()
    function()
    return time.monotonic_ns() - begun_ns
