"""The agents are put there, stay for a while, and leave nothing behind."""

from __future__ import annotations

import json
import re
import time

import pytest

from tests.e2e.kubernetes import NODES, SAMPLER, SPACE, Cluster
from tests.e2e.programs import agents, installed


def test_an_installation_is_on_every_node_says_how_long_it_stays_and_leaves_nothing_behind(cluster: Cluster) -> None:
    said = cluster.kubectl("sampler", "install", "--image", SAMPLER, seconds=200)
    try:
        assert f"agents are ready on 2 nodes: {', '.join(NODES)}" in said
        assert re.search(r"they end by themselves at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said)
        assert "kubectl sampler uninstall" in said
        there = agents(cluster)
        assert [(one.node, len(one.processes(cluster))) for one in there] == [(node, 1) for node in NODES]
        status = cluster.kubectl("sampler", "status").splitlines()
        assert status[0].split() == ["NODE", "AGENT", "STATE", "SINCE", "UNTIL", "RUNS"]
        assert [line.split()[0::2][:2] for line in status[1:]] == [[node, "serving"] for node in NODES]
    finally:
        said = cluster.kubectl("sampler", "uninstall", seconds=200)
    assert "gone" in said
    assert cluster.run("kubectl", "get", "namespace", SPACE, check=False).returncode == 1
    assert not [one for one in there if one.processes(cluster)]


def test_an_agent_has_no_token_no_network_rights_and_nothing_of_the_node(cluster: Cluster) -> None:
    with installed(cluster):
        pods = cluster.get("--namespace", SPACE, "pods")["items"]
        for pod in pods:
            spec = pod["spec"]
            assert spec["automountServiceAccountToken"] is False
            assert [list(volume) for volume in spec["volumes"]] == [["emptyDir", "name"]]
            security = spec["containers"][0]["securityContext"]
            assert security["readOnlyRootFilesystem"]
            assert not security["allowPrivilegeEscalation"]
            assert "privileged" not in security
            name = pod["metadata"]["name"]
            there = cluster.run(
                "kubectl", f"--namespace={SPACE}", "exec", name, "--", "ls", "/var/run/secrets", check=False
            )
            assert there.returncode != 0
        policy = cluster.get("--namespace", SPACE, "networkpolicy", "deny-all")["spec"]
        assert (policy["podSelector"], set(policy["policyTypes"])) == ({}, {"Ingress", "Egress"})


def test_a_dry_run_prints_what_would_be_made_and_makes_nothing(cluster: Cluster) -> None:
    said = cluster.kubectl("sampler", "install", "--dry-run", "-o", "json", "--overlay", "privileged", "--ttl=8h")
    objects = {one["kind"]: one for one in json.loads(said)["items"]}
    assert set(objects) == {"Namespace", "Job", "ServiceAccount", "DaemonSet", "NetworkPolicy"}
    assert objects["Job"]["spec"]["activeDeadlineSeconds"] == 8 * 3600
    container = objects["DaemonSet"]["spec"]["template"]["spec"]["containers"][0]
    assert container["securityContext"]["privileged"] is True
    as_yaml = cluster.kubectl("sampler", "install", "--dry-run")
    assert as_yaml.count("\n---\n") == 4
    assert cluster.run("kubectl", "get", "namespace", SPACE, check=False).returncode == 1
    # What is printed can be applied as it is.
    cluster.kubectl("create", "--dry-run=client", "--filename=-", stdin=as_yaml)


@pytest.mark.parametrize("overlay", ["default", "privileged"])
def test_the_api_server_knows_every_field_of_an_overlay(cluster: Cluster, overlay: str) -> None:
    """A strict check against the schema of this release."""
    said = cluster.kubectl("sampler", "install", "--dry-run", "-o", "json", "--overlay", overlay)
    with cluster.namespace(f"schema-{overlay}", {"pod-security.kubernetes.io/enforce": "privileged"}) as namespace:
        items = [one for one in json.loads(said)["items"] if one["kind"] != "Namespace"]
        for one in items:
            one["metadata"]["namespace"] = namespace
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        cluster.kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", stdin=listed)


def test_privileged_agents_come_up_too(cluster: Cluster) -> None:
    with installed(cluster, "--overlay", "privileged"):
        assert cluster.kubectl("sampler", "status", "-o", "json").count('"serving"') == 2


def test_an_image_that_no_node_has_is_said_in_the_nodes_words(cluster: Cluster) -> None:
    try:
        done = cluster.run(
            "kubectl", "sampler", "install", "--image=localhost/nowhere:1", "--timeout=20s", check=False, seconds=100
        )
        assert done.returncode == 1
        assert "not all agents are ready after 20 s: node1: " in done.stderr
        assert "give an image that the nodes can get" in done.stderr
    finally:
        cluster.kubectl("sampler", "uninstall", seconds=200)


def test_installed_once_more_the_lease_counts_anew(cluster: Cluster) -> None:
    with installed(cluster, "--ttl=10m"):
        first = cluster.get("--namespace", SPACE, "job", "sampler-lease")
        cluster.kubectl("sampler", "install", "--image", SAMPLER, "--ttl=20m", seconds=200)
        second = cluster.get("--namespace", SPACE, "job", "sampler-lease")
        assert second["metadata"]["uid"] == first["metadata"]["uid"]
        assert second["spec"]["activeDeadlineSeconds"] >= 20 * 60
        owners = cluster.get("--namespace", SPACE, "daemonset", "sampler-agent")["metadata"]["ownerReferences"]
        assert [owner["uid"] for owner in owners] == [first["metadata"]["uid"]]
        cluster.kubectl("sampler", "install", "--image", SAMPLER, "--ttl=none", seconds=200)
        assert "ownerReferences" not in cluster.get("--namespace", SPACE, "daemonset", "sampler-agent")["metadata"]
        assert cluster.run("kubectl", "-n", SPACE, "get", "job", "sampler-lease", check=False).returncode == 1


def test_uninstalling_what_is_not_there_is_no_error(cluster: Cluster) -> None:
    assert "nothing is installed" in cluster.kubectl("sampler", "uninstall")


def test_help_is_there_at_once(cluster: Cluster) -> None:
    spent = []
    for _ in range(5):
        began = time.monotonic()
        assert "watch" in cluster.run("kubectl-sampler", "--help").stdout
        spent.append(time.monotonic() - began)
    assert min(spent) < 1.0  # 0.15 s on a machine that does nothing else
