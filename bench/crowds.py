"""How the number of a target's threads tells on a look by perf, which has an event for each of them."""

from __future__ import annotations

import statistics
from typing import Any

from bench.arms import C_RING, PERF_REFERENCE, Run
from bench.loads import SPARE, busy
from bench.slowdown import Arm, Turn, name_of, ratios, turns, with_interval
from bench.stalls import RATE, at_share, costs, felt, option

Result = dict[str, Any]
THREADS = (1, 16, 200)
ARMS = ((PERF_REFERENCE, RATE), ("perf", RATE))


def measured(rounds: int, seconds: float) -> list[Result]:
    return [_with_threads(count, rounds, seconds) for count in THREADS]


def _with_threads(count: int, rounds: int, seconds: float) -> Result:
    with busy(C_RING, SPARE, f"-threads={count}", option(C_RING, SPARE)) as target:
        found = turns(C_RING, target, ARMS, rounds, seconds)
    reference, ours = (_of(found, arm) for arm in ARMS)
    return {
        "threads": count,
        "arms": {PERF_REFERENCE: _told_by_reference(reference), "perf": _told_by_recording(ours)},
        "slowdown": ratios(found)["arms"],
    }


def _of(found: list[Turn], arm: Arm) -> list[Run]:
    return [turn[name_of(arm)] for turn in found]


def _told_by_reference(runs: list[Run]) -> Result:
    parts = ("open_ns", "arm_ns", "setup_ns", "close_ns")
    return _common(runs) | {part: statistics.median(one.lines[0][part]["p50"] for one in runs) for part in parts}


def _told_by_recording(runs: list[Run]) -> Result:
    """The times are missing where the recording does not tell them."""
    told = [look["setup_ns"] for one in runs for look in costs(one.lines) if "setup_ns" in look]
    if not told:
        return _common(runs)
    setup, close = (statistics.median(part) for part in zip(*told, strict=True))
    return _common(runs) | {"setup_ns": setup, "close_ns": close}


def _common(runs: list[Run]) -> Result:
    stalls = sorted(stall for one in runs for stall in felt(one))
    return {"looks": len(stalls), "felt_p50_ns": at_share(stalls, 0.5)}


def print_table(rows: list[Result]) -> None:
    columns = {"open": "open_ns", "arm": "arm_ns", "both": "setup_ns", "close": "close_ns", "felt": "felt_p50_ns"}
    print(f"\nc_ring, by the number of its threads, at {RATE}/s (medians, µs)")
    print(f"{'':<26}{''.join(f'{name:>9}' for name in columns)}{'looks':>9}   calls a second, of untouched")
    for row in rows:
        for arm, found in row["arms"].items():
            times = "".join(f"{_in_us(found.get(key)):>9}" for key in columns.values())
            slow = with_interval(row["slowdown"][name_of((arm, RATE))])
            print(f"{row['threads']:>5}  {arm:<19}{times}{found['looks']:>9}   {slow}")


def _in_us(time_ns: float | None) -> str:
    return "–" if time_ns is None else f"{time_ns / 1000:.1f}"
