"""Agents that nobody takes away leave by themselves, and say so."""

from __future__ import annotations

from tests.e2e.kubernetes import SAMPLER, SPACE, Cluster
from tests.e2e.programs import POINT, WRITTEN, Watching, agents, assert_untouched, deploy, deployment, replicas


def test_when_their_time_is_over_agents_leave_their_targets_and_are_gone(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("agent", 2))
    before = replicas(cluster, namespace, "agent")
    try:
        cluster.kubectl("sampler", "install", "--image", SAMPLER, "--ttl=60s", seconds=200)
        cluster.kubectl("sampler", "grant", "jane")
        there = agents(cluster)
        assert all(one.processes(cluster) for one in there)
        words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--instrument=ptrace"]
        with cluster.lines(SPACE, there[0].name) as log, Watching(cluster, *words) as watching:
            watching.sampled(1, *(one.name for one in before))
            cluster.wait(SPACE, "delete", "daemonset/sampler-agent", "rolebinding/sampler-user-jane", seconds=110)
            cluster.wait(SPACE, "delete", "pods", "--all", seconds=90)
            said = [line for line in log if "audit" in line]
            assert any("agent-expired" in line or "agent-leaving" in line for line in said)
            assert "agent-ended" in said[-1]
            watching.process.kill()
        assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))
        left = cluster.get("--namespace", SPACE, "job,daemonset,role,rolebinding,pod,networkpolicy")["items"]
        assert left == []
        assert not [one for one in there if one.processes(cluster)]
    finally:
        cluster.kubectl("sampler", "uninstall", seconds=200)
