"""A/A: comparisons in which nobody asks. How many of the intervals hold 1, as 95 of 100 should?"""

from __future__ import annotations

import argparse
import json
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.compare import OWN, SUBJECTS, begun, planned
from sampler.commands.comparison import compared
from sampler.compare.findings import finding
from sampler.compare.result import CONTROL, Arm
from sampler.units import NS_PER_SECOND


def repeated(name: str, times: int, rounds: int, seconds: float) -> list[list[float | None]]:
    """Progress with nobody over progress with nobody: the ratio and its interval, of each comparison."""
    subject, halt = SUBJECTS[name], threading.Event()
    found = []
    with ExitStack() as stack:
        pid, progress = begun(subject, stack, halt)
        plan = planned(subject, pid, rounds, round(seconds * NS_PER_SECOND), (Arm(CONTROL),))
        for _ in range(times):
            comparison, error = compared(plan, progress, halt, None, quiet=True)
            kept = finding(comparison, Arm(CONTROL)).kept
            assert error is None
            assert kept is not None
            found.append(kept.to_json())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, type=Path, metavar="FILE")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="the length of a window")
    chosen: Any = parser.parse_args()
    result = {name: repeated(name, chosen.times, chosen.rounds, chosen.seconds) for name in OWN}
    chosen.output.write_text(json.dumps(result, indent=1))
    for name, found in result.items():
        held = sum(low is not None and high is not None and low <= 1 <= high for _, low, high in found)
        print(f"{name}: {held} of {len(found)} intervals hold 1")
        for one in found:
            print("   " + " ".join(f"{part:.4f}" for part in one if part is not None))


if __name__ == "__main__":
    main()
