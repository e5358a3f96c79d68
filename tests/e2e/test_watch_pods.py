"""One question to the pods of a deployment: true answers, a row a pod, and nobody is the worse for it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.e2e.kubernetes import NODES, Cluster
from tests.e2e.programs import (
    GAP,
    PATIENT,
    POINT,
    RING_GAP,
    RING_POINT,
    RING_WRITTEN,
    WRITTEN,
    Watching,
    assert_true,
    assert_untouched,
    audit,
    deploy,
    deployment,
    replicas,
    reports,
    settled,
)

pytestmark = pytest.mark.usefixtures("agents")

_NS_PER_S = 10**9
#: A debugger's look waits for its hit, after the time that it is told by.
_SLACK_NS = {"perf": _NS_PER_S, "ptrace": _NS_PER_S, "dlv": 20 * _NS_PER_S, "gdb": 20 * _NS_PER_S}


def told_until_now(cluster: Cluster, namespace: str, pod: str) -> list[dict[str, object]]:
    """The program's reports, once it has told of all that a sample can be of that was taken before this call."""
    with cluster.lines(namespace, pod, "--tail=1") as lines:
        first = json.loads(next(lines))["t_ns"]
        while json.loads(next(lines))["t_ns"] < first + 2 * _NS_PER_S:
            pass
    return reports(cluster, namespace, pod)


@pytest.mark.parametrize("instrument", ["perf", "ptrace", "dlv"])
def test_three_replicas_on_two_nodes_answer_truly(cluster: Cluster, namespace: str, instrument: str) -> None:
    deploy(cluster, namespace, deployment("agent", 3))
    before = replicas(cluster, namespace, "agent")
    assert {one.node for one in before} == set(NODES)
    words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, GAP, "--at", POINT]
    with Watching(cluster, *words, f"--instrument={instrument}", "--count=5", *PATIENT) as watching:
        status = watching.finish()
    assert (status, watching.error) == (0, "")
    assert watching.whole
    assert set(watching.members) == {one.name for one in before}
    for name, member in watching.members.items():
        assert member.header["instrument"] == instrument
        assert len(member.samples) == 5
        told = told_until_now(cluster, namespace, name)
        assert_true(member, told, WRITTEN, GAP, _SLACK_NS[instrument])
    assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))
    runs = [line for line in audit(cluster) if line["audit"] == "run-ended"]
    mine = [run for run in runs if run["target"].get("container") in {one.container for one in before}]
    assert [(run["who"], run["instrument"], run["samples"]) for run in mine] == [("admin", instrument, 5)] * 3


@pytest.mark.parametrize("instrument", ["perf", "ptrace", "gdb"])
def test_a_native_program_answers_truly(cluster: Cluster, namespace: str, instrument: str) -> None:
    deploy(cluster, namespace, deployment("ring", 1, "c_ring"))
    before = replicas(cluster, namespace, "ring")
    words = ["watch", "-n", namespace, "-l", "app=ring", RING_WRITTEN, RING_GAP, "--at", RING_POINT]
    with Watching(cluster, *words, f"--instrument={instrument}", "--count=5", *PATIENT) as watching:
        status = watching.finish()
    assert (status, watching.error) == (0, "")
    (only,) = watching.members.items()
    assert only[0] == before[0].name
    told = told_until_now(cluster, namespace, only[0])
    assert_true(only[1], told, RING_WRITTEN, RING_GAP, _SLACK_NS[instrument])
    assert_untouched(cluster, before, replicas(cluster, namespace, "ring"))


