"""Comparisons of several targets as their user sees them: one after another, a table each, and one over all."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence

from sampler.commands.comparison import check_question, compared, new_output, none_has_asked, plan_of, progress_of
from sampler.commands.targets import labels
from sampler.compare import result
from sampler.compare.result import Comparison
from sampler.compare.rounds import Plan
from sampler.compare.several import Comparisons
from sampler.errors import FleetFailed, LeftUntidy, OutputError, SamplerError
from sampler.frontend import stop_signals
from sampler.resolve import find_pid, resolve
from sampler.view.columns import width_of
from sampler.view.comparisons import comparisons_lines


def run_comparisons(arguments: argparse.Namespace, targets: Sequence[str], expression: str) -> int:
    """Each target in its turn; what was measured is saved and shown whatever ends one or all.

    Raises FleetFailed if some failed.
    """
    output = new_output(arguments)
    names = labels([find_pid(target) for target in targets])
    plans, found = _plans(arguments, names, expression)
    halt = threading.Event()
    with stop_signals(halt.set):
        for number, (label, plan) in enumerate(plans.items(), 1):
            if halt.is_set():
                break
            of = f"{label}, {number} of {len(plans)}"
            found = _with_next(found, arguments, label, plan, halt, of)
            if _is_for_all(found, label):
                break
    print(*comparisons_lines(found, width_of(sys.stdout)), sep="\n")
    if output is not None:
        result.save(found, output)  # with what kept others from being measured
    if found.errors:
        raise FleetFailed.of(found.errors, len(names))
    return 0


def _plans(
    arguments: argparse.Namespace, names: dict[int, str], expression: str
) -> tuple[dict[str, Plan], Comparisons]:
    """Of all that can be asked, before any is; raises FleetFailed where none can."""
    plans: dict[str, Plan] = {}
    found = Comparisons()
    for pid, label in names.items():
        try:
            plan = plan_of(arguments, resolve(pid), expression)
            check_question(plan)
            plans[label] = plan
        except SamplerError as error:
            found = found.with_error(label, error)
    if not plans:
        raise FleetFailed.of(found.errors, len(names))
    return plans, found


def _with_next(
    found: Comparisons, arguments: argparse.Namespace, label: str, plan: Plan, halt: threading.Event, of: str
) -> Comparisons:
    """With one more, or with what kept it from being measured."""

    def document(one: Comparison) -> Comparisons:
        return found.with_one(label, one)

    try:
        with progress_of(arguments, plan, halt) as progress:
            one, error = compared(plan, progress, halt, arguments.output, arguments.quiet, of=of, document=document)
    except OutputError:
        raise
    except SamplerError as raised:
        return found if halt.is_set() else found.with_error(label, raised)
    if error is None and not halt.is_set():
        error = none_has_asked(one)
    whole = found.with_one(label, one)
    return whole if error is None else whole.with_error(label, error)


def _is_for_all(found: Comparisons, label: str) -> bool:
    """Whether what ended this one ends the others too: a file that cannot be written, and an instrument that has left
    a target not as it was, and would be asked again.
    """
    error, done = found.errors.get(label), found.of.get(label)
    untidy = done is not None and any(window.untidy for window in done.windows)
    return isinstance(error, OutputError) or (isinstance(error, LeftUntidy) and untidy)
