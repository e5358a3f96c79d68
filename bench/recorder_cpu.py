"""What the recorder itself takes of a processor: at one look a second, and once for its start."""

from __future__ import annotations

import time
from typing import Any

from bench.arms import C_RING, PERF_REFERENCE, begun
from bench.loads import SPARE, busy
from sampler.units import NS_PER_SECOND

Result = dict[str, Any]
ARMS = (PERF_REFERENCE, "perf", "ptrace")
RATE = 1
LEAST_S = 20.0


def measured(seconds: float) -> Result:
    """``start_ns``: until it was attached; ``share``: of a processor, from then on."""
    with busy(C_RING, SPARE) as target:
        return {arm: _taken(arm, target.pid, max(seconds, LEAST_S)) for arm in ARMS}


def _taken(arm: str, pid: int, seconds: float) -> Result:
    with begun(C_RING, pid, arm, RATE, seconds) as (process, _):
        start_ns, since_ns = _processor_ns(process.pid), time.monotonic_ns()
        time.sleep(seconds)  # the length of the measurement
        used_ns, length_ns = _processor_ns(process.pid) - start_ns, time.monotonic_ns() - since_ns
        if process.stdout:
            process.stdout.read()
    return {"start_ns": start_ns, "share": used_ns / length_ns, "seconds": length_ns / NS_PER_SECOND}


def _processor_ns(pid: int) -> int:
    """utime and stime of all threads of a process, not counted in ticks: clock_getcpuclockid(3), as Linux makes it."""
    return time.clock_gettime_ns(~pid << 3 | 2)


def print_table(result: Result) -> None:
    print(f"\nof a processor, taken by the recorder at {RATE} look/s")
    for arm, found in result.items():
        print(f"  {arm:<18}{found['share']:>8.3%} over {found['seconds']:.0f} s;"
              f" {found['start_ns'] / 1e6:.0f} ms until attached")  # fmt: skip
