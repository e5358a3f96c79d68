"""Who may do what, with real credentials."""

from __future__ import annotations

import json

import pytest

from tests.e2e.kubernetes import BOB, JANE, RESTRICTED, SPACE, Cluster
from tests.e2e.programs import POINT, WRITTEN, deploy, deployment, replicas

pytestmark = pytest.mark.usefixtures("agents")

ACCOUNT = f"system:serviceaccount:{SPACE}:sampler-agent"
EXEC = ("create", "pods", "--subresource=exec")


def test_who_was_granted_it_may_exec_there_and_nothing_else(cluster: Cluster, namespace: str) -> None:
    said = cluster.kubectl("sampler", "grant", JANE)
    assert "user jane may exec in namespace sampler-system" in said
    assert f"--clusterrole=view --user={JANE} --namespace=NAMESPACE" in said
    for what in (EXEC, ("get", "pods"), ("list", "pods"), ("watch", "pods")):
        assert cluster.may(JANE, *what, "-n", SPACE)
        assert not cluster.may(JANE, *what, "-n", namespace)
        assert not cluster.may(BOB, *what, "-n", SPACE)
    others = [
        ("delete", "pods"),
        ("create", "pods"),
        ("get", "secrets"),
        ("get", "pods", "--subresource=log"),
        ("get", "pods", "--subresource=exec"),
        ("patch", "pods", "--subresource=ephemeralcontainers"),
        ("patch", "daemonsets.apps"),
        ("create", "serviceaccounts", "--subresource=token"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
    ]
    assert not [what for what in others if cluster.may(JANE, *what, "-n", SPACE)]
    listed = cluster.kubectl("auth", "can-i", "--list", "--no-headers", "-n", SPACE, user=JANE).splitlines()
    granted = {line.split()[0] for line in listed if "selfsubject" not in line and not line.startswith(" ")}
    assert granted == {"pods", "pods/exec"}
    cluster.kubectl("sampler", "grant", "--revoke", JANE)
    assert not cluster.may(JANE, *EXEC, "-n", SPACE)


def test_a_group_may_be_granted_it_as_a_whole(cluster: Cluster) -> None:
    cluster.kubectl("sampler", "grant", "--group", "developers")
    try:
        assert cluster.may(JANE, *EXEC, "-n", SPACE)
        assert not cluster.may(BOB, *EXEC, "-n", SPACE)
    finally:
        cluster.kubectl("sampler", "grant", "--revoke", "--group", "developers")


def test_jane_asks_in_restricted_namespaces_and_bob_is_told_what_he_lacks(cluster: Cluster) -> None:
    with cluster.namespace("restricted", RESTRICTED) as namespace:
        deploy(cluster, namespace, deployment("agent", 1))
        cluster.kubectl("sampler", "grant", JANE)
        for user in (JANE, BOB):
            binding = [f"view-{user}", "--clusterrole=view", f"--user={user}", f"--namespace={namespace}"]
            cluster.kubectl("create", "rolebinding", *binding)
        words = ["kubectl", "sampler", "watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT,
                 "--count=1", "--instrument=perf", "-o", "csv"]  # fmt: skip
        assert replicas(cluster, namespace, "agent")[0].name in cluster.run(*words, user=JANE).stdout
        done = cluster.run(*words, user=BOB, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert 'User "bob" cannot list resource "pods"' in done.stderr
        assert len(done.stderr.splitlines()) == 1
        cluster.kubectl("sampler", "grant", "--revoke", JANE)


def test_bob_cannot_install_and_nothing_is_left_half_made(cluster: Cluster) -> None:
    done = cluster.run("kubectl", "sampler", "install", "--agents-namespace=bobs", user=BOB, check=False)
    assert done.returncode == 1
    assert "you cannot create namespaces" in done.stderr
    assert cluster.run("kubectl", "get", "namespace", "bobs", check=False).returncode == 1


def test_the_agents_account_can_do_nothing(cluster: Cluster) -> None:
    listed = cluster.kubectl("auth", "can-i", "--list", "--no-headers", f"--as={ACCOUNT}", "-n", SPACE).splitlines()
    resources = {line.split()[0] for line in listed if line.strip() and not line.startswith(" ")}
    assert all(resource.startswith("selfsubject") for resource in resources), resources
    token = cluster.kubectl("create", "token", "sampler-agent", "-n", SPACE).strip()
    for what in (["get", "pods"], ["get", "nodes"], ["get", "secrets"], ["get", "namespaces"]):
        # Without credentials but this token: the admin's certificate would come first.
        words = ["--kubeconfig=/dev/null", f"--token={token}", *server(cluster), *what, "-n", SPACE]
        done = cluster.run("kubectl", *words, check=False)
        assert "is forbidden" in done.stderr


def server(cluster: Cluster) -> list[str]:
    """The API server; who it is was settled when the tests began."""
    config = json.loads(cluster.kubectl("config", "view", "--minify", "--output=json"))
    return [f"--server={config['clusters'][0]['cluster']['server']}", "--insecure-skip-tls-verify"]
