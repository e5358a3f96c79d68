"""The process that owns the target: one question, one instrument, one recording.

It keeps the schedule and the budget, and it leaves on every way out through the instrument's exit.
"""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sampler import __version__
from sampler.budget import Throttle
from sampler.errors import BudgetExceeded, InternalError, NoSuchProcess, OutputError, SamplerError, TargetEnded
from sampler.instruments.base import AUTO, TRACING, Assignment, SamplingInstrument
from sampler.instruments.choice import choose
from sampler.linux.announcements import announcements
from sampler.linux.readiness import wake_exactly
from sampler.linux.turns import take_turns
from sampler.linux.wakeup import StopRequest
from sampler.outbox import Outbox
from sampler.question import AnyQuestion, Question
from sampler.recording import Writer
from sampler.resolve import find_pid, resolve
from sampler.sample import Event
from sampler.schedule import Schedule
from sampler.tally import Tally
from sampler.target import START_VARIABLE, Target

#: So many late turns are made up for; those that are later are skipped, and counted.
_LATE_TURNS = 5


@dataclass(frozen=True, slots=True)
class Order:
    """What a recorder is told to do. ``lifeline``: a socket to the front end, if there is one."""

    target: str | None
    question: AnyQuestion
    instrument: str = AUTO
    lifeline: int | None = None

    @property
    def traces(self) -> bool:
        """Whether probes are set that every hit pays for."""
        return self.instrument in TRACING or not isinstance(self.question, Question)


def record(order: Order, stream: IO[str]) -> None:
    """Writes the recording of one run to ``stream``; its footer says how it ended. Raises what ended it.

    The run has a thread of its own, and where the instrument lets go between looks one for each look.
    """
    wake_exactly()
    with announcements() as announced, StopRequest(stream.fileno(), order.lifeline, announced) as stop:
        outbox = Outbox(stream, lambda: stop.request("reader-gone"))
        run = Run(order, stop, Writer(outbox))
        try:
            take_turns(run.go())
        finally:
            outbox.close()
        if outbox.failure is not None:
            raise OutputError("the recording is not whole", outbox.failure, "make room, or read it as it comes")


class Run:
    """One run from the header to the footer."""

    def __init__(self, order: Order, stop: StopRequest, writer: Writer) -> None:
        self._order, self._stop, self._writer = order, stop, writer
        self._timing = order.question.timing
        self._start_ns = time.monotonic_ns()

    def go(self) -> Iterator[None]:
        """Raises SamplerError when the run did not end in good order; the footer is written before.

        It is to go on in another thread where it yields: see ``SamplingInstrument.lets_go``.
        """
        try:
            ended = yield from self._ask()
        except BudgetExceeded as error:
            self._finish("budget", error)
            raise
        except TargetEnded as error:
            self._finish("target-ended", error)
            raise
        except SamplerError as error:
            self._finish("error", error)
            raise
        except Exception as error:
            failure = InternalError.of(error)
            self._finish("error", failure)
            raise failure from error
        self._finish(ended)

    def _ask(self) -> Generator[None, None, str]:
        pid = find_pid(self._order.target)
        target, text_check_s = _timed_resolve(pid)
        _check_meant(target)
        self._start_ns = time.monotonic_ns()
        question = self._order.question
        if self._order.traces or not isinstance(question, Question):
            return self._trace(target)
        assignment = Assignment(
            question,
            target,
            self._stop,
            self._report,
            self._start_ns,
            self._order.lifeline,
            text_check_s,
        )
        choice = choose(self._order.instrument, assignment)
        self._writer.header(self._describe(target, choice.describe()))
        with choice.instrument as instrument:
            return (yield from self._look_until_done(instrument))

    def _trace(self, target: Target) -> str:
        """Hits as they come, until done; returns why it ended."""
        from sampler.tracing.run import TracingRun  # what samples needs none of it

        run = TracingRun(self._order.question, self._order.instrument, target, self._stop, self._report, self._start_ns)
        self._writer.header(self._describe(target, run.describe()))
        for result in run.results():
            if isinstance(result, Tally):
                self._writer.tally(result)
            else:
                self._writer.look(result, 0)
        return run.ended

    def _look_until_done(self, instrument: SamplingInstrument) -> Generator[None, None, str]:
        """Looks on schedule; returns why it ended."""
        timing = self._timing
        throttle = Throttle(self._order.question.budget, instrument.period_ns)
        now_ns = time.monotonic_ns()
        at_once = max(1, instrument.period_ns // timing.period_ns)
        schedule = Schedule(now_ns, instrument.period_ns, timing.jitter, patience_ns=_patience_ns(at_once, instrument))
        end_ns = None if timing.duration_ns is None else now_ns + timing.duration_ns
        looks = 0
        while timing.count is None or looks < timing.count:
            deadline = schedule.next(now_ns)
            if end_ns is not None and deadline.at_ns >= end_ns:
                instrument.rest(end_ns)  # no look falls into it, but the target is still in our hands
                return self._stop.reason or "duration"
            look = instrument.look(deadline.at_ns)
            if look is None:
                return self._stop.reason or "interrupted"
            looks += look.count
            skipped_at_ns = [at_ns - self._start_ns for at_ns in deadline.skipped_at_ns]
            self._writer.look(look, deadline.skipped * at_once, skipped_at_ns if at_once == 1 else ())
            if change := throttle.after(look.cost.suspended_ns.high):
                self._keep_budget(change, throttle, schedule)
            if instrument.lets_go:
                yield
            now_ns = time.monotonic_ns()
        return "count"

    def _keep_budget(self, change: str, throttle: Throttle, schedule: Schedule) -> None:
        throttle.check("the looks", "allow more with --max-suspended, or ask with a gentler instrument")
        schedule.stretch(throttle.period_ns, time.monotonic_ns())
        self._report(change, {"period_ns": throttle.period_ns})

    def _report(self, event: str, detail: dict[str, Any]) -> None:
        self._writer.event(Event(time.monotonic_ns() - self._start_ns, event, detail))

    def _finish(self, ended: str, error: SamplerError | None = None) -> None:
        self._writer.footer(ended, time.monotonic_ns() - self._start_ns, error.to_json() if error else None)

    def _describe(self, target: Target, instrument: dict[str, Any]) -> dict[str, Any]:
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "question": self._order.question.to_json(),
            "target": target.to_json(),
            **instrument,
            "machine": machine(),
            "started": started,
            "started_monotonic_ns": self._start_ns,
        }


def _patience_ns(at_once: int, instrument: SamplingInstrument) -> int:
    """Samples that are taken many at a time, of which none costs a stop, are made up for when a turn comes late."""
    return _LATE_TURNS * instrument.period_ns if at_once > 1 else 0


def machine() -> dict[str, Any]:
    """What ran it: processor, cores, kernel and versions."""
    info = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), platform.machine())
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "sampler": __version__,
        "python": platform.python_version(),
    }


def _timed_resolve(pid: int) -> tuple[Target, float]:
    """The target, and how long its text took to compare: a rescue will need that time again."""
    begun = time.monotonic()
    return resolve(pid), time.monotonic() - begun


def _check_meant(target: Target) -> None:
    """NoSuchProcess where whoever started us has seen another process under that PID."""
    meant = os.environ.get(START_VARIABLE)
    if meant and meant != str(target.start_ticks):
        raise NoSuchProcess(
            f"process {target.pid} is not the one that was meant", "that has ended, and the PID is another's",
            "look for its process anew",
        )  # fmt: skip
