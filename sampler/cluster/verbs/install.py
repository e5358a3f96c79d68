"""Put an agent on every node, for a while.

  kubectl sampler install
  kubectl sampler install --ttl 8h --overlay privileged
  kubectl sampler install --dry-run

The agents may look into every process of their nodes. So they are in a namespace of their own, nobody is let in but by
`kubectl sampler grant`, and they go by themselves when their time is over. Installed once more, they get a new time; a
run that goes on then is ended in good order.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sampler import units
from sampler.cluster.options import add_connection_options, agents_kubectl
from sampler.commands.options import typed
from sampler.errors import UsageError

if TYPE_CHECKING:
    from sampler.cluster.installation import Installation, Plan

HELP = "put an agent on every node, for a while"
_OVERLAYS = ("default", "privileged")
_TTL_NS = units.UNITS_NS["h"]
_SHORTEST_NS = 10 * units.NS_PER_SECOND
_FOR_EVER = "none"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection_options(parser)
    what = parser.add_argument_group("what is installed")
    which = what.add_mutually_exclusive_group()
    which.add_argument(
        "--overlay", choices=_OVERLAYS, default="default",
        help="default: the capabilities that the instruments need; privileged: all of the node, as in the talk",
    )  # fmt: skip
    which.add_argument("-k", "--kustomize", metavar="FOLDER", help="a kustomization of your own, on top of ours")
    what.add_argument("--image", metavar="NAME", help="of the agents (default: as in the manifests)")
    what.add_argument(
        "--ttl", type=typed(_parse_ttl), default=_TTL_NS, metavar="TIME",
        help=f"how long they stay, like 8h; {_FOR_EVER}: until they are uninstalled (default 1h)",
    )  # fmt: skip
    how = parser.add_argument_group("how")
    how.add_argument("--dry-run", action="store_true", help="print the manifests, and change nothing")
    how.add_argument("-o", "--output", choices=("yaml", "json"), default="yaml", help="of --dry-run (default yaml)")
    how.add_argument(
        "--timeout", type=typed(units.parse_duration), default=120 * units.NS_PER_SECOND, metavar="TIME",
        help="how long it waits for the agents to be ready (default 2m)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster import manifests
    from sampler.cluster.installation import Installation, Plan

    path = arguments.kustomize or manifests.folder(f"overlays/{arguments.overlay}")
    plan = Plan(path, arguments.agents_namespace, arguments.image, arguments.ttl or None)
    kube = agents_kubectl(arguments)
    if arguments.dry_run:
        return _print(plan, arguments)
    installation = Installation(kube)
    installation.check_rights()
    installation.make(plan)
    installation.wait(max(1, arguments.timeout // units.NS_PER_SECOND))
    _tell(arguments, installation)
    return 0


def _print(plan: Plan, arguments: argparse.Namespace) -> int:
    import json

    from sampler.cluster import manifests

    kube, lease = agents_kubectl(arguments), plan.lease(None)
    objects = plan.objects(kube, lease)
    namespace = manifests.only(objects, "Namespace")
    rest = [each for each in objects if each is not namespace]
    objects = [namespace, *([lease] if lease is not None else []), *rest]
    if arguments.output == "json":
        print(json.dumps(manifests.as_list(objects), indent=2))
    else:
        print(manifests.as_yaml(kube, objects))
    return 0


def _tell(arguments: argparse.Namespace, installation: Installation) -> None:
    from sampler.cluster import lease
    from sampler.cluster.agents import Agents
    from sampler.cluster.containers import is_ready

    nodes = sorted(pod["spec"]["nodeName"] for pod in Agents(agents_kubectl(arguments)).pods() if is_ready(pod))
    which = arguments.kustomize or f"overlay {arguments.overlay}"
    print(
        f"agents are ready on {len(nodes)} nodes: {', '.join(nodes)} ({which}, namespace {arguments.agents_namespace})"
    )
    job = installation.lease()
    if job is None:
        print("they stay until they are removed: kubectl sampler uninstall")
    else:
        print(f"they end by themselves at {lease.timestamp(lease.ends(job))}; before: kubectl sampler uninstall")
    print("whoever may exec there can read every process of these nodes; let others in by: kubectl sampler grant USER")


def _parse_ttl(text: str) -> int:
    """In nanoseconds; nought for ever."""
    if text == _FOR_EVER:
        return 0
    ttl_ns = units.parse_duration(text)
    if ttl_ns < _SHORTEST_NS:
        raise UsageError(f"{text} is too short", "the agents would be gone before they were there", "give at least 10s")
    return ttl_ns
