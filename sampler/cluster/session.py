"""One question to the pods of a selection, as its user sees it."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Sequence
from contextlib import ExitStack

from sampler.cluster.agents import Agents
from sampler.cluster.asking import Asker
from sampler.cluster.discovery import Discovery, Near
from sampler.cluster.finder import Finder
from sampler.cluster.options import agents_kubectl, choice_of, kubectl_of, selection_of, user_of
from sampler.commands.session import end_with_reader, fleet_views, raise_failed
from sampler.errors import SamplerError
from sampler.fleet.member import FleetView, InOrder
from sampler.fleet.run import Fleet
from sampler.frontend import stop_signals
from sampler.instruments.base import AUTO, TRACING
from sampler.question import AnyQuestion, Question

# Recorders that read their question at one time, on each node: it takes a processor.
_AT_ONCE = 2


def ask_pods(arguments: argparse.Namespace, target: str | None, question: AnyQuestion) -> int:
    """Runs to the end; raises FleetFailed if some pods could not be asked, or did not end in good order."""
    kube, near = kubectl_of(arguments), near_of(arguments, question)
    discovery = Discovery(near, arguments.container, choice_of(arguments))
    asker = Asker(kube, near, question, arguments.instrument, user_of(kube))
    finder = Finder(kube, selection_of(arguments, target), discovery, asker)
    with ExitStack() as stack:
        stack.callback(near.end)
        nodes = finder.look()
        views = fleet_views(arguments, stack)
        fleet = Fleet(InOrder(*views), at_once=_AT_ONCE * max(1, nodes))
        ended = _run(fleet, finder, views, arguments.max_suspended_all)
    raise_failed(ended)
    return 0


def _run(
    fleet: Fleet, finder: Finder, views: Sequence[FleetView], share_of_all: float | None
) -> dict[str, SamplerError | None]:
    """The members that were found are asked, and more are looked for until the last of them has ended."""

    def stop() -> None:
        finder.stop()
        fleet.stop()

    end_with_reader(views, stop)
    finder.begin(fleet, share_of_all)
    watching = threading.Thread(target=finder.watch)
    watching.start()
    try:
        with stop_signals(stop):
            return fleet.run()
    finally:
        finder.stop()
        watching.join()
        finder.close()


def near_of(arguments: argparse.Namespace, question: AnyQuestion) -> Near:
    """The agents of the nodes, or one that is put into each pod."""
    if getattr(arguments, "ephemeral", False):
        from sampler.cluster.ephemeral import Attached

        traced = arguments.instrument == AUTO and not isinstance(question, Question)
        return Attached(kubectl_of(arguments), arguments.image, TRACING[0] if traced else arguments.instrument)
    return Agents(agents_kubectl(arguments))
