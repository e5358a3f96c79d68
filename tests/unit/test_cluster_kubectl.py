"""What kubectl prints on failure, word for word as kubectl 1.32 and 1.34 do, as typed errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampler.cluster.errors import (
    ClusterUnreachable,
    Forbidden,
    KubectlFailed,
    KubectlMissing,
    NotFound,
    NotLoggedIn,
    NotReady,
)
from sampler.cluster.installation import Installation
from sampler.cluster.kubectl import Kubectl, error_of
from sampler.cluster.options import user_of

_SAID = {
    'Error from server (Forbidden): pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the'
    ' namespace "default"': Forbidden,
    'Error from server (NotFound): deployments.apps "x" not found': NotFound,
    "The connection to the server 10.0.0.1:1 was refused - did you specify the right host or port?": ClusterUnreachable,
    "Unable to connect to the server: dial tcp 198.18.0.1:6443: connect: no route to host": ClusterUnreachable,
    "Error in configuration: context was not found for specified context: nix": ClusterUnreachable,
    "error: stat /nope: no such file or directory": ClusterUnreachable,
    'error: the server doesn\'t have a resource type "foo"': NotFound,
    "error: You must be logged in to the server (Unauthorized)": NotLoggedIn,
    'Error from server (BadRequest): container "x" in pod "y" is waiting to start': KubectlFailed,
    "error: something else": KubectlFailed,
    "": KubectlFailed,
}


@pytest.mark.parametrize(("said", "kind"), _SAID.items())
def test_what_kubectl_says_has_a_type(said: str, kind: type) -> None:
    assert type(error_of(said)) is kind


def test_the_reason_is_the_api_servers_own() -> None:
    error = error_of('Error from server (NotFound): pods "x" not found\n')
    assert str(error) == 'not found: pods "x" not found; check the name and the namespace (-n)'


def test_what_is_logged_besides_is_passed_over() -> None:
    said = (
        'E1129 07:57:23.326604    9238 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group'
        ' list: dial tcp 198.18.0.1:1: connect: connection refused"\n'
        "Warning: policy/v1beta1 PodSecurityPolicy is deprecated\n"
        "error: the end\n"
    )
    assert error_of(said).why == "the end"


def test_a_pod_that_is_not_admitted_is_told_from_other_refusals() -> None:
    said = 'Error from server (Forbidden): pods "a" is forbidden: violates PodSecurity "restricted:latest": runAsUser=0'
    assert "does not admit such a pod" in error_of(said).what


def test_the_users_options_come_first_and_nothing_else_is_added() -> None:
    kube = Kubectl("apps", "prod", "/k", "jane")
    assert kube.words("get", "pods") == [
        "kubectl", "--kubeconfig=/k", "--context=prod", "--as=jane", "--namespace=apps", "get", "pods"
    ]  # fmt: skip
    assert Kubectl().words("version") == ["kubectl", "version"]


def test_no_kubectl_is_an_error_with_its_fix() -> None:
    with pytest.raises(KubectlMissing, match="install kubectl"):
        Kubectl(program="kubectl-that-is-not-there").run("version")


def program(folder: Path, text: str) -> str:
    """In the place of kubectl: one that fails in a way that the real one does when a cluster is not well."""
    path = folder / "kubectl"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_one_that_never_ends_is_ended(tmp_path: Path) -> None:
    kube = Kubectl(program=program(tmp_path, "exec sleep 1000"))
    with pytest.raises(ClusterUnreachable, match="has not ended in"):
        kube.wait("exec", "a-pod", within_s=0.1)


def test_who_asks_is_unknown_where_neither_cluster_nor_kubeconfig_tells(tmp_path: Path) -> None:
    neither = program(tmp_path, "echo 'error: current-context must exist' >&2; exit 1")
    assert user_of(Kubectl(program=neither)) == "unknown"
    empty = program(tmp_path, "echo '{\"contexts\": null}'; test $3 != whoami")
    assert user_of(Kubectl(program=empty)) == "unknown"


@pytest.mark.parametrize(
    ("said", "kind"),
    {
        "error: timed out waiting for the condition": NotReady,
        'Error from server (Forbidden): daemonsets.apps is forbidden: User "bob" cannot watch': Forbidden,
        "Unable to connect to the server: dial tcp 198.18.0.1:6443: connect: no route to host": ClusterUnreachable,
    }.items(),
)
def test_only_agents_that_are_not_ready_in_time_are_told_as_such(tmp_path: Path, said: str, kind: type) -> None:
    text = f"case \"$*\" in *rollout*) echo '{said}' >&2; exit 1;; *) echo '{{\"items\": []}}';; esac"
    with pytest.raises(kind):
        Installation(Kubectl("agents", program=program(tmp_path, text))).wait(1)
