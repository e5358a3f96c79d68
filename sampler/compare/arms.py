"""Which ways of asking are compared, and the words by which a recorder is told each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sampler.compare.result import CONTROL, UNTOUCHED, Arm
from sampler.errors import UsageError
from sampler.instruments.base import DEBUGGERS, INSTRUMENTS, TRACING
from sampler.question import Question
from sampler.target import Target

#: A debugger's dialogue takes milliseconds: what is beyond this is the same run once more.
_MOST_OF_DEBUGGERS = 100
MOST_RATE = {name: _MOST_OF_DEBUGGERS if name in DEBUGGERS else 1000 for name in INSTRUMENTS}
#: How often what is counted in the kernel is read.
_TOLD = "--every=100ms"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An instrument as the command line names it; with rates of its own, or those given for all."""

    instrument: str
    rates: tuple[float, ...] = ()


def parse_instruments(text: str) -> tuple[Wanted, ...]:
    """``dlv,perf,bcc``; with rates of its own ``dlv:1:10``. UsageError."""
    found = tuple(_parse_one(word.strip()) for word in text.split(","))
    if len({one.instrument for one in found}) < len(found):
        raise UsageError(f"an instrument is named twice in {text!r}", fix="give its rates as NAME:1:10")
    return found


def _parse_one(word: str) -> Wanted:
    name, *rates = word.split(":")
    if name not in (*INSTRUMENTS, *TRACING):
        raise UsageError(f"no instrument {name!r}", fix=f"choose of {', '.join((*INSTRUMENTS, *TRACING))}")
    if rates and name in TRACING:
        raise UsageError(f"{name} meets every hit", "there is no rate to set", f"write {name} alone")
    return Wanted(name, parse_rates(",".join(rates)) if rates else ())


def parse_rates(text: str) -> tuple[float, ...]:
    """``1,10,100``, looks a second, in ascending order. UsageError."""
    try:
        rates = sorted({float(word) for word in text.split(",")})
    except ValueError:
        rates = []
    if not rates or not 0.01 <= rates[0] <= rates[-1] <= 1000:
        raise UsageError(f"{text!r} is no list of rates", fix="write looks a second from 0.01 to 1000, like 1,10,100")
    return tuple(rates)


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