def test_what_is_saved_is_a_recording_that_report_reads(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    deploy(cluster, namespace, deployment("agent", 2))
    saved = tmp_path / "all.jsonl"
    words = ["-n", namespace, "deploy/agent", "--count=2", "--instrument=perf"]
    said = cluster.kubectl("sampler", "diode-gap", *words, "-o", "csv", "--save", str(saved))
    rows = list(csv.DictReader(said.splitlines()))
    names = {one.name for one in replicas(cluster, namespace, "agent")}
    assert {row["target"] for row in rows} == names
    assert len(rows) == 4
    report = cluster.run("sampler", "report", str(saved)).stdout
    assert all(name in report for name in names)


def test_the_longest_pause_is_half_of_what_a_probe_waits_and_that_is_said(cluster: Cluster, namespace: str) -> None:
    probe = {"exec": {"command": ["true"]}, "timeoutSeconds": 7, "periodSeconds": 1}
    deploy(cluster, namespace, deployment("agent", 1, probe=probe))
    words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--count=1", "--instrument=perf"]
    with Watching(cluster, *words, "--max-pause=20s") as watching:
        assert watching.finish() == 0
    (member,) = watching.members.values()
    assert "longest pause: 3.50 s, half of what its liveness probe waits (7 s)" in member.said
    assert member.header["question"]["max_pause_ns"] == 3_500_000_000


def test_who_cannot_be_asked_does_not_end_the_others(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("agent", 1), deployment("ring", 1, "c_ring"))
    cluster.kubectl("--namespace", namespace, "label", "pods", "--all", "both=yes")
    words = ["watch", "-n", namespace, "-l", "both=yes", WRITTEN, "--at", POINT, "--count=2", "--instrument=perf"]
    with Watching(cluster, *words) as watching:
        assert watching.finish() == 1
    (good,), (bad,) = (replicas(cluster, namespace, name) for name in ("agent", "ring"))
    assert len(watching.members[good.name].samples) == 2
    ended = watching.members[bad.name].ended
    assert ended is not None
    assert ended["error"]["kind"] == "PointNotFound"


def test_a_container_that_is_started_anew_and_a_replica_that_takes_anothers_place_are_found(
    cluster: Cluster, namespace: str
) -> None:
    deploy(cluster, namespace, deployment("agent", 2))
    first, second = replicas(cluster, namespace, "agent")
    words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--instrument=perf"]
    with Watching(cluster, *words) as watching:
        watching.sampled(1, first.name, second.name)
        cluster.on_node(first.node, "kill", "-KILL", str(pid_of(cluster, first.node, first.container)))
        watching.sampled(1, f"{first.name} (restart 1)", second.name)
        cluster.kubectl("--namespace", namespace, "delete", "pod", second.name)
        settled(cluster, namespace, "agent")
        (third,) = {one.name for one in replicas(cluster, namespace, "agent")} - {first.name}
        watching.sampled(1, f"{first.name} (restart 1)", third)
        assert watching.interrupt() in (1, 4)
    for name in (first.name, second.name):
        ended = watching.members[name].ended
        assert ended is not None
        assert ended["error"]["kind"] == "TargetEnded"


def pid_of(cluster: Cluster, node: str, container: str) -> int:
    from tests.e2e.programs import Replica, standings

    return int(standings(cluster, [Replica("one", node, container, 0)])["one"]["pid"])


def test_when_all_are_replaced_at_once_the_run_goes_on(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("agent", 1))
    (first,) = replicas(cluster, namespace, "agent")
    words = ["watch", "-n", namespace, "deploy/agent", WRITTEN, "--at", POINT, "--instrument=perf"]
    with Watching(cluster, *words) as watching:
        watching.sampled(1, first.name)
        cluster.kubectl("--namespace", namespace, "delete", "pod", first.name)
        settled(cluster, namespace, "agent")
        (second,) = replicas(cluster, namespace, "agent")
        watching.sampled(1, second.name)


def test_what_can_be_asked_is_listed(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("agent", 1))
    said = cluster.kubectl("sampler", "vars", "-n", namespace, "deploy/agent", "--at", POINT)
    assert said.startswith("in agent-")
    assert "writeIndex" in said


def test_doctor_examines_the_way_and_the_target(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("agent", 1))
    done = cluster.run("kubectl", "sampler", "doctor", "-n", namespace, "deploy/agent", GAP, "--at", POINT, check=False)
    found = {tuple(line.split()[:2]) for line in done.stdout.splitlines()}
    assert {("ok", name) for name in ("kubectl", "cluster", "right", "agent", "nodes", "pods", "process")} <= found
    assert ("ok", "perf") in found


def test_status_tells_who_asks_what(cluster: Cluster, namespace: str) -> None:
    deploy(cluster, namespace, deployment("agent", 1))
    (one,) = replicas(cluster, namespace, "agent")
    with Watching(cluster, "diode-gap", "-n", namespace, "deploy/agent", "--instrument=perf") as watching:
        watching.sampled(1, one.name)
        (run,) = [
            run for agent in json.loads(cluster.kubectl("sampler", "status", "-o", "json")) for run in agent["runs"]
        ]
        assert (run["who"], run["instrument"], run["question"]["point"]) == ("admin", "perf", POINT)
        assert run["target"]["container"] == one.container
        assert "admin" in cluster.kubectl("sampler", "status")
        assert watching.interrupt() == 0
