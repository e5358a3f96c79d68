"""One look of each instrument, as it went: its phases by its own marks, and when each thread of the target stood still.

The target is a service at a moderate rate, with a second thread that only watches the clock. It tells itself when
either of them stood. Of several looks the typical one is kept: that whose time suspended is the median. A uprobe has
no looks: of it, what one hit takes, and a call with it and without, by the target's own count. Everything is in the
JSON that ``--output`` names; ``sampler plot`` draws it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.arms import C_RING, TRACEE, Line, Program, untouched
from bench.loads import LOADS, SPARE, busy
from bench.tracee import Report, Tracee
from sampler.recorder import machine

Result = dict[str, Any]
INSTRUMENTS = {"dlv": TRACEE, "gdb": C_RING, "ptrace": C_RING, "perf": C_RING}
#: Looks a second: the target has long recovered when the next one comes.
RATE = 4
#: The writer sleeps most of the time and leaves a processor to whoever asks; the bystander spins on the other one.
#: Most of the writer's stalls are how late the kernel wakes it, some 70 µs, and not by the look: the picture tells them
#: apart by when they begin.
_OPTIONS = ("-rate=10000", "-bystander", "-stall=30us")
_TRACED_S = 2.0


def look(instrument: str, program: Program, count: int) -> Result:
    """The typical one of so many; its times in ns since it began."""
    environment = LOADS[program.name][SPARE][1]
    with Tracee(*_OPTIONS, program=program.path, environment=environment) as target:
        target.report()
        how = (f"--instrument={instrument}", f"--rate={RATE}/s", f"--count={count}")
        lines, reports = recorded(target, program, *how)
    samples = [line for line in lines if line["type"] == "sample"]
    chosen = typical(samples)
    begun_ns, ended_ns = (lines[0]["started_monotonic_ns"] + edge for edge in chosen["cost"]["during_ns"])
    return {
        "instrument": instrument,
        "target": program.name,
        "expression": program.expression,
        "point": program.point,
        "looks": len(samples),
        "suspended_ns": chosen["cost"]["suspended_ns"],
        "threads_stopped": chosen["cost"]["threads_stopped"],
        "length_ns": ended_ns - begun_ns,
        "marks": [[name, at_ns - chosen["cost"]["during_ns"][0]] for name, at_ns in chosen["cost"]["marks"]],
        "threads": {
            "writer": stood(reports, begun_ns, ended_ns),
            "bystander": stood([report["bystander"] for report in reports], begun_ns, ended_ns),
        },
        "others_ns": sorted(sample["cost"]["suspended_ns"] for sample in samples),
    }


def recorded(target: Tracee, program: Program, *options: str) -> tuple[list[Line], list[Report]]:
    """A report after each look: one holds so many stalls only."""
    what = (str(target.pid), program.expression, f"--at={program.point}", *options, "--max-suspended=100%")
    lines, reports = list[Line](), list[Report]()
    with subprocess.Popen([sys.executable, "-m", "sampler", "record", *what], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        for text in run.stdout:
            lines.append(json.loads(text))
            reports.append(target.report())
    assert run.returncode == 0, lines[-1:]
    return lines, reports


def typical(samples: list[Line]) -> Line:
    """By the middle of the two bounds."""
    return sorted(samples, key=lambda sample: sum(sample["cost"]["suspended_ns"]))[len(samples) // 2]


def stood(reports: list[Report], begun_ns: int, ended_ns: int) -> list[list[int]]:
    """The stalls that touch the look, since its begin: from when, and for how long."""
    told = [stall for report in reports for stall in report["stalls"]["list"]]
    return [[begun - begun_ns, long] for begun, long in told if begun + long > begun_ns and begun < ended_ns]


def uprobe(program: Program) -> Result:
    """``call_ns``: without it and with it, of a writer that does nothing but call."""
    with busy(program, SPARE) as target:
        without = untouched(target, _TRACED_S)
        how = ("--instrument=bcc", "--aggregate=hist", "--every=100ms", f"--duration={2 * _TRACED_S}s")
        with_it, hit_ns = traced(target, program, how)
    return {
        "instrument": "uprobe",
        "target": program.name,
        "expression": program.expression,
        "point": program.point,
        "hit_ns": hit_ns,
        "call_ns": [1e9 / report["writes_per_s"] for report in (without, with_it)],
    }


def traced(target: Tracee, program: Program, how: tuple[str, ...]) -> tuple[Report, list[int]]:
    """What the target saw while it was traced, and what a hit takes."""
    what = (str(target.pid), program.expression, f"--at={program.point}", *how, "--max-suspended=100%")
    with subprocess.Popen([sys.executable, "-m", "sampler", "record", *what], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        lines = iter(run.stdout)
        header = json.loads(next(lines))
        next(line for line in lines if '"attach"' in line)
        report = untouched(target, _TRACED_S)
        run.stdout.read()
    return report, header["hit_ns"]


def print_table(result: Result) -> None:
    for one in result["panels"]:
        marks = "  ".join(f"{name} {at_ns / 1000:,.0f}" for name, at_ns in one["marks"])
        print(f"{one['instrument']:8} µs: {marks}")
        for name, stalls in one["threads"].items():
            print(f"{'':8} {name}: {', '.join(f'{long / 1000:,.0f} at {begun / 1000:,.0f}' for begun, long in stalls)}")
    hit, (without, with_it) = result["uprobe"]["hit_ns"], result["uprobe"]["call_ns"]
    print(f"uprobe   a hit {hit} ns; a call {without:.0f} ns without it, {with_it:.0f} ns with it")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--looks", type=int, default=30, help="of each instrument (default 30)")
    chosen = parser.parse_args()
    result: Result = {
        "type": "timeline",
        "version": 1,
        "machine": machine(),
        "started": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "rate": RATE,
        "panels": [look(instrument, program, chosen.looks) for instrument, program in INSTRUMENTS.items()],
        "uprobe": uprobe(C_RING),
    }
    Path(chosen.output).write_text(json.dumps(result, indent=1) + "\n")
    print_table(result)


if __name__ == "__main__":
    main()
