"""How long the first answer takes, from the start of the recorder's process: on Caddy, some 80 MB of Go.

Cold: nothing is known of the program. Warm: the same was asked before. Also the recorder's largest
memory, and how long the target was in its hands. Everything is in the JSON that ``--output`` names.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.third_party import BUILT, ThirdParty
from sampler.recorder import machine
from sampler.units import NS_PER_SECOND

PROGRAM = "caddy"
COLD_NS, WARM_NS, MEMORY_BYTES = 1_500_000_000, 300_000_000, 250 << 20

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of point, and what is asked there."""

    name: str
    point: str
    expression: str


KINDS = (
    Kind("function", "net/url.ParseRequestURI", "rawURL"),
    Kind("method", "caddyhttp.(*Server).ServeHTTP", "s.name"),
    Kind("line", "caddyhttp/server.go:654", "r.URL.Path"),
    Kind("closure", "caddyhttp.RouteList.Compile.wrapRoute.func1.1", "route.handlerName"),
    Kind("inlined, 29 times", "net/textproto.TrimString", "s"),
    Kind("inlined, 1139 times", "sync.(*Mutex).Lock", "m.mu.state"),
)


def first_sample(pid: int, kind: Kind, cache: str) -> Row:
    """One run to its end. Times from the start of the process, in ns; ``peak_bytes``: its largest memory."""
    command = [sys.executable, "-m", "sampler", "record", str(pid), kind.expression, f"--at={kind.point}",
               "--instrument=ptrace", "--count=1"]  # fmt: skip
    started_ns, seen_ns = time.monotonic_ns(), dict[str, int]()
    environment = os.environ | {"SAMPLER_CACHE": cache}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            seen_ns[said.get("event", said["type"])] = time.monotonic_ns() - started_ns
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if "sample" not in seen_ns:
        raise SystemExit(f"{kind.point} gave no sample: {said}")
    return {
        "first_sample_ns": seen_ns["sample"],
        "untouched_ns": seen_ns["header"],
        "peak_bytes": usage.ru_maxrss * 1024,
    }


def measured(rounds: int) -> dict[str, dict[str, list[Row]]]:
    """Each kind cold and then warm, the kinds in a random order."""
    found: dict[str, dict[str, list[Row]]] = {kind.name: {"cold": [], "warm": []} for kind in KINDS}
    with ThirdParty(PROGRAM) as target:
        for _ in range(rounds):
            for kind in random.sample(KINDS, len(KINDS)):
                with TemporaryDirectory() as cache:
                    for state in ("cold", "warm"):
                        found[kind.name][state].append(first_sample(target.pid, kind, cache))
    return found


def digest(rows: list[Row]) -> Row:
    times = [row["first_sample_ns"] for row in rows]
    return {
        "median_ns": statistics.median(times),
        "worst_ns": max(times),
        "peak_bytes": max(row["peak_bytes"] for row in rows),
    }


def print_table(result: dict[str, Any]) -> None:
    print(f"\n{PROGRAM}, {result['program_bytes'] / 1e6:.0f} MB: to the first sample"
          f"{'median':>19}{'worst':>10}{'peak memory':>14}")  # fmt: skip
    for name, states in result["kinds"].items():
        for state, found in states.items():
            median, worst = (found[key] / NS_PER_SECOND for key in ("median_ns", "worst_ns"))
            print(f"  {name:<24}{state:<16}{median:>10.3f} s{worst:>8.3f} s{found['peak_bytes'] / (1 << 20):>11.0f} MB")
    print(f"  to be kept{COLD_NS / NS_PER_SECOND:>22.1f} s cold,{WARM_NS / NS_PER_SECOND:>4.1f} s warm, "
          f"{MEMORY_BYTES >> 20} MB")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=10)
    chosen = parser.parse_args()
    rows = measured(chosen.rounds)
    result = {
        "machine": machine(),
        "program_bytes": (BUILT / PROGRAM).stat().st_size,
        "kinds": {name: {state: digest(found) for state, found in states.items()} for name, states in rows.items()},
        "rows": rows,
    }
    Path(chosen.output).write_text(json.dumps(result, indent=1))
    print_table(result)
    print(f"\n{result['machine']}\nall of it: {chosen.output}")


if __name__ == "__main__":
    main()
