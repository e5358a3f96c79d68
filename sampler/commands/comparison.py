"""One comparison as its user sees it: rounds that are run, shown and saved, and the table at the end."""

from __future__ import annotations

import argparse
import datetime
import os
import random
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from sampler.budget import Budget
from sampler.compare import arms, result
from sampler.compare.progress import PeekedCounter, ProcessorTime, Progress
from sampler.compare.result import Comparison
from sampler.compare.rounds import Plan, Rounds, begun
from sampler.errors import OutputError, SamplerError, TargetEnded
from sampler.frontend import stop_signals
from sampler.question import Question, Timing
from sampler.resolve import find_pid, resolve
from sampler.target import Target
from sampler.view.comparing import choose_watcher
from sampler.view.comparison import comparison_lines


def run_comparison(arguments: argparse.Namespace, target: str | None, expression: str) -> int:
    """Runs to the end and returns exit status 0; what was measured is saved and shown whatever ends it."""
    output = arguments.output
    if output is not None and os.path.exists(output):
        raise OutputError(f"{output} exists", "a comparison is never overwritten", "choose another name")
    plan = plan_of(arguments, resolve(find_pid(target)), expression)
    halt = threading.Event()
    with stop_signals(halt.set), progress_of(arguments, plan, halt) as progress:
        found, error = compared(plan, progress, halt, output, arguments.quiet)
    print(*comparison_lines(found), sep="\n")
    if error is not None:
        raise error
    return 0


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
    with PeekedCounter(plan.target.pid, arguments.progress, point, halt) as counter:
        yield counter


def compared(
    plan: Plan, progress: Progress, halt: threading.Event, output: str | None, quiet: bool = False
) -> tuple[Comparison, SamplerError | None]:
    """All that was measured, and what has ended it early, if it was no wish. Saved after each window."""
    found, error = begun(plan, progress, about()), None
    with ExitStack() as stack:
        watcher = stack.enter_context(choose_watcher(plan, quiet, sys.stderr))
        if output is not None:
            result.save(found, output)  # before anything is asked: it can be
        try:
            for window in Rounds(plan, progress, watcher, halt).windows():
                found = found.with_window(window)
                if output is not None:
                    result.save(found, output)
        except SamplerError as raised:
            error = raised
    ended = "interrupted" if halt.is_set() else "done"
    if error is not None:
        ended = "target-ended" if isinstance(error, TargetEnded) else "error"
    found = replace(found, ended=ended)
    if output is not None:
        result.save(found, output)
    return found, error


def about() -> dict[str, Any]:
    """The machine, the moment and the command."""
    from sampler.recorder import machine

    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    command = shlex.join(["sampler", *sys.argv[1:]])
    return {"machine": machine(), "started": started, "command": command}
