"""What becomes of the target when the recorder of ptrace is killed: by how often its function is called and asked.

SIGKILL at a random moment of the looks, the front end alive or killed in the same instant. Prints the
share of targets that live on, with the bytes of their text in place.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.tracee import ROOT, Tracee
from sampler.linux import procfs, signals, text

PROGRAM = ROOT / "build" / "c_ring"
CALL_RATES = {"1/s": "-rate=1", "1 k/s": "-rate=1000", "100 k/s": "-rate=100000", "unpaced": "-rate=0"}
SAMPLING_RATES = (1, 100, 1000)
_PATIENCE_S = 20.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "survivors.json")
    arguments = parser.parse_args()
    found = []
    for calls, option in CALL_RATES.items():
        for rate in SAMPLING_RATES:
            lived = sum(survives(option, rate) for _ in range(arguments.turns))
            found.append({"calls": calls, "looks_per_s": rate, "turns": arguments.turns, "lived": lived})
            print(f"called {calls:>8}, {rate:>5} looks/s: {lived} of {arguments.turns} live on", flush=True)
    arguments.output.write_text(json.dumps(found, indent=1))


def survives(option: str, rate: int) -> bool:
    """One target, one recorder, one kill; the front end puts right what can be put right."""
    with Tracee(option, "-truth=false", program=PROGRAM) as target:
        command = [sys.executable, "-m", "sampler", "watch", str(target.pid), "r->write_index", "--at=ring_write",
                   "--instrument=ptrace", f"--rate={rate}/s", "--format=jsonl"]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as front_end:
            assert front_end.stdout is not None
            while '"attach"' not in front_end.stdout.readline():
                pass
            time.sleep(random.uniform(0, 1.2))  # a moment of the looks
            os.kill(_recorder_of(front_end.pid), signal.SIGKILL)
            front_end.communicate(timeout=_PATIENCE_S)
        return _lives_on(target)


def _recorder_of(front_end: int) -> int:
    return next(pid for pid in procfs.all_pids() if _parent(pid) == front_end)


def _parent(pid: int) -> int:
    try:
        return procfs.stat(pid).parent
    except OSError:
        return 0


def _lives_on(target: Tracee) -> bool:
    with signals.ProcessHandle(target.pid) as process:  # a child of ours, not yet waited for
        if process.wait_for_end(0.3):
            return False
    return text.differences(target.pid) == [] and bool(_report(target))


def _report(target: Tracee) -> dict[str, Any] | None:
    try:
        return target.report()
    except (BrokenPipeError, ValueError):
        return None


if __name__ == "__main__":
    main()
