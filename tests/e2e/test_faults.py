"""Whatever breaks between a user and a target, the target runs on as it was found; each case over several replicas."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.kubernetes import KEPT, SPACE, Cluster
from tests.e2e.programs import (
    PATIENT,
    POINT,
    WRITTEN,
    Replica,
    Watching,
    assert_untouched,
    deploy,
    deployment,
    replicas,
    settled,
)

pytestmark = pytest.mark.usefixtures("agents")

#: In each case so many targets; all cases together are 50.
_TARGETS = 10
#: A look every 0.1 s by the instrument that writes into its target: breakpoints are there most of the time.
_OFTEN = ("--instrument=ptrace", "--every=100ms", *PATIENT)


@contextmanager
def asked(cluster: Cluster, namespace: str) -> Iterator[tuple[Watching, list[Replica]]]:
    """All replicas, each of which has answered."""
    deploy(cluster, namespace, deployment("agent", _TARGETS))
    before = replicas(cluster, namespace, "agent")
    assert len(before) == _TARGETS
    with Watching(cluster, "watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, *_OFTEN) as watching:
        watching.sampled(2, *(one.name for one in before))
        yield watching, before


def ended(cluster: Cluster, found: list[Replica]) -> None:
    """Returns when the agents have written down that each of these runs has ended."""
    waiting = {one.container for one in found}
    pods = [pod["metadata"]["name"] for pod in cluster.get("-n", SPACE, "pods")["items"]]
    for pod in pods:
        here = {one.container for one in found if one.node == node_of(cluster, pod)}
        with cluster.lines(SPACE, pod) as lines:
            while here & waiting:
                line = next(lines)
                waiting -= {one for one in here if "run-ended" in line and one in line}
    assert not waiting


def node_of(cluster: Cluster, agent: str) -> str:
    return str(cluster.get("-n", SPACE, "pod", agent)["spec"]["nodeName"])


def test_the_front_end_killed(cluster: Cluster, namespace: str) -> None:
    with asked(cluster, namespace) as (watching, before):
        watching.process.kill()
        watching.process.wait()
        ended(cluster, before)
        assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))


def test_the_agents_pods_deleted(cluster: Cluster, namespace: str) -> None:
    with asked(cluster, namespace) as (watching, before):
        cluster.kubectl("-n", SPACE, "delete", "pods", "--all", "--wait", "--timeout=100s")
        cluster.kubectl("-n", SPACE, "rollout", "status", "daemonset/sampler-agent", "--timeout=100s")
        watching.until(lambda members: all(members[one.name].ended is not None for one in before))
        watching.sampled(2, *(f"{one.name} #2" for one in before))  # the same pods, by the agents that are there now
        watching.interrupt()
        assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))


def test_the_connection_cut(cluster: Cluster, namespace: str) -> None:
    """The way to the API server is gone in mid-run; those at the other end hear nothing more, and leave."""
    with asked(cluster, namespace) as (watching, before):
        with gate_closed():
            for node in {one.node for one in before}:
                wait_until_left(cluster, node)
        watching.until(lambda members: all(members[one.name].ended is not None for one in before))
        watching.interrupt()  # else they may be asked again, as the connection is back
        assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))


def test_a_replica_deleted_in_mid_run(cluster: Cluster, namespace: str) -> None:
    with asked(cluster, namespace) as (watching, before):
        gone, *rest = before
        cluster.kubectl("--namespace", namespace, "delete", "pod", gone.name)
        settled(cluster, namespace, "agent")
        now = replicas(cluster, namespace, "agent")
        (new,) = [one for one in now if one not in before]
        watching.sampled(2, new.name, *(one.name for one in rest))
        watching.interrupt()
        assert_untouched(cluster, [*rest, new], sorted(now, key=[*rest, new].index))


def test_two_people_ask_the_same_processes_at_once(cluster: Cluster, namespace: str) -> None:
    """Linux allows one tracer. Who comes second is told so, or comes between two looks; then the first is told."""
    with asked(cluster, namespace) as (first, before):
        words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--count=2"]
        for instrument in ("perf", "dlv"):
            with Watching(cluster, *words, f"--instrument={instrument}", *PATIENT) as second:
                second.finish()
                assert_refused_or_answered(second, before)
        first.interrupt()
        assert_refused_or_answered(first, before)
        assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))


def assert_refused_or_answered(watching: Watching, asked: list[Replica]) -> None:
    for one in asked:
        member = watching.members[one.name]
        assert member.ended is not None
        error = member.ended.get("error")
        assert len(member.samples) >= 2 or error is not None
        # A debugger that meets the other tracer itself says so in its own words; and only so many fit into an agent.
        assert error is None or error["kind"] in ("AlreadyTraced", "DebuggerEnded", "AgentBusy"), error


@contextmanager
def gate_closed() -> Iterator[None]:
    """Nothing from here reaches the cluster."""
    name = f"e2e{(KEPT / 'run' / 'gate').read_text().strip()}"
    subprocess.run(["ip", "link", "set", name, "down"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", name, "up"], check=True)


def wait_until_left(cluster: Cluster, node: str) -> None:
    """By what the node itself tells: no recorder is there any more."""
    script = "while pgrep -f '^[^ ]*python [^ ]*sampler agent ask' >/dev/null; do sleep 0.2; done"
    cluster.run(
        str(KEPT.parent.parent / "tests/e2e/cluster/cluster"), "node", node.removeprefix("node"), "sh", "-c", script,
        seconds=100,
    )  # fmt: skip
