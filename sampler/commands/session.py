"""One run as the user sees it, of one target or several: what recorders write is saved, shown and summed up."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack

from sampler.commands.output import Alone, Kept, Saved, Watched
from sampler.commands.targets import labels
from sampler.commands.words import recorder_words
from sampler.errors import FleetFailed, SamplerError
from sampler.fleet import joined
from sampler.fleet.member import FleetView, InOrder, Member
from sampler.fleet.run import Fleet
from sampler.frontend import Recorder, stop_signals
from sampler.question import AnyQuestion
from sampler.resolve import find_pid
from sampler.view import choose_view
from sampler.view.fleet import choose_fleet_view


def run_question(arguments: argparse.Namespace, targets: list[str], question: AnyQuestion) -> int:
    """A question of any kind, to one target or each of several. No target: $PID."""
    if len(targets) > 1:
        return run_fleet(arguments, targets, lambda pid: recorder_words(question, arguments.instrument, str(pid)))
    return run_session(arguments, recorder_words(question, arguments.instrument, *targets))


def run_session(arguments: argparse.Namespace, words: list[str]) -> int:
    """``words``: the recorder's command and its arguments. Runs to the end and returns exit status 0; raises the
    SamplerError that the run ended with.
    """
    with ExitStack() as stack:
        saved = [Kept(stack.enter_context(Saved(arguments.output)))] if arguments.output else []
        view = choose_view(arguments.format, arguments.quiet, sys.stdout)
        ended = run_members([*saved, Watched(Alone(view))], [Member("", lambda: Recorder(words))])
    if error := ended[""]:
        raise error
    return 0


def run_fleet(arguments: argparse.Namespace, targets: list[str], words: Callable[[int], list[str]]) -> int:
    """The same of several targets; ``words``: the recorder's, for each PID. Raises FleetFailed if some failed."""
    pids = [find_pid(name) for name in targets]  # one that is not there is told before anybody is asked
    names = labels(pids)

    def starting(pid: int) -> Callable[[], Recorder]:
        return lambda: Recorder(words(pid))

    ended = show_fleet(arguments, [Member(names[pid], starting(pid)) for pid in pids])
    raise_failed(ended)
    return 0


def show_fleet(arguments: argparse.Namespace, members: list[Member]) -> dict[str, SamplerError | None]:
    """Asks them all, saved and shown as the options say; what each ended with."""
    with ExitStack() as stack:
        return run_members(fleet_views(arguments, stack), members)


def fleet_views(arguments: argparse.Namespace, stack: ExitStack) -> list[FleetView]:
    """A file, if one is wanted, until ``stack`` ends; then what is shown."""
    saved = [joined.Writer(stack.enter_context(Saved(arguments.output)))] if arguments.output else []
    return [*saved, Watched(choose_fleet_view(arguments.format, arguments.quiet, sys.stdout))]


def run_members(views: Sequence[FleetView], members: Iterable[Member]) -> dict[str, SamplerError | None]:
    """``views``: in the order in which they are told; a ``Watched`` one may lose its reader, which ends the run."""
    fleet = Fleet(InOrder(*views))
    end_with_reader(views, fleet.stop)
    for member in members:
        fleet.add(member)
    with stop_signals(fleet.stop):
        return fleet.run()


def end_with_reader(views: Sequence[FleetView], stop: Callable[[], None]) -> None:
    """``stop`` is called when the reader of one of them has gone."""
    for view in views:
        if isinstance(view, Watched):
            view.on_gone = stop


def raise_failed(ended: Mapping[str, SamplerError | None]) -> None:
    """Raises FleetFailed if some members did not end in good order, with the exit status that they share."""
    errors = {label: error for label, error in ended.items() if error is not None}
    if errors:
        raise FleetFailed.of(errors, len(ended))


def run_tracing_recorder(arguments: argparse.Namespace, target: str | None, question: AnyQuestion) -> int:
    """This process is the recorder of a command that traces."""
    from sampler.recorder import Order, record

    record(Order(target, question, arguments.instrument, arguments.lifeline), sys.stdout)
    return 0
