"""What a look by ptrace costs: against the same loop in C, against Delve, and against nothing at all.

All arms take turns, in a random order, on one running target; what it lost and which of its threads
were stopped is told by the target itself. Everything is in the JSON that ``--output`` names.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
from pathlib import Path

from bench.arms import C_RING, PROGRAMS, REFERENCE, Program, Run, run
from bench.loads import LOADS, PLAIN_LOADS, busy
from bench.slowdown import Result, print_slowdown, slowdown
from bench.stalls import at_share, costs, stalls_within
from bench.tracee import Tracee
from sampler.recorder import machine

ARMS = [(arm, rate) for arm in (REFERENCE, "ptrace") for rate in (1, 100, 1000)]
THREADS = (1, 16, 200)
#: A stall may begin before the look was known to, and end after it, by what the kernel's way takes.
_SLACK_NS = 100_000
_STALL_US = 15  # what the writer counts as one: less than any look


def suspension(program: Program, load: str, rounds: int, seconds: float) -> Result:
    """A look's time: the C reference's handler, ours at 100/s, and Delve's or GDB's at twice a second."""
    rates = {REFERENCE: 100, "ptrace": 100, program.debugger: 2}
    runs: dict[str, list[Run]] = {arm: [] for arm in rates}
    with busy(program, load, f"-stall={_STALL_US}us") as target:
        for _ in range(rounds):
            for arm in random.sample(list(rates), len(rates)):
                runs[arm].append(run(program, target, arm, rates[arm], seconds))
    return {REFERENCE: _reference(runs.pop(REFERENCE))} | {arm: _digest(found) for arm, found in runs.items()}


def _reference(runs: list[Run]) -> Result:
    handlers = [one.lines[0]["handler_ns"] for one in runs]
    return {
        "looks": sum(one.lines[0]["samples"] for one in runs),
        "p50_ns": statistics.median(found["p50"] for found in handlers),
        "p999_ns": max(found["p999"] for found in handlers),
    }


def _digest(runs: list[Run]) -> Result:
    low = sorted(look["suspended_ns"][0] for one in runs for look in costs(one.lines))
    felt = [stall for one in runs for stall in _felt(one)]
    return {
        "looks": len(low),
        "p50_ns": at_share(low, 0.5),
        "p999_ns": at_share(low, 0.999),
        "felt": felt,
        "felt_p50_ns": statistics.median(stall for *_, stall in felt) if felt else None,
        "felt_inside": sum(low <= stall <= high for low, high, stall in felt),
    }


def _felt(found: Run) -> list[tuple[int, int, int]]:
    """Of each look: its bounds, and what the writer was kept from writing in its time.

    Where the writer tells of no stall, or of several, nothing can be said: the scheduler's are among them.
    """
    begun, start = found.report["t_ns"] - found.report["interval_ns"], found.lines[0]["started_monotonic_ns"]
    rows = []
    for look in costs(found.lines):
        first, last = (start + at for at in look["during_ns"])
        lengths = stalls_within(found.report, first, last + _SLACK_NS)
        if first >= begun and last <= found.report["t_ns"] and lengths and (len(lengths) == 1 or last - first > 10**6):
            rows.append((*look["suspended_ns"], sum(lengths)))
    return rows


def threads(rounds: int, seconds: float) -> list[Result]:
    """The same question with 1, 16 and 200 threads, and whether a bystander was stopped."""
    rows = []
    for count in THREADS:
        with Tracee(f"-threads={count}", "-bystander", program=C_RING.path) as target:
            found = [run(C_RING, target, "ptrace", 100, seconds) for _ in range(rounds)]
        low = sorted(look["suspended_ns"][0] for one in found for look in costs(one.lines))
        stops = sum(one.report["bystander"]["voluntary_switches"] for one in found)
        rows.append({"threads": count, "looks": len(low), "p50_ns": at_share(low, 0.5), "bystander_stops": stops})
    return rows


def _look_row(found: Result, reference: Result) -> str:
    row = f"{found['p50_ns'] / 1000:>9.1f} µs{found['p999_ns'] / 1000:>9.0f} µs"
    row += f"{found['p50_ns'] / reference['p50_ns']:>9.1f}"
    if found.get("felt"):
        row += f"{found['felt_p50_ns'] / 1000:>11.1f} µs; {found['felt_inside']} of {len(found['felt'])} within bounds"
    return row


def print_tables(result: Result) -> None:
    for name, loads in result["suspension"].items():
        for load, arms in loads.items():
            print(f"\n{name}, {load}: suspended by a look")
            print(f"{'':<14}{'p50':>12}{'p99.9':>12}{'over C':>9}   felt by the writer (median)")
            for arm, found in arms.items():
                print(f"  {arm:<12}{_look_row(found, arms[REFERENCE])}")
    print()
    for row in result["threads"]:
        print(f"{row['threads']:>4} threads: {row['p50_ns'] / 1000:.1f} µs; {row['looks']} looks,"
              f" {row['bystander_stops']} stops of the bystander")  # fmt: skip
    for name, loads in result["slowdown"].items():
        for load, found in loads.items():
            print_slowdown(f"{name}, {load}", found["arms"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.0, help="the length of a round")
    chosen = parser.parse_args()
    rounds, seconds = chosen.rounds, chosen.seconds
    result = {
        "machine": machine(),
        "suspension": {
            program.name: {load: suspension(program, load, rounds, 3 * seconds) for load in PLAIN_LOADS}
            for program in PROGRAMS
        },
        "threads": threads(max(2, rounds // 4), seconds),
        "slowdown": {
            program.name: {load: slowdown(program, load, ARMS, rounds, seconds) for load in LOADS[program.name]}
            for program in PROGRAMS
        },
    }
    Path(chosen.output).write_text(json.dumps(result, indent=1))
    print_tables(result)
    print(f"\n{result['machine']}\nall of it: {chosen.output}")


if __name__ == "__main__":
    main()
