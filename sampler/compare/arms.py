"""Which ways of asking are compared, and the words by which a recorder is told each."""

from __future__ import annotations

from collections.abc import Sequence

from sampler.compare.result import CONTROL, UNTOUCHED, Arm
from sampler.compare.wanted import Wanted
from sampler.instruments.base import DEBUGGERS, INSTRUMENTS, TRACING
from sampler.question import Question
from sampler.target import Target

#: A debugger's dialogue takes milliseconds: what is beyond this is the same run once more.
_MOST_OF_DEBUGGERS = 100
MOST_RATE = {name: _MOST_OF_DEBUGGERS if name in DEBUGGERS else 1000 for name in INSTRUMENTS}
#: How often what is counted in the kernel is read.
_TOLD = "--every=100ms"


def usual(target: Target) -> tuple[Wanted, ...]:
    """Every instrument that may fit the target."""
    debugger = "dlv" if target.go_version is not None else "gdb"
    return tuple(map(Wanted, (debugger, "ptrace", "perf", "peek", *TRACING)))


def arms_of(wanted: Sequence[Wanted], rates: Sequence[float]) -> list[Arm]:
    """With the control, that asks nothing."""
    found = [Arm(CONTROL)]
    for one in wanted:
        if one.instrument in TRACING:
            found.append(Arm(one.instrument))
            continue
        of_it = one.rates or [rate for rate in rates if rate <= MOST_RATE[one.instrument]] or [min(rates)]
        found += [Arm(one.instrument, rate) for rate in of_it]
    return found


def asks(arm: Arm) -> bool:
    return arm.instrument not in (CONTROL, UNTOUCHED)


def words(arm: Arm, question: Question, pid: int) -> list[str]:
    """The recorder's command line. The question's own rate and length are left to the arm."""
    timing, budget = question.timing, question.budget
    how = [f"--every={round(1e9 / arm.rate)}ns", f"--jitter={timing.jitter:.6f}"] if arm.rate else [_TOLD]
    summed = [f"--aggregate={question.aggregate.text}"] if arm.rate is None and question.aggregate else []
    return [
        "record",
        f"--instrument={arm.instrument}",
        f"--at={question.point}",
        *how,
        *summed,
        f"--window={timing.window_ns}ns",
        f"--max-pause={budget.max_pause_ns}ns",
        f"--max-suspended={budget.max_suspended:.6f}",
        "--",
        str(pid),
        *question.expressions,
    ]
