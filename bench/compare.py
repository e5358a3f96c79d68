"""The comparison of README: every instrument on the fixtures, which tell their own truth, and on programs of others.

Writes one JSON for each to the folder that ``--output`` names; ``python -m bench.readme`` makes the tables of README
of them, and ``make plots`` the pictures.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.third_party import ThirdParty
from bench.tracee import ROOT, Tracee
from sampler.budget import Budget
from sampler.commands.comparison import compared
from sampler.compare.arms import arms_of
from sampler.compare.counts import Counts, coarse
from sampler.compare.progress import PeekedCounter, Progress, Progressed
from sampler.compare.result import Arm, Line, Truth
from sampler.compare.rounds import Plan
from sampler.compare.wanted import parse_instruments
from sampler.frontend import stop_signals
from sampler.question import Aggregate, Question, Timing
from sampler.resolve import resolve
from sampler.units import NS_PER_SECOND
from sampler.view.comparison import comparison_lines

#: A distribution is kept to so many leading bits: finer than a picture shows, and a tenth of the size.
_BITS = 5


@dataclass(frozen=True, slots=True)
class Subject:
    """A program and what is asked of it. ``options``: of a fixture, which tells of itself; others have a counter,
    ``progress``, with the point where that is looked up. ``seconds``: the length of a window.
    """

    program: str
    expression: str
    point: str
    instruments: str
    options: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    progress: tuple[str, str] | None = None
    aggregate: str = "hist"
    seconds: float = 1.0


_SAMPLING = "ptrace:1:10:100:1000,perf:1:10:100:1000,peek:100:1000,bcc,bpftrace"
_SERVED = "ptrace:10:100:1000,perf:10:100:1000,bcc,bpftrace"
SUBJECTS = {
    "go_diode": Subject(
        "tracee-noinline", "d.writeIndex - d.readIndex", "main.write", f"dlv:1:10,{_SAMPLING}",
        ("-calm=50ms",), (("GOGC", "10000"),),
    ),
    "c_ring": Subject(
        "c_ring", "r->write_index - r->read_index", "ring_write", f"gdb:1:10,{_SAMPLING}", ("-calm=50ms",),
    ),
    # What a moment finds and what a call does are far apart: docs/moments-and-calls.md.
    "pulse": Subject(
        "c_ring", "r->write_index - r->read_index", "ring_write", "ptrace:20,perf:20,bcc",
        ("-rate=1000", "-pulse=20", "-gaps=1"), aggregate="lhist:0,40,1", seconds=2.0,
    ),
    "nats-server": Subject(
        "nats-server", "len(msg)", "server.(*client).deliverMsg", f"dlv:1:10,{_SERVED}",
        progress=("c.srv.stats.inMsgs", "server.(*client).deliverMsg"), aggregate="lhist:0,1000,1",
    ),
    "uwsgi": Subject(
        "uwsgi, various", "wsgi_req->uri_len", "uwsgi_real_file_serve", f"gdb:1:10,{_SERVED}",
        progress=("uwsgi.workers[1].requests", "uwsgi_real_file_serve"), aggregate="lhist:0,200,1",
    ),
}  # fmt: skip
#: Those of `make bench`: their programs are this project's own.
OWN = ("go_diode", "c_ring", "pulse")


class Told:
    """Progress as a fixture tells it, with its truth."""

    def __init__(self, target: Tracee) -> None:
        self._target = target

    def describe(self) -> Line:
        return {"by": "target"}

    def begin(self) -> None:
        self._target.report()

    def end(self) -> Progressed:
        begun_ns = time.monotonic_ns()
        try:
            report = self._target.report()
        except (OSError, ValueError):  # it has ended
            return Progressed(time.monotonic_ns() - begun_ns, None)
        calls, waited = _told(report["gap"]), _told(report["gap_waited"])
        # Without a pace the next call is never far: moments and calls find the same.
        truth = Truth(calls, waited or calls, _BITS)
        return Progressed(report["interval_ns"], report["writes"], report["stalls"]["longest_ns"], truth)


def _told(pairs: list[list[int]]) -> Counts:
    return coarse(dict(map(tuple, pairs)), _BITS)  # type: ignore[arg-type]


def measure(name: str, rounds: int, seconds: float, output: Path) -> None:
    """One comparison, from the start of its program to its JSON."""
    subject, path = SUBJECTS[name], output / f"{name}.json"
    window_ns = round(seconds * subject.seconds * NS_PER_SECOND)
    halt = threading.Event()
    with ExitStack() as stack:
        stack.enter_context(stop_signals(halt.set))
        pid, progress = begun(subject, stack, halt)
        arms = tuple(arms_of(parse_instruments(subject.instruments), ()))
        plan = planned(subject, pid, rounds, window_ns, arms)
        found, error = compared(plan, progress, halt, str(path), what=f"python -m bench.compare {name}")
    print(f"\n{name}", *comparison_lines(found), sep="\n", flush=True)
    if error is not None:
        raise error
    if halt.is_set():
        sys.exit(1)


def begun(subject: Subject, stack: ExitStack, halt: threading.Event) -> tuple[int, Progress]:
    """The running program, and how its progress is measured."""
    if subject.options is not None:
        program = ROOT / "build" / subject.program
        fixture = Tracee(*subject.options, program=program, environment=dict(subject.environment))
        target = stack.enter_context(fixture)
        return target.pid, Told(target)
    served = stack.enter_context(ThirdParty(subject.program, pause_s=0))
    assert subject.progress is not None
    expression, point = subject.progress
    return served.pid, stack.enter_context(PeekedCounter(served.pid, expression, point, Budget(), halt))


def planned(subject: Subject, pid: int, rounds: int, window_ns: int, arms: tuple[Arm, ...]) -> Plan:
    """Without a budget: that it is too much is to be seen."""
    question = Question(
        subject.point,
        (subject.expression,),
        Timing(jitter=1.0),
        Budget(max_pause_ns=10 * NS_PER_SECOND, max_suspended=1.0),
        aggregate=Aggregate.parse(subject.aggregate),
    )
    found = resolve(pid)
    target = replace(found, executable=found.executable.removeprefix(f"{ROOT}/"))  # the same on whatever machine
    return Plan(question, target, arms, rounds, window_ns, random.randrange(1 << 32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SUBJECTS)} (default: our own)")
    parser.add_argument("--output", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="makes all windows so many times as long")
    chosen: Any = parser.parse_args()
    chosen.output.mkdir(exist_ok=True)
    for name in chosen.names or OWN:
        measure(name, chosen.rounds, chosen.seconds, chosen.output)


if __name__ == "__main__":
    main()
