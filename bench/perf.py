"""What a look by perf costs: against the same sequence in C, a uprobe, the debuggers, and nothing at all.

All arms take turns, in a random order, on one running target; what it lost is told by the target itself.
Everything is in the JSON that ``--output`` names.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import crowds, peek, recorder_cpu, stalls
from bench.arms import PERF_REFERENCE, PROGRAMS, UPROBE, Program
from bench.loads import PLAIN_LOADS
from bench.slowdown import Arm, print_slowdown, slowdown
from sampler.recorder import machine

Result = dict[str, Any]
RATES = (1, 100, 500)
PARTS = ("stalls", "slowdown", "crowds", "peek", "recorder_cpu")


def arms(program: Program) -> list[Arm]:
    ours = [(arm, rate) for arm in (PERF_REFERENCE, "perf") for rate in RATES]
    return [*ours, (program.debugger, 1), (UPROBE, 0)]


def slowdowns(rounds: int, seconds: float) -> Result:
    return {
        program.name: {load: slowdown(program, load, arms(program), rounds, seconds) for load in PLAIN_LOADS}
        for program in PROGRAMS
    }


def measured(part: str, rounds: int, seconds: float) -> Any:
    match part:
        case "stalls":
            return stalls.measured(rounds, 3 * seconds)
        case "slowdown":
            return slowdowns(rounds, seconds)
        case "crowds":
            return crowds.measured(rounds, seconds)
        case "peek":
            return peek.measured(rounds, seconds)
    return recorder_cpu.measured(20 * seconds)


def print_slowdowns(result: Result) -> None:
    for name, loads in result.items():
        for load, found in loads.items():
            print_slowdown(f"{name}, {load}", found["arms"])


TABLES: dict[str, Callable[[Any], None]] = {
    "stalls": stalls.print_table,
    "slowdown": print_slowdowns,
    "crowds": crowds.print_table,
    "peek": peek.print_table,
    "recorder_cpu": recorder_cpu.print_table,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=1.0, help="the length of a round")
    parser.add_argument(
        "--without", choices=PARTS, action="append", default=[], help="leave a part out; may be repeated"
    )
    chosen = parser.parse_args()
    result: Result = {"machine": machine()}
    for part in PARTS:
        if part not in chosen.without:
            result[part] = measured(part, chosen.rounds, chosen.seconds)
            Path(chosen.output).write_text(json.dumps(result, indent=1))
            TABLES[part](result[part])
    print(f"\n{result['machine']}\nall of it: {chosen.output}")


if __name__ == "__main__":
    main()
