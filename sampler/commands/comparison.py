"""One comparison as its user sees it: rounds that are run, shown and saved, and the table at the end."""

from __future__ import annotations

import argparse
import datetime
import os
import random
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from sampler.budget import Budget
from sampler.compare import arms, result
from sampler.compare.progress import PeekedCounter, ProcessorTime, Progress
from sampler.compare.result import Comparison, Document
from sampler.compare.rounds import Plan, Rounds, begun
from sampler.errors import InternalError, OutputError, SamplerError, TargetEnded
from sampler.frontend import stop_signals
from sampler.instruments.choice import ANOTHER_MAY
from sampler.planning import plan_question
from sampler.question import Question, Timing
from sampler.resolve import find_pid, resolve
from sampler.target import Target
from sampler.view.columns import width_of
from sampler.view.comparing import choose_watcher
from sampler.view.comparison import comparison_lines

#: Of the time between, so much is the most that saving takes: one part in so many.
_SAVING = 50


def run_comparison(arguments: argparse.Namespace, target: str | None, expression: str) -> int:
    """Runs to the end and returns exit status 0; what was measured is saved and shown whatever ends it."""
    output = new_output(arguments)
    plan = plan_of(arguments, resolve(find_pid(target)), expression)
    check_question(plan)
    halt = threading.Event()
    with stop_signals(halt.set), progress_of(arguments, plan, halt) as progress:
        found, error = compared(plan, progress, halt, output, arguments.quiet)
    print(*comparison_lines(found, width_of(sys.stdout)), sep="\n")
    if error is not None:
        raise error
    if not halt.is_set() and (error := none_has_asked(found)):
        raise error
    return 0


def new_output(arguments: argparse.Namespace) -> str | None:
    """Where to save it, if anywhere; OutputError if there is something."""
    output: str | None = arguments.output
    if output is not None and os.path.lexists(output):
        raise OutputError(f"{output} exists", "a comparison is never overwritten", "choose another name")
    return output


def none_has_asked(found: Comparison) -> SamplerError | None:
    """Where none has: why not, of the first."""
    if any(window.asked is not None and not window.failed for window in found.windows):
        return None
    failed = next((window.failed for window in found.windows if window.failed), None)
    return None if failed is None else SamplerError.from_json(failed)


def check_question(plan: Plan) -> None:
    """Raises what is wrong with the question itself, before anything is asked. What only one instrument cannot do is
    told with that one; a point that only tracing tools know is theirs to refuse.
    """
    if all(arm.rate is None for arm in plan.arms):
        return
    with suppress(*ANOTHER_MAY):
        plan_question(replace(plan.question, aggregate=None), plan.target)


def plan_of(arguments: argparse.Namespace, target: Target, expression: str) -> Plan:
    question = Question(
        arguments.point,
        (expression,),
        Timing(jitter=arguments.jitter, window_ns=arguments.window),
        Budget(arguments.max_pause, arguments.max_suspended),
        aggregate=arguments.aggregate,
    )
    wanted = arguments.instruments or arms.usual(target)
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    return Plan(question, target, tuple(arms.arms_of(wanted, arguments.rates)), arguments.rounds, arguments.round, seed)


@contextmanager
def progress_of(arguments: argparse.Namespace, plan: Plan, halt: threading.Event) -> Iterator[Progress]:
    if arguments.progress is None:
        yield ProcessorTime(plan.target.pid)
        return
    point = arguments.progress_at or plan.question.point
    with PeekedCounter(plan.target.pid, arguments.progress, point, plan.question.budget, halt) as counter:
        yield counter


def compared(
    plan: Plan,
    progress: Progress,
    halt: threading.Event,
    output: str | None,
    quiet: bool = False,
    what: str | None = None,
    of: str = "",
    document: Callable[[Comparison], Document] = lambda found: found,
) -> tuple[Comparison, SamplerError | None]:
    """All that was measured, and what has ended it early, if it was no wish. Saved as it grows.

    ``what``: the command that did it, where it is not this process's own. ``of``: which of several targets it is.
    ``document``: what is saved, if there is more than this comparison.
    """
    error: SamplerError | None = None
    found = begun(plan, progress, about(what or shlex.join(["sampler", *sys.argv[1:]])))
    saving = _Saving(output, document)
    saving.save(found)  # before anything is asked: it can be
    with choose_watcher(plan, quiet, sys.stderr, of) as watcher:
        try:
            for window in Rounds(plan, progress, watcher, halt).windows():
                found = found.with_window(window)
                saving.save_if_due(found)
        except SamplerError as raised:
            error = raised
        except Exception as raised:
            error = InternalError.of(raised)
    ended = "interrupted" if halt.is_set() else "done"
    if error is not None:
        ended = "target-ended" if isinstance(error, TargetEnded) else "error"
    found = replace(found, ended=ended)
    try:
        saving.save(found)
    except OutputError as raised:
        error = error or raised
    return found, error


class _Saving:
    """Writes the file anew as often as that takes little: it grows with the rounds. ``path``: None for nowhere."""

    def __init__(self, path: str | None, document: Callable[[Comparison], Document]) -> None:
        self._path, self._document, self._due_s = path, document, 0.0

    def save(self, found: Comparison) -> None:
        if self._path is not None:
            begun_s = time.monotonic()
            result.save(self._document(found), self._path)
            self._due_s = time.monotonic() + _SAVING * (time.monotonic() - begun_s)

    def save_if_due(self, found: Comparison) -> None:
        if time.monotonic() >= self._due_s:
            self.save(found)


def about(command: str) -> dict[str, Any]:
    """The machine, the moment and the command."""
    from sampler.recorder import machine

    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"machine": machine(), "started": started, "command": command}
