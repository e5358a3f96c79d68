"""What works between a user and the pods: each check by trying, in the order in which to put things right."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from sampler import __version__
from sampler.cluster.agents import NAME, Agent
from sampler.cluster.errors import ClusterError
from sampler.cluster.installation import remedy
from sampler.cluster.kubectl import Kubectl, error_of
from sampler.cluster.one import first_process
from sampler.cluster.options import agents_kubectl, kubectl_of, selection_of, user_of
from sampler.cluster.standing import Standing, standings, version_of
from sampler.doctor import Finding
from sampler.errors import SamplerError, UsageError


def examine(arguments: argparse.Namespace) -> Iterator[Finding]:
    """The findings; of a target too, where one is named."""
    if bool(arguments.expressions) != (arguments.point is not None):
        raise UsageError("a question is an expression and a point", fix="give both: EXPRESSION --at POINT")
    kube, agents = kubectl_of(arguments), agents_kubectl(arguments)
    try:
        yield from _way(kube)
        yield from _agents(agents)
        if arguments.target is not None or arguments.selector is not None:
            yield from _target(arguments)
    except SamplerError as error:
        yield _failed("cluster", error)


def _way(kube: Kubectl) -> Iterator[Finding]:
    """kubectl, the API server, and who we are to it."""
    client = kube.json("version", "--client")["clientVersion"]["gitVersion"]
    yield Finding("kubectl", True, client)
    server = kube.json("version")["serverVersion"]["gitVersion"]
    yield Finding("cluster", True, f"answers, version {server}; you are {user_of(kube)} there")


def _agents(kube: Kubectl) -> Iterator[Finding]:
    """Whether there are some, on every node, of this version, and whether we may ask them."""
    where = f"in namespace {kube.namespace}"
    for verb, what, options in (("list", "pods", ()), ("create", "pods", ("--subresource=exec",))):
        right = f"{verb} {what}{'/exec' if options else ''} {where}"
        good = kube.allows(verb, what, *options)
        fix = "ask whoever has installed the agents: kubectl sampler grant YOU"
        yield Finding("right", good, right if good else f"you may not {right}", fix)
        if not good:
            return
    found = standings(kube)
    if not found:
        yield Finding("agents", False, f"there are none {where}", "install them: kubectl sampler install")
    for one in found:
        yield _standing(one, str(kube.namespace))
    yield from _daemonset(kube)


def _standing(one: Standing, namespace: str) -> Finding:
    if not one.good:
        return Finding("agent", False, f"{one.node}: {one.state}", remedy(one.state, namespace))
    version = one.said.get("sampler", "unknown")
    until = one.said.get("until")
    seen = f"{one.node}: {one.state}, version {version}, " + (f"until {until}" if until else "for ever")
    if version != __version__:
        return Finding(
            "agent", False, f"{seen}; this is {__version__}", "use one version: kubectl sampler install --image"
        )
    return Finding("agent", True, seen)


def _daemonset(kube: Kubectl) -> Iterator[Finding]:
    """How many nodes there should be one on; only some may look."""
    try:
        daemonset = kube.json("get", "daemonset", NAME)
    except ClusterError:
        return
    status = daemonset["status"]
    wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    seen = f"{ready} of {wanted} nodes have one that is ready (installed by version {version_of(daemonset)})"
    yield Finding("nodes", ready == wanted, seen, "see the agents that are not ready, above")


def _target(arguments: argparse.Namespace) -> Iterator[Finding]:
    """The pods, and what the agent near the first of them can do to it."""
    try:
        pods = selection_of(arguments, arguments.target).pods(kubectl_of(arguments))
        yield Finding("pods", True, f"{len(pods)}: {', '.join(pod['metadata']['name'] for pod in pods)}")
        one = first_process(arguments)
    except SamplerError as error:
        yield _failed("pods", error)
        return
    yield Finding(
        "process", True, f"{one.label}: {one.process.name} ({one.process.inside}) on node {one.container.node}"
    )
    question = [*arguments.expressions, f"--at={arguments.point}"] if arguments.point is not None else []
    yield from _there(one.agent, "doctor", *question[-1:], "--", str(one.process.pid), *question[:-1])


def _there(agent: Agent, *words: str) -> Iterator[Finding]:
    """What ``sampler doctor`` says where the agent is; its exit status is 1 where something does not work."""
    done = agent.finish(*words)
    if not done.stdout:
        raise error_of(done.stderr)
    lines = done.stdout.splitlines()
    for at, line in enumerate(lines):
        if line.startswith(("ok ", "NO ")):
            after = lines[at + 1].strip() if at + 1 < len(lines) else ""
            fix = after.removeprefix("fix: ") if after.startswith("fix: ") else ""
            name, _, seen = line[4:].strip().partition(" ")
            yield Finding(name, line.startswith("ok "), f"there: {seen.strip()}", fix)


def _failed(name: str, error: SamplerError) -> Finding:
    return Finding(name, False, error.reason, error.fix)
