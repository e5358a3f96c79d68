"""What one look keeps the target from doing, by what the target tells itself of when it stood still.

A look by a perf event has several short stalls: an interrupt for each event that is opened, armed and
closed on the processor of its thread, and the hit between them. All that lie in its time are added up.
"""

from __future__ import annotations

import random
import statistics
from bisect import bisect_left, bisect_right
from typing import Any

from bench.arms import PERF_REFERENCE, PROGRAMS, Line, Program, Run, run
from bench.loads import BUSY, PLAIN_LOADS, SPARE, busy
from bench.looks import ratio_of
from bench.slowdown import with_interval
from bench.tracee import Report
from sampler.units import NS_PER_SECOND

Result = dict[str, Any]
ARMS = (PERF_REFERENCE, "perf")
RATE = 100
#: What the writer counts as a stall, in µs: more than its usual time from one reading of the clock to the next.
_SHORTEST_US = {"c_ring": {SPARE: 3, BUSY: 3}, "tracee-noinline": {SPARE: 8, BUSY: 25}}
_WRITES_A_READING = 64  # of the writer's clock
#: The looks of a recording that does not tell how long their events took to open begin only then: so long before.
_SETUP_NS = 500_000


def measured(rounds: int, seconds: float) -> Result:
    return {
        program.name: {load: stalls(program, load, rounds, seconds) for load in PLAIN_LOADS} for program in PROGRAMS
    }


def stalls(program: Program, load: str, rounds: int, seconds: float) -> Result:
    """Of each arm what its looks were felt as; ``ratio``: of the arms' medians, round by round."""
    runs: dict[str, list[Run]] = {arm: [] for arm in ARMS}
    with busy(program, load, option(program, load)) as target:
        for _ in range(rounds):
            for arm in random.sample(ARMS, len(ARMS)):
                runs[arm].append(run(program, target, arm, RATE, seconds))
    ours, reference = ([statistics.median(felt(one)) for one in runs[arm]] for arm in ("perf", PERF_REFERENCE))
    return {
        "arms": {arm: _digest(found) for arm, found in runs.items()},
        "ratio": ratio_of(list(zip(ours, reference, strict=True))),
    }


def option(program: Program, load: str) -> str:
    return f"-stall={_SHORTEST_US[program.name][load]}us"


def _digest(runs: list[Run]) -> Result:
    """``beside_ns``: the mean of times of the same lengths in which nobody looked."""
    found = sorted(stall for one in runs for stall in felt(one))
    return {
        "looks": len(found),
        "p50_ns": at_share(found, 0.5),
        "p99_ns": at_share(found, 0.99),
        "mean_ns": statistics.mean(found),
        "beside_ns": statistics.mean(stall for one in runs for stall in felt(one, NS_PER_SECOND // RATE // 2)),
        "felt": found,
    }


def felt(found: Run, shifted_ns: int = 0) -> list[float]:
    """For each look with values, how much longer than usual the writer took in its time, in ns.

    ``shifted_ns``: so much later, to see what it is without a look.
    """
    report = found.report
    usual_ns = _WRITES_A_READING * report["interval_ns"] / max(1, report["writes"])
    begun, ended = report["t_ns"] - report["interval_ns"] - shifted_ns, report["t_ns"] - shifted_ns
    return [
        sum(max(0.0, length - usual_ns) for length in stalls_within(report, first + shifted_ns, last + shifted_ns))
        for first, last in windows(found.lines)
        if begun <= first and last <= ended
    ]


def stalls_within(report: Report, first_ns: int, last_ns: int) -> list[int]:
    """The lengths of those that touch that time. They are in order, and none overlaps another."""
    told = report["stalls"]["list"]
    after = bisect_right(told, first_ns, key=sum)
    return [length for _, length in told[after : bisect_left(told, last_ns, key=lambda stall: int(stall[0]))]]


def windows(lines: list[Line]) -> list[tuple[int, int]]:
    """From when to when on the clock each look with values took, opening and closing included."""
    if "begun_ns" in lines[0]:
        return list(zip(lines[0]["begun_ns"], lines[0]["ended_ns"], strict=True))
    start = lines[0]["started_monotonic_ns"]
    return [
        (start + look["during_ns"][0] - (0 if "setup_ns" in look else _SETUP_NS), start + look["during_ns"][1])
        for look in costs(lines)
    ]


def costs(lines: list[Line]) -> list[Line]:
    """Of the samples of a recording."""
    return [line["cost"] for line in lines if line["type"] == "sample"]


def at_share(ordered: list[Any], share: float) -> Any:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def print_table(result: Result) -> None:
    for name, loads in result.items():
        for load, found in loads.items():
            print(f"\n{name}, {load}: felt by the writer, a look at {RATE}/s")
            print(f"{'':<20}{'p50':>12}{'p99':>12}{'mean':>12}{'without':>12}{'looks':>8}")
            for arm, one in found["arms"].items():
                times = (one[key] / 1000 for key in ("p50_ns", "p99_ns", "mean_ns", "beside_ns"))
                print(f"  {arm:<18}{''.join(f'{time_us:>9.1f} µs' for time_us in times)}{one['looks']:>8}")
            print(f"  perf over C {with_interval(found['ratio'])}")
