"""What tracing counts and what it costs: calls against the program's own count, latencies against its own times, and
the cost of a hit by where the probe is and which tool has set it. Everything is in the JSON that ``--output`` names.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.tracee import ROOT, Tracee
from sampler.recorder import machine

Result = dict[str, Any]
TOOLS = ("bpftrace", "bcc")
RATES = (1, 1_000, 100_000, 0)  # 0: as fast as it goes
PLACES = {"first instruction": "work+0", "chosen": "work", "static probe": "placed:work"}
REQUESTS = 1000
PARTS = ("counts", "latencies", "placement")
NS_PER_MS = 1_000_000


class Run:
    """A command of sampler's in the background, its recording read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.lines: list[Result] = []

    def tally(self) -> Result:
        """The next one."""
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line: Result = json.loads(text)
            self.lines.append(line)
            if line["type"] == "tally":
                return line
        raise SystemExit(f"the run ended: {self.lines[-1:]}")

    def tally_after(self, moment_ns: int) -> Result:
        """One that was read after a moment of the monotonic clock."""
        while True:
            found = self.tally()
            if self.lines[0]["started_monotonic_ns"] + found["read_ns"][0] > moment_ns:
                return found

    def end(self) -> None:
        self._process.send_signal(2)
        assert self._process.stdout is not None
        self._process.stdout.read()


@contextmanager
def running(verb: str, target: Tracee, *words: str) -> Iterator[Run]:
    options = ("--format=jsonl", "--every=100ms", "--max-suspended=100%")
    command = [sys.executable, "-m", "sampler", verb, *options, str(target.pid), *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Run(process)
        finally:
            if process.poll() is None:
                process.kill()


# Counts.


def counts(seconds: float) -> list[Result]:
    """From one pause of the program to the next, so that all calls fall in between."""
    return [counted(tool, rate, seconds) for rate in RATES for tool in TOOLS]


def counted(tool: str, rate: int, seconds: float) -> Result:
    with Tracee(f"-rate={rate}", program=ROOT / "build" / "go_uprobe") as target:
        target.ask("pause")
        with running("count", target, "main.f", f"--with={tool}") as run:
            run.tally()
            before = target.report()["calls"]
            target.ask("resume")
            time.sleep(seconds)
            target.ask("pause")
            after = target.report()
            calls = after["calls"] - before
            found = run.tally_after(after["at_ns"][1])["counts"]["main.f"]
            run.end()
    return {"tool": tool, "rate": rate, "seconds": seconds, "calls": calls, "counted": found}


def print_counts(rows: list[Result]) -> None:
    for row in rows:
        asked = f"{row['rate']:,}/s" if row["rate"] else "as fast as it goes"
        print(f"{row['tool']:9} {asked:>18} {row['calls']:>12,} calls {row['counted']:>12,} counted")


# Latencies.


def latencies() -> list[Result]:
    between = (("usdt:entry", "usdt:exit", "--key=arg0"), ("main.request", "main.request:return"))
    return [latency(tool, points) for tool in TOOLS for points in between]


def latency(tool: str, points: tuple[str, ...]) -> Result:
    words = (*points, "--unit=ms", f"--with={tool}")
    with Tracee(program=ROOT / "build" / "go_usdt") as target, running("latency", target, *words) as run:
        run.tally()
        target.ask(f"requests {REQUESTS}")
        truth = target.report()
        found = run.tally_after(time.monotonic_ns())
        run.end()
    mine = {low: count for low, _, count in found["histograms"][points[0]]}
    return {
        "tool": tool, "from": points[0], "to": points[1], "migrated": truth["migrated"], "found": mine,
        "truth": by_bucket(truth["durations_ns"]), "starts": found["counts"], "ends_alone": found.get("ends_alone", 0),
    }  # fmt: skip


def by_bucket(durations_ns: list[int]) -> dict[int, int]:
    whole = [took // NS_PER_MS for took in durations_ns]
    return dict(Counter(1 << (took.bit_length() - 1) if took else 0 for took in whole))


def print_latencies(rows: list[Result]) -> None:
    for row in rows:
        lows = sorted(row["found"] | row["truth"])
        print(f"{row['tool']:9} {row['from']} to {row['to']}, {row['migrated']} went to another thread")
        print(
            "          "
            + "   ".join(f"[{low} ms: {row['found'].get(low, 0)} / {row['truth'].get(low, 0)}" for low in lows)
        )


# The cost of a hit.


def placement(rounds: int, seconds: float) -> Result:
    """Rounds in a random order, with untouched ones among them."""
    arms = [("untouched", ""), *((tool, place) for tool in TOOLS for place in PLACES)]
    found: dict[str, list[float]] = {f"{tool} {place}".strip(): [] for tool, place in arms}
    with Tracee(program=ROOT / "build" / "c_placed") as target:
        for _ in range(rounds):
            for tool, place in random.sample(arms, len(arms)):
                found[f"{tool} {place}".strip()].append(call_ns(target, tool, place, seconds))
    untouched = statistics.median(found["untouched"])
    return {
        "call_ns": found,
        "hit_ns": {arm: [took - untouched for took in times] for arm, times in found.items() if arm != "untouched"},
    }


def call_ns(target: Tracee, tool: str, place: str, seconds: float) -> float:
    """How long a call takes, told by the program."""
    if tool == "untouched":
        return timed(target, seconds)
    with running("count", target, PLACES[place], f"--with={tool}") as run:
        run.tally()
        took = timed(target, seconds)
        run.end()
    return took


def timed(target: Tracee, seconds: float) -> float:
    before = target.report()
    time.sleep(seconds)
    after = target.report()
    elapsed_ns, calls = after["at_ns"][0] - before["at_ns"][0], after["calls"] - before["calls"]
    return float(elapsed_ns / calls)


def print_placement(found: Result) -> None:
    print(f"{'untouched':28} {statistics.median(found['call_ns']['untouched']):8.1f} ns a call")
    for arm, times in found["hit_ns"].items():
        print(f"{arm:28} {statistics.median(times):8.0f} ns a hit ({min(times):.0f} to {max(times):.0f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="the length of a round")
    parser.add_argument("--without", choices=PARTS, action="append", default=[], help="leave a part out")
    chosen = parser.parse_args()
    result: Result = {"machine": machine()}
    parts: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
        "counts": (lambda: counts(10 * chosen.seconds), print_counts),
        "latencies": (latencies, print_latencies),
        "placement": (lambda: placement(chosen.rounds, chosen.seconds), print_placement),
    }
    for part, (measure, show) in parts.items():
        if part not in chosen.without:
            result[part] = measure()
            Path(chosen.output).write_text(json.dumps(result, indent=1))
            show(result[part])


if __name__ == "__main__":
    main()
