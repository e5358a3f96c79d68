"""What a look by ptrace costs: against the same loop in C, against Delve, and against nothing at all.

All arms take turns, in a random order, on one running target; what it lost and which of its threads
were stopped is told by the target itself. Everything is in the JSON that ``--output`` names.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.looks import ratio_of
from bench.tracee import ROOT, Tracee
from sampler.linux import procfs
from sampler.recorder import machine

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Program:
    """A program to ask, and how the C reference is told the same question: register and offsets."""

    name: str
    expression: str
    point: str
    register: str
    offsets: tuple[int, int]
    position_independent: bool

    def address(self, pid: int) -> int:
        """Of the point, in the running process."""
        listing = subprocess.run(["nm", self.path], capture_output=True, text=True, check=True).stdout
        symbol = next(line.split()[0] for line in listing.splitlines() if line.endswith(f" {self.point}"))
        base = next(procfs.mappings(pid)).start if self.position_independent else 0
        return base + int(symbol, 16)

    @property
    def path(self) -> Path:
        return ROOT / "build" / self.name


PROGRAMS = (
    Program("c_ring", "r->write_index - r->read_index", "ring_write", "rdi", (16, 24), True),
    Program("tracee-noinline", "d.writeIndex - d.readIndex", "main.write", "rax", (24, 32), False),
)


def by_reference(program: Program, pid: int, rate: int, seconds: float) -> Result:
    command = [str(ROOT / "build" / "c_reference"), str(pid), hex(program.address(pid)), program.register,
               *map(str, program.offsets), str(rate), str(seconds)]  # fmt: skip
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"samples": found["samples"], "p50_ns": found["handler_ns"]["p50"], "p999_ns": found["handler_ns"]["p999"]}


def by_sampler(program: Program, pid: int, rate: int, seconds: float, instrument: str = "ptrace") -> Result:
    how = (f"--instrument={instrument}", f"--rate={rate}/s", f"--duration={seconds}s", "--max-suspended=100%")
    what = (program.expression, f"--at={program.point}")
    command = [sys.executable, "-m", "sampler", "record", str(pid), *what, *how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    looks = [line["cost"] for line in lines if line["type"] == "sample"]
    low = sorted(look["suspended_ns"][0] for look in looks)
    return {
        "samples": len(looks),
        "p50_ns": at_share(low, 0.5),
        "p999_ns": at_share(low, 0.999),
        "high_p50_ns": at_share(sorted(look["suspended_ns"][1] for look in looks), 0.5),
        "start_ns": lines[0]["started_monotonic_ns"],
        "looks": [look["suspended_ns"] + look["during_ns"] for look in looks],
    }


def at_share(ordered: list[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0


def suspension(program: Program, rounds: int, seconds: float) -> Result:
    """A look's time, in turns: the C reference's handler, ours, and what Delve takes at twice a second."""
    rows: dict[str, list[Result]] = {"C reference": [], "ptrace": [], "dlv": []}
    with Tracee("-stall=20us", program=program.path) as target:
        for _ in range(rounds):
            arms: dict[str, Callable[[], Result]] = {
                "C reference": lambda: by_reference(program, target.pid, 100, seconds),
                "ptrace": lambda: with_stalls(target, lambda: by_sampler(program, target.pid, 100, seconds)),
            }
            if program.point.startswith("main."):
                arms["dlv"] = lambda: by_sampler(program, target.pid, 2, seconds, "dlv")
            for name in random.sample(list(arms), len(arms)):
                rows[name].append(arms[name]())
    return {name: digest(found) for name, found in rows.items() if found}


def with_stalls(target: Tracee, run: Callable[[], Result]) -> Result:
    """A run, with what the writer felt of each look: its stalls in the time of the look."""
    target.report()
    found = run()
    stalls = target.report()["stalls"]["list"]
    felt = []
    for low, high, begin, end in found.pop("looks"):
        first, last = found["start_ns"] + begin, found["start_ns"] + end
        lengths = [length for start, length in stalls if start < last + 100_000 and start + length > first]
        if len(lengths) == 1:  # else the scheduler's are among them
            felt.append([low, high, lengths[0]])
    return found | {"felt": felt}


def digest(rounds: list[Result]) -> Result:
    felt = [one for found in rounds for one in found.get("felt", ())]
    return {
        "rounds": [{key: value for key, value in found.items() if key not in ("felt", "looks")} for found in rounds],
        "p50_ns": statistics.median(found["p50_ns"] for found in rounds),
        "p999_ns": statistics.median(found["p999_ns"] for found in rounds),
        "worst_p999_ns": max(found["p999_ns"] for found in rounds),
        "felt_p50_ns": statistics.median(one[2] for one in felt) if felt else None,
        "felt_inside": sum(low <= length <= high for low, high, length in felt),
        "felt": len(felt),
    }


def threads(rounds: int, seconds: float) -> Result:
    """The same question with 1, 16 and 200 threads, and whether a bystander was stopped."""
    program, rows = PROGRAMS[0], []
    for count in (1, 16, 200):
        with Tracee(f"-threads={count}", "-bystander", program=program.path) as target:
            target.report()
            found = [by_sampler(program, target.pid, 100, seconds) for _ in range(rounds)]
            felt = target.report()
        rows.append(
            {
                "threads": count,
                "p50_ns": statistics.median(one["p50_ns"] for one in found),
                "looks": sum(one["samples"] for one in found),
                "runs": rounds,
                "stops_of_the_bystander": felt["bystander"]["voluntary_switches"],
            }
        )
    return {"rows": rows}


def slowdown(program: Program, rate: int, rounds: int, seconds: float) -> Result:
    """Calls a second in each arm, over those of an untouched round beside it; one arm is untouched itself."""
    arms: dict[str, Callable[[int], object]] = {
        "untouched": lambda _: time.sleep(seconds),  # a round's length
        "C reference": lambda pid: by_reference(program, pid, rate, seconds),
        "ptrace": lambda pid: by_sampler(program, pid, rate, seconds),
    }
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in arms}
    with Tracee(program=program.path) as target:
        for _ in range(rounds):
            for name in random.sample(list(arms), len(arms)):
                beside = rate_during(target, lambda: time.sleep(seconds))  # likewise
                pairs[name].append((rate_during(target, lambda name=name: arms[name](target.pid)), beside))
    return {name: {"pairs": found} | ratio_of(found) for name, found in pairs.items()}


def rate_during(target: Tracee, run: Callable[[], object]) -> float:
    target.report()
    run()
    return float(target.report()["writes_per_s"])


def print_tables(result: Result) -> None:
    for name, arms in result["suspension"].items():
        print(f"\n{name}: suspended by a look at 100/s, handler{'p50':>14}{'p99.9':>12}{'over C':>9}")
        for arm, found in arms.items():
            over = found["p50_ns"] / arms["C reference"]["p50_ns"]
            print(f"  {arm:<42}{found['p50_ns'] / 1000:>10.1f} µs{found['p999_ns'] / 1000:>9.0f} µs{over:>9.1f}")
        ours = arms["ptrace"]
        if ours["felt"]:
            print(f"  the writer felt (median)                  {ours['felt_p50_ns'] / 1000:>10.1f} µs;"
                  f" {ours['felt_inside']} of {ours['felt']} within the bounds")  # fmt: skip
    print()
    for row in result["threads"]["rows"]:
        looks = f"{row['looks']} looks in {row['runs']} runs"
        stops = row["stops_of_the_bystander"]
        print(f"{row['threads']:>4} threads: {row['p50_ns'] / 1000:.1f} µs; the bystander felt {stops} of {looks}")
    for name, rates in result["slowdown"].items():
        print(f"\n{name}: calls a second, of untouched (95 %)")
        for rate, arms in rates.items():
            told = "   ".join(
                f"{arm} {one['ratio']:.3f} ({one['low']:.3f}–{one['high']:.3f})" for arm, one in arms.items()
            )
            print(f"  {rate:>5}/s   {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0, help="the length of a round")
    chosen = parser.parse_args()
    rounds, seconds = chosen.rounds, chosen.seconds
    result = {
        "machine": machine(),
        "suspension": {program.name: suspension(program, rounds, seconds) for program in PROGRAMS},
        "threads": threads(max(2, rounds // 4), seconds),
        "slowdown": {
            program.name: {rate: slowdown(program, rate, rounds, seconds) for rate in (1, 100, 1000)}
            for program in PROGRAMS
        },
    }
    Path(chosen.output).write_text(json.dumps(result, indent=1))
    print_tables(result)
    print(f"\n{result['machine']}\nall of it: {chosen.output}")


if __name__ == "__main__":
    main()
