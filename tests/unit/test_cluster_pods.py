"""Pods as the API server gives them: which container is asked, how long it may be suspended, what selects it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from sampler.cluster.containers import choose, is_ready
from sampler.cluster.documents import Documents, documents
from sampler.cluster.errors import NoSuchContainer, NoSuchProcessThere, NotRunning
from sampler.cluster.finder import _node_is_gone
from sampler.cluster.processes import Choice, Process
from sampler.cluster.selection import select, selector_of
from sampler.cluster.streams import Stream
from sampler.errors import UsageError

_GIVEN = Path(__file__).parent / "kubernetes"  # by `kubectl get -o json`, of Kubernetes 1.34


def given(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_GIVEN / f"{name}.json").read_text())
    return found


def test_the_annotated_container_is_asked_unless_another_is_named() -> None:
    pod = given("pod")
    found = choose(pod)
    assert (found.name, found.node, found.id[:12], found.restarts) == ("main", "node2", "54e08afb7743", 0)
    assert found.label == f"{pod['metadata']['name']}/main"
    assert found.remark == "container main of main, proxy, broken; -c chooses another"
    assert choose(pod, "proxy").remark == ""
    assert choose(pod, "side").id[:12] == "63473f622699"  # an init container that goes on: a sidecar


def test_without_an_annotation_the_first_container_is_asked() -> None:
    pod = given("pod")
    del pod["metadata"]["annotations"]
    assert choose(pod).name == "proxy"


def test_a_container_started_anew_is_another_target() -> None:
    pod = given("pod")
    for status in pod["status"]["containerStatuses"]:
        status["restartCount"] = 2
    assert choose(pod).label == f"{pod['metadata']['name']}/main (restart 2)"


def test_a_pod_of_one_container_is_called_by_its_own_name() -> None:
    pod = given("pod")
    pod["spec"]["containers"] = pod["spec"]["containers"][1:2]
    assert choose(pod).label == pod["metadata"]["name"]
    assert choose(pod).remark == ""


def test_one_that_does_not_run_is_refused_with_the_nodes_reason() -> None:
    with pytest.raises(NotRunning, match="broken does not run: ImagePullBackOff"):
        choose(given("pod"), "broken")


def test_a_name_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(NoSuchContainer, match="it has proxy, main, broken, side"):
        choose(given("pod"), "nix")


def test_half_of_the_shortest_timeout_of_a_probe_is_the_longest_pause() -> None:
    pause = choose(given("pod")).pause  # liveness 1 s, startup 3 s
    assert pause is not None
    assert pause.within(10**9) == 500_000_000
    assert pause.within(10**8) == 10**8
    assert pause.remark(10**9) == "longest pause: 500 ms, half of what its liveness probe waits (1 s)"
    assert pause.remark(10**8) == "longest pause: 100 ms, as asked for"
    assert choose(given("pod"), "proxy").pause is not None
    assert choose(given("pod"), "side").pause is None


def test_a_probe_without_a_timeout_waits_a_second() -> None:
    pod = given("pod")
    del pod["spec"]["containers"][1]["livenessProbe"]["timeoutSeconds"]
    pause = choose(pod).pause
    assert pause is not None
    assert pause.longest_ns == 500_000_000


def test_a_deployments_selector_is_text_as_kubectl_takes_it() -> None:
    assert selector_of(given("deployment")) == "app=web,tier in (front,back),!canary"


def test_a_services_selector_is_plain() -> None:
    assert selector_of({"kind": "Service", "spec": {"selector": {"a": "b", "c": "d"}}}) == "a=b,c=d"


def test_what_selects_no_pods_is_refused() -> None:
    with pytest.raises(UsageError, match="a ConfigMap selects no pods"):
        selector_of({"kind": "ConfigMap"})


@pytest.mark.parametrize("target", ["web-0", "pod/web-0", "po/web-0", "pods/web-0"])
def test_a_pod_is_named_as_for_kubectl(target: str) -> None:
    assert select(None, target, None).words == ["pods", "web-0"]  # type: ignore[arg-type]  # nobody is asked


def test_a_selector_is_taken_as_it_is_and_nobody_is_an_error() -> None:
    assert select(None, None, "a=b").words == ["pods", "--selector=a=b"]  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="nobody to ask"):
        select(None, None, None)  # type: ignore[arg-type]


def test_a_node_that_is_gone_is_told_by_what_the_kubelet_would_have_said() -> None:
    pod = given("pod")
    assert not _node_is_gone(pod)  # its containers are not ready, and so it is not
    lost = copy.deepcopy(pod)
    for condition in lost["status"]["conditions"]:
        condition["status"] = "False" if condition["type"] == "Ready" else "True"
    assert _node_is_gone(lost)
    lost["spec"]["readinessGates"] = [{"conditionType": "mine"}]
    assert not _node_is_gone(lost)


def test_who_is_being_deleted_is_not_ready() -> None:
    pod = given("pod")
    for condition in pod["status"]["conditions"]:
        condition["status"] = "True"
    assert is_ready(pod)
    pod["metadata"]["deletionTimestamp"] = "2026-11-29T08:06:30Z"
    assert not is_ready(pod)


_INSIDE = [Process(900, 7, "worker", 50), Process(800, 1, "main", 40), Process(901, 8, "worker", 51)]


def test_the_first_process_is_asked_unless_told_otherwise() -> None:
    (chosen,) = Choice().of(_INSIDE, "a")
    assert chosen.pid == 800
    assert "main (1)" in Choice().remark(chosen, _INSIDE)
    assert Choice().remark(chosen, _INSIDE[1:2]) == ""
    assert [one.pid for one in Choice(name="worker").of(_INSIDE, "a")] == [900, 901]
    assert [one.pid for one in Choice(pid=8).of(_INSIDE, "a")] == [901]


@pytest.mark.parametrize("choice", [Choice(pid=800), Choice(name="nix")])
def test_a_process_that_is_not_there_is_an_error_that_lists_those_that_are(choice: Choice) -> None:
    with pytest.raises(NoSuchProcessThere, match="worker \\(7\\)"):
        choice.of(_INSIDE, "a")


def test_documents_are_cut_where_one_ends_however_they_come() -> None:
    text = json.dumps({"a": {"b": "}"}}, indent=4) + "\n" + json.dumps({"c": 1}) + "\n"
    assert documents(text) == [{"a": {"b": "}"}}, {"c": 1}]
    stream = Documents()
    assert [found for mark in text for found in stream.take(mark)] == [{"a": {"b": "}"}}, {"c": 1}]


def test_a_character_may_come_in_two_pieces() -> None:
    stream = Documents()
    data = json.dumps({"a": "é"}, ensure_ascii=False).encode()
    assert [found for byte in data for found in stream.feed(bytes([byte]))] == [{"a": "é"}]
    long = "x" * 65535 + "é"  # a pipe gives so many bytes at once
    assert "".join(Stream(["printf", "%s", long], 20.0)) == long


@pytest.mark.parametrize("target", ["pod/--help", "--help/x", "pod/", "pod/a b", "pod/$(x)", "deploy/-x"])
def test_what_kubectl_would_take_for_an_option_is_no_name(target: str) -> None:
    with pytest.raises(UsageError, match="names nothing"):
        select(None, target, None)  # type: ignore[arg-type]
