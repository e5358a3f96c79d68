"""Let somebody ask: a Role and a RoleBinding in the agents' namespace alone.

  kubectl sampler grant jane
  kubectl sampler grant --group developers

It lets them find the agents, and exec into them: so they can read every process of the nodes. It ends with the
installation. To find the pods that they ask about they need `get`, `list` and `watch` of pods there, which many have.
"""

from __future__ import annotations

import argparse

from sampler.cluster.options import add_connection_options, agents_kubectl
from sampler.errors import UsageError

HELP = "let somebody ask"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_connection_options(parser)
    parser.add_argument("user", nargs="?", metavar="USER", help="as the cluster knows them")
    parser.add_argument("--group", metavar="NAME", help="all of a group, in the place of USER")
    parser.add_argument("--revoke", action="store_true", help="take it back")


def run(arguments: argparse.Namespace) -> int:
    from sampler.cluster.grants import Grant

    if (arguments.user is None) == (arguments.group is None):
        raise UsageError("nobody is named", "or both a user and a group", "give USER or --group NAME")
    kind, name = ("Group", arguments.group) if arguments.group is not None else ("User", arguments.user)
    grant = Grant(kind, name)
    kube = agents_kubectl(arguments)
    who = f"{kind.lower()} {name}"
    if arguments.revoke:
        grant.revoke(kube)
        print(f"{who} may not exec in namespace {kube.namespace} any more")
        return 0
    grant.make(kube)
    print(
        f"{who} may exec in namespace {kube.namespace}, and so read every process of the nodes; nothing else was given"
    )
    print(f"to find the pods of a namespace they need this there, if they do not have it: {grant.viewing('NAMESPACE')}")
    print(f"take it back: kubectl sampler grant --revoke {'--group ' if kind == 'Group' else ''}{name}")
    return 0
