"""What a look with Delve costs its target: ours against pexpect's defaults, as the tracee itself saw it.

Arms and untouched rounds take turns in one run. Everything is in the JSON that ``--output`` names.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from bench.tracee import Report, Tracee
from sampler.budget import Budget
from sampler.instruments.base import Assignment
from sampler.instruments.dlv import Delve
from sampler.linux.wakeup import StopRequest
from sampler.question import Question, Timing
from sampler.recorder import machine
from sampler.resolve import resolve
from sampler.sample import Sample
from sampler.units import NS_PER_SECOND, format_duration

QUESTION = Question(
    "main.write", ("d.writeIndex - d.readIndex",), Timing(), Budget(max_pause_ns=10 * NS_PER_SECOND, max_suspended=1.0)
)
PEXPECT_DEFAULT_DELAY_S = 0.05  # pexpect.spawn.delaybeforesend
LEAST_STALL = "-stall=300us"


class TalkDelve(Delve):
    """The same looks, with the pause before each send that pexpect makes unless told otherwise."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._custody.talk.terminal._child.delaybeforesend = PEXPECT_DEFAULT_DELAY_S
        return self


ARMS: dict[str, type[Delve]] = {"sampler": Delve, "pexpect's defaults": TalkDelve}


@contextmanager
def attached(kind: type[Delve], pid: int, stop: StopRequest) -> Iterator[Delve]:
    given = Assignment(QUESTION, resolve(pid), stop, lambda *_: None, start_ns=0)
    with kind(given) as instrument:
        yield instrument


def looks(instrument: Delve, count: int, period_s: float) -> list[Sample]:
    start = time.monotonic_ns()
    taken = [instrument.look(start + round((n + 0.5) * period_s * NS_PER_SECOND)) for n in range(count)]
    return [look for look in taken if isinstance(look, Sample)]


def stalls_of(sample: Sample, report: Report) -> int:
    """What the writer was kept from writing by this look: its stalls that lie mostly inside the look."""
    begin, end = sample.cost.during_ns.low, sample.cost.during_ns.high
    return sum(
        length
        for start, length in report["stalls"]["list"]
        if min(start + length, end) - max(start, begin) > min(length, end - begin) / 2
    )


def suspended_time(rounds: int, count: int, stop: StopRequest) -> dict[str, Any]:
    """Each arm in turns on one tracee: what a look reports, and what the tracee saw."""
    rows: dict[str, list[dict[str, int]]] = {name: [] for name in ARMS}
    with Tracee(LEAST_STALL) as tracee:
        for _ in range(rounds):
            for name in random.sample(list(ARMS), len(ARMS)):
                with attached(ARMS[name], tracee.pid, stop) as instrument:
                    tracee.report()
                    taken = looks(instrument, count, 0.5)
                    report = tracee.report()
                rows[name] += [
                    {
                        "low_ns": one.cost.suspended_ns.low,
                        "high_ns": one.cost.suspended_ns.high,
                        "truth_ns": stalls_of(one, report),
                    }
                    for one in taken
                ]
    return {name: {"looks": taken} | digest(taken) for name, taken in rows.items()}


def digest(rows: list[dict[str, int]]) -> dict[str, Any]:
    inside = sum(row["low_ns"] <= row["truth_ns"] <= row["high_ns"] for row in rows)
    medians = {
        f"median_{key}": statistics.median(row[key] for row in rows) for key in ("low_ns", "high_ns", "truth_ns")
    }
    return medians | {"count": len(rows), "truth_inside": inside}


def slowdown(rounds: int, seconds: int, stop: StopRequest) -> dict[str, Any]:
    """Writes a second while looked at once a second, over those of an untouched round beside it."""
    pairs = []
    with Tracee() as tracee:
        for _ in range(rounds):
            rates = {}
            for watched in random.sample([True, False], 2):
                rates[watched] = _watched_rate(tracee, seconds, stop) if watched else _untouched_rate(tracee, seconds)
            pairs.append((rates[True], rates[False]))
    return {"pairs": pairs} | ratio_of(pairs)


def _watched_rate(tracee: Tracee, seconds: int, stop: StopRequest) -> float:
    with attached(Delve, tracee.pid, stop) as instrument:
        tracee.report()
        looks(instrument, seconds, 1.0)
        _rest(0.5)  # the last look stands in the middle of its second
        return float(tracee.report()["writes_per_s"])


def _untouched_rate(tracee: Tracee, seconds: int) -> float:
    tracee.report()
    _rest(seconds)
    return float(tracee.report()["writes_per_s"])


def truth_cost(rounds: int, seconds: int) -> dict[str, Any]:
    """What the tracee's own observing costs it: writes a second with it, over those without."""
    pairs = []
    for _ in range(rounds):
        rates = {}
        for option in random.sample(["-truth=true", "-truth=false"], 2):
            with Tracee(option) as tracee:
                rates[option] = _untouched_rate(tracee, seconds)
        pairs.append((rates["-truth=true"], rates["-truth=false"]))
    return {"pairs": pairs} | ratio_of(pairs)


def ratio_of(pairs: list[tuple[float, float]]) -> dict[str, float]:
    """The median of the rounds' ratios, and its 95 % interval by bootstrap over the rounds."""
    ratios = [with_it / without for with_it, without in pairs]
    draws = sorted(statistics.median(random.choices(ratios, k=len(ratios))) for _ in range(4000))
    return {"ratio": statistics.median(ratios), "low": draws[100], "high": draws[-101]}


def _rest(seconds: float) -> None:
    time.sleep(seconds)  # a round's length: the measurement is what happens meanwhile


def print_table(result: dict[str, Any]) -> None:
    arms = result["suspended_time"]
    print(f"\n{'suspended by a look (median)':<32}{'low':>12}{'high':>12}{'tracee saw':>12}   within the bounds")
    for name, arm in arms.items():
        bounds = "".join(f"{format_duration(arm[f'median_{key}']):>12}" for key in ("low_ns", "high_ns", "truth_ns"))
        print(f"{name:<32}{bounds}   {arm['truth_inside']} of {arm['count']}")
    ours, talk = (arms[name]["median_truth_ns"] for name in ARMS)
    print(f"{'ratio, as the tracee saw it':<32}{talk / ours:>12.1f}")
    for name in ("slowdown", "truth_cost"):
        found = result[name]
        title = {"slowdown": "throughput at one look a second", "truth_cost": "throughput while telling its truth"}[
            name
        ]
        print(f"{title:<36}{found['ratio']:.4f} of untouched (95 %: {found['low']:.4f} to {found['high']:.4f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, metavar="FILE")
    parser.add_argument("--rounds", type=int, default=8)
    chosen = parser.parse_args()
    with StopRequest() as stop:
        result = {
            "machine": machine(),
            "suspended_time": suspended_time(chosen.rounds, 8, stop),
            "slowdown": slowdown(chosen.rounds, 5, stop),
            "truth_cost": truth_cost(chosen.rounds, 2),
        }
    Path(chosen.output).write_text(json.dumps(result, indent=1))
    print_table(result)
    print(f"\n{result['machine']}\nall of it: {chosen.output}")


if __name__ == "__main__":
    main()
