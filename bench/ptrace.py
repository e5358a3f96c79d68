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
from typing import Any

from bench.arms import PROGRAMS, REFERENCE, Line, Program, Run, run, untouched
from bench.looks import ratio_of
from bench.tracee import Tracee
from sampler.recorder import machine

Result = dict[str, Any]
RATES = (1, 100, 1000)
THREADS = (1, 16, 200)
# One thread spins, and a processor is left to whoever asks; or two do, on two processors.
_SPARE, _BUSY = ("-calm=50ms",), ()
# Go sends itself signals, each a stop for its tracer: some 100 a second, and with much garbage 1000.
_LITTLE_GARBAGE = {"GOGC": "10000"}
#: By the name of the program and of the load: its options, and its environment.
LOADS: dict[str, dict[str, tuple[tuple[str, ...], dict[str, str]]]] = {
    "c_ring": {"a processor to spare": (_SPARE, {}), "none to spare": (_BUSY, {})},
    "tracee-noinline": {
        "a processor to spare": (_SPARE, _LITTLE_GARBAGE),
        "none to spare": (_BUSY, _LITTLE_GARBAGE),
        "a processor to spare, collecting garbage all the time": (_SPARE, {}),
    },
}
_PLAIN_LOADS = tuple(LOADS["c_ring"])
#: A stall may begin before the look was known to, and end after it, by what the kernel's way takes.
_SLACK_NS = 100_000
_STALL_US = 15  # what the writer counts as one: less than any look


def suspension(program: Program, load: str, rounds: int, seconds: float) -> Result:
    """A look's time: the C reference's handler, ours at 100/s, and Delve's or GDB's at twice a second."""
    debugger = "dlv" if program.point.startswith("main.") else "gdb"
    rates = {REFERENCE: 100, "ptrace": 100, debugger: 2}
    runs: dict[str, list[Run]] = {arm: [] for arm in rates}
    options, environment = LOADS[program.name][load]
    with Tracee(*options, f"-stall={_STALL_US}us", program=program.path, environment=environment) as target:
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
    low = sorted(look["suspended_ns"][0] for one in runs for look in _looks(one.lines))
    felt = [stall for one in runs for stall in _felt(one)]
    return {
        "looks": len(low),
        "p50_ns": _at_share(low, 0.5),
        "p999_ns": _at_share(low, 0.999),
        "felt": felt,
        "felt_p50_ns": statistics.median(stall for *_, stall in felt) if felt else None,
        "felt_inside": sum(low <= stall <= high for low, high, stall in felt),
    }


def _looks(lines: list[Line]) -> list[Line]:
    return [line["cost"] for line in lines if line["type"] == "sample"]


def _felt(found: Run) -> list[tuple[int, int, int]]:
    """Of each look: its bounds, and what the writer was kept from writing in its time.

    Where the writer tells of no stall, or of several, nothing can be said: the scheduler's are among them.
    """
    stalls = found.report["stalls"]["list"]
    begun, start = found.report["t_ns"] - found.report["interval_ns"], found.lines[0]["started_monotonic_ns"]
    rows = []
    for look in _looks(found.lines):
        first, last = (start + at for at in look["during_ns"])
        lengths = [length for at, length in stalls if at < last + _SLACK_NS and at + length > first]
        if first >= begun and last <= found.report["t_ns"] and lengths and (len(lengths) == 1 or last - first > 10**6):
            rows.append((*look["suspended_ns"], sum(lengths)))
    return rows


def _at_share(ordered: list[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def threads(rounds: int, seconds: float) -> list[Result]:
    """The same question with 1, 16 and 200 threads, and whether a bystander was stopped."""
    rows = []
    for count in THREADS:
        with Tracee(f"-threads={count}", "-bystander", program=PROGRAMS[0].path) as target:
            found = [run(PROGRAMS[0], target, "ptrace", 100, seconds) for _ in range(rounds)]
        low = sorted(look["suspended_ns"][0] for one in found for look in _looks(one.lines))
        stops = sum(one.report["bystander"]["voluntary_switches"] for one in found)
        rows.append({"threads": count, "looks": len(low), "p50_ns": _at_share(low, 0.5), "bystander_stops": stops})
    return rows


def slowdown(program: Program, load: str, rounds: int, seconds: float) -> Result:
    """Calls a second in each arm, over those of the untouched rounds in the same turn."""
    arms = [(arm, rate) for arm in (REFERENCE, "ptrace") for rate in RATES]
    turns: list[dict[str, float]] = []
    options, environment = LOADS[program.name][load]
    with Tracee(*options, program=program.path, environment=environment) as target:
        for _ in range(rounds):
            turn: dict[str, float] = {}
            for arm, rate in random.sample([("untouched", 0), ("untouched", 1), *arms], len(arms) + 2):
                asked = arm != "untouched"
                report = run(program, target, arm, rate, seconds).report if asked else untouched(target, seconds)
                turn[f"{arm} {rate}"] = float(report["writes_per_s"])
            turns.append(turn)
    return {"turns": turns, "arms": _ratios(turns)}


def _ratios(turns: list[dict[str, float]]) -> Result:
    """``noise``: one untouched round over the other one; the rest over the mean of the two."""
    beside = [statistics.mean([turn.pop("untouched 0"), turn["untouched 1"]]) for turn in (dict(one) for one in turns)]
    noise = ratio_of([(turn["untouched 0"], turn["untouched 1"]) for turn in turns])
    names = [name for name in turns[0] if not name.startswith("untouched")]
    return {"noise": noise} | {
        name: ratio_of([(turn[name], mean) for turn, mean in zip(turns, beside, strict=True)]) for name in sorted(names)
    }


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
            print(f"\n{name}, {load}: calls a second, of untouched (95 %)")
            for arm, one in found["arms"].items():
                print(f"  {arm:<18} {one['ratio']:.3f} ({one['low']:.3f} to {one['high']:.3f})")


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
            program.name: {load: suspension(program, load, rounds, 3 * seconds) for load in _PLAIN_LOADS}
            for program in PROGRAMS
        },
        "threads": threads(max(2, rounds // 4), seconds),
        "slowdown": {
            program.name: {load: slowdown(program, load, rounds, seconds) for load in LOADS[program.name]}
            for program in PROGRAMS
        },
    }
    Path(chosen.output).write_text(json.dumps(result, indent=1))
    print_tables(result)
    print(f"\n{result['machine']}\nall of it: {chosen.output}")


if __name__ == "__main__":
    main()
