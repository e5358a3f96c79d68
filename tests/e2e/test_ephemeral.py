"""Asking without agents: by a debug container in the pod itself."""

from __future__ import annotations

import pytest

from tests.e2e.kubernetes import SAMPLER, Cluster
from tests.e2e.programs import (
    GAP,
    PATIENT,
    POINT,
    WRITTEN,
    Watching,
    assert_true,
    assert_untouched,
    deploy,
    deployment,
    replicas,
    reports,
)

_EPHEMERAL = ("--ephemeral", "--image", SAMPLER)
_RIGHTS = {
    "ptrace": {"SYS_PTRACE", "DAC_OVERRIDE"},
    "perf": {"SYS_PTRACE", "DAC_READ_SEARCH", "PERFMON", "BPF"},
    "dlv": {"SYS_PTRACE", "DAC_OVERRIDE", "KILL"},
}
_NS_PER_S = 10**9


@pytest.mark.parametrize("instrument", ["ptrace", "perf", "dlv"])
def test_a_pod_is_asked_by_a_container_with_the_rights_of_one_instrument(
    cluster: Cluster, namespace: str, instrument: str
) -> None:
    deploy(cluster, namespace, deployment("agent", 1))
    before = replicas(cluster, namespace, "agent")
    name = before[0].name
    words = ["watch", "-n", namespace, f"pod/{name}", WRITTEN, GAP, "--at", POINT, f"--instrument={instrument}"]
    with Watching(cluster, *words, "--count=2", *PATIENT, *_EPHEMERAL) as watching:
        assert (watching.finish(), watching.error) == (0, "")
    member = watching.members[name]
    assert len(member.samples) == 2
    assert any("its name stays in the pod's list until the pod ends" in said for said in member.said)
    with cluster.lines(namespace, name, "--tail=1") as lines:  # a report that covers the last sample
        next(lines), next(lines), next(lines)
    assert_true(member, reports(cluster, namespace, name), WRITTEN, GAP, 20 * _NS_PER_S)
    assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))
    pod = cluster.get("--namespace", namespace, "pod", name)
    (container,) = pod["spec"]["ephemeralContainers"]
    assert set(container["securityContext"]["capabilities"]["add"]) == _RIGHTS[instrument]
    condition = "jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}=0"
    cluster.wait(namespace, condition, f"pod/{name}")  # its process has ended, and nothing of it runs on


def test_the_time_counts_from_when_a_pod_is_asked(cluster: Cluster, namespace: str) -> None:
    """To put the container there may take longer than all of it."""
    deploy(cluster, namespace, deployment("agent", 1))
    (one,) = replicas(cluster, namespace, "agent")
    words = ["watch", "-n", namespace, f"pod/{one.name}", WRITTEN, "--at", POINT, "--instrument=ptrace"]
    with Watching(cluster, *words, "--duration=500ms", "--every=100ms", *PATIENT, *_EPHEMERAL) as watching:
        assert (watching.finish(), watching.error) == (0, "")
    assert watching.members[one.name].footer is not None


def test_a_namespace_that_admits_no_such_container_says_so(cluster: Cluster) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    with cluster.namespace("ephemeral-restricted", labels) as namespace:
        deploy(cluster, namespace, deployment("agent", 1))
        words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--count=1", *_EPHEMERAL]
        done = cluster.run("kubectl", "sampler", *words, check=False)
        assert done.returncode == 1
        assert "the namespace does not admit such a pod" in done.stderr
        assert "kubectl sampler install" in done.stderr


def test_an_image_that_is_nowhere_is_said(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("agent", 1))
    words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--ephemeral", "--image=localhost/no:1"]
    done = cluster.run("kubectl", "sampler", *words, check=False)
    assert done.returncode == 1
    assert "does not start: ErrImagePull" in done.stderr or "does not start: ImagePull" in done.stderr
