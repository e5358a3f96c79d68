"""The options that verbs of the plugin share: kubectl's own names, and those of the command line where it has one.

``-o`` is the format, as everywhere in kubectl; what ``sampler`` calls ``--output FILE`` is ``--save FILE`` here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress

from sampler import units
from sampler.cluster.agents import NAMESPACE
from sampler.cluster.errors import ClusterError
from sampler.cluster.kubectl import Kubectl
from sampler.cluster.processes import Choice
from sampler.cluster.selection import Selection, select
from sampler.commands.options import FORMATS, add_question_options, typed
from sampler.errors import UsageError


def add_connection_options(parser: argparse.ArgumentParser) -> None:
    """Which cluster, as whom, and where the agents are."""
    where = parser.add_argument_group("the cluster")
    where.add_argument("--context", metavar="NAME", help="of the kubeconfig (default: the current one)")
    where.add_argument("--kubeconfig", metavar="FILE", help="default: $KUBECONFIG, or ~/.kube/config")
    where.add_argument("--as", metavar="USER", dest="impersonated", help="on behalf of that user")
    where.add_argument(
        "--agents-namespace", default=NAMESPACE, metavar="NAME", help=f"where the agents are (default {NAMESPACE})"
    )


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """Which pods, and what in them."""
    add_connection_options(parser)
    whom = parser.add_argument_group("whom to ask")
    whom.add_argument("-n", "--namespace", metavar="NAME", help="of the pods (default: the context's)")
    whom.add_argument("-l", "--selector", metavar="LABELS", help="pods with these labels, in the place of TARGET")
    whom.add_argument("-c", "--container", metavar="NAME", help="of each pod (default: as kubectl logs has it)")
    process = whom.add_mutually_exclusive_group()
    process.add_argument("--process", metavar="NAME", help="every process of that name in the container")
    process.add_argument(
        "--pid", type=int, metavar="PID", help="as the container numbers it (default: its first process)"
    )


def add_asking_options(
    parser: argparse.ArgumentParser, add_question: Callable[[argparse.ArgumentParser], None] = add_question_options
) -> None:
    """For verbs that ask a question of pods, and show what comes. ``add_question``: the options that are its own."""
    add_target_options(parser)
    add_question(parser)
    parser.add_argument(
        "--max-suspended-all",
        type=typed(units.parse_share),
        metavar="SHARE",
        help="of all targets together: largest share of time that looks and hits may suspend one or another of them;"
        " a pod that comes later is asked when one of them has ended",
    )
    output = parser.add_argument_group("output")
    add_format_option(output, FORMATS, "table (live on a terminal, lines in a pipe), jsonl (the recording) or csv")
    output.add_argument(
        "--save", metavar="FILE", dest="output", help="save the recording as JSON Lines; must not exist yet"
    )
    output.add_argument("--quiet", action="store_true", help="print nothing but errors")


def add_format_option(group: argparse._ActionsContainer, formats: tuple[str, ...], about: str) -> None:
    """``-o``, the first of the formats unless given."""

    def parse(text: str) -> str:
        if text not in formats:
            raise UsageError(
                f"{text!r} is no format", f"there are {', '.join(formats)}", "a file is given by --save FILE"
            )
        return text

    group.add_argument(
        "-o", "--format", "--output", type=typed(parse), choices=formats, default=formats[0], dest="format", help=about
    )


def kubectl_of(arguments: argparse.Namespace) -> Kubectl:
    """With the namespace of the pods, if one was given."""
    namespace = getattr(arguments, "namespace", None)
    return Kubectl(namespace, arguments.context, arguments.kubeconfig, arguments.impersonated)


def agents_kubectl(arguments: argparse.Namespace) -> Kubectl:
    return kubectl_of(arguments).within(arguments.agents_namespace)


def target_and_rest(arguments: argparse.Namespace, words: list[str]) -> tuple[str | None, list[str]]:
    """The first word is TARGET, unless a selector is in its place."""
    if arguments.selector is not None:
        return None, words
    return (words[0], words[1:]) if words else (None, [])


def selection_of(arguments: argparse.Namespace, target: str | None) -> Selection:
    return select(kubectl_of(arguments), target, arguments.selector)


def choice_of(arguments: argparse.Namespace) -> Choice:
    return Choice(arguments.pid, arguments.process)


def user_of(kube: Kubectl) -> str:
    """Who asks, by the API server's word; where it does not tell, by the kubeconfig's."""
    try:
        return str(kube.json("auth", "whoami")["status"]["userInfo"]["username"])
    except ClusterError:
        with suppress(ClusterError, LookupError, TypeError):  # in a pod there need be none
            config = kube.json("config", "view", "--minify")
            return str(config["contexts"][0]["context"]["user"])
    return "unknown"
