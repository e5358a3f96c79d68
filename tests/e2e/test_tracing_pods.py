"""Calls counted, and times between points measured, in every pod of a deployment: all of them, in the kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from bench.tracee import ROOT
from tests.e2e.kubernetes import Cluster
from tests.e2e.programs import (
    POINT,
    RING_POINT,
    Line,
    Replica,
    assert_untouched,
    audit,
    deploy,
    deployment,
    installed,
    replicas,
)

#: Counting 2000 writes a second takes little, but a machine that is two nodes measures a hit badly.
WITHOUT_BUDGET = "--max-suspended=100%"


@pytest.fixture(scope="module", autouse=True)
def tracers(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Agents that may set uprobes, and that see what BCC compiles against, for the tests of this file."""
    folder = tmp_path_factory.mktemp("tracers")
    up = "../" * len(folder.resolve().parts) + str(ROOT / "deploy").lstrip("/")
    components = ", ".join(f"{up}/components/{name}" for name in ("sys-admin", "headers"))
    (folder / "kustomization.yaml").write_text(f"resources: [{up}/overlays/default]\ncomponents: [{components}]\n")
    with installed(cluster, "--kustomize", str(folder)):
        yield


def recorded(cluster: Cluster, *words: str) -> dict[str, list[Line]]:
    """The lines of each pod's recording, by what is asked of the plugin."""
    said = cluster.kubectl("sampler", *words, "-o", "jsonl")
    lines = [json.loads(line) for line in said.splitlines()]
    assert lines[-1]["type"] == "fleet-footer"
    return {name: [line for line in lines if line.get("of") == name] for name in lines[0]["members"]}


def tallies(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line["type"] == "tally"]


def runs_of(cluster: Cluster, of: list[Replica]) -> list[Line]:
    """What the agents have written down of them, once it was over."""
    containers = {one.container for one in of}
    return [
        line
        for line in audit(cluster)
        if line["audit"] == "run-ended" and line["target"].get("container") in containers
    ]


def told_until(cluster: Cluster, namespace: str, pod: str, moment: int) -> list[Line]:
    """The program's reports, up to the first one that it makes after that."""
    told: list[Line] = []
    with cluster.lines(namespace, pod) as lines:
        for line in lines:
            if line.startswith("{"):
                told.append(json.loads(line))
                if told[-1]["t_ns"] > moment:
                    return told
    raise AssertionError(f"{pod} has ended: {told[-1:]}")


def last_read(lines: list[Line]) -> int:
    """By when the last reading was made, on the clock of the program's reports."""
    moment: int = lines[0]["started_monotonic_ns"] + tallies(lines)[-1]["read_ns"][1]
    return moment


def assert_counted(lines: list[Line], told: list[Line]) -> None:
    """What was counted between two readings is no more than what the program tells that it wrote from its report before
    the one to its report after the other; and no less than what lies between the reports within.
    """
    began, found = lines[0]["started_monotonic_ns"], tallies(lines)
    (early, first), (last, late) = ([began + at for at in found[place]["read_ns"]] for place in (0, -1))
    since = [(before["t_ns"], report["t_ns"], report["writes"]) for before, report in pairwise(told)]
    around = sum(writes for begin, end, writes in since if end > early and begin < late)
    within = sum(writes for begin, end, writes in since if begin >= first and end <= last)
    calls = found[-1]["counts"][POINT] - found[0]["counts"][POINT]
    assert 0 < within <= calls <= around


@pytest.mark.parametrize("instrument", ["bpftrace", "bcc"])
def test_calls_are_counted_in_every_replica(cluster: Cluster, namespace: str, instrument: str) -> None:
    deploy(cluster, namespace, deployment("agent", 2))
    before = replicas(cluster, namespace, "agent")
    how = [f"--instrument={instrument}", "--duration=4s", WITHOUT_BUDGET]
    found = recorded(cluster, "count", "-n", namespace, "deploy/agent", POINT, *how)
    assert set(found) == {one.name for one in before}
    for name, lines in found.items():
        assert lines[0]["instrument"] == instrument
        assert_counted(lines, told_until(cluster, namespace, name, last_read(lines)))
    assert_untouched(cluster, before, replicas(cluster, namespace, "agent"))
    runs = runs_of(cluster, before)
    assert {run["target"]["container"] for run in runs} == {one.container for one in before}
    for run in runs:
        assert (run["question"]["kind"], run["question"]["points"]) == ("count", [POINT])
        assert (run["instrument"], run["ended"]) == (instrument, "duration")
        assert run["hits"] > 0


@pytest.mark.parametrize("instrument", ["bpftrace", "bcc"])
def test_a_latency_is_measured_in_every_replica_and_summed_up(
    cluster: Cluster, namespace: str, tmp_path: Path, instrument: str
) -> None:
    deploy(cluster, namespace, deployment("ring", 2, "c_ring"))
    before = replicas(cluster, namespace, "ring")
    saved, points = tmp_path / "all.jsonl", (RING_POINT, f"{RING_POINT}:return")
    how = [f"--instrument={instrument}", "--unit=ns", "--duration=3s", WITHOUT_BUDGET, "--save", str(saved)]
    found = recorded(cluster, "latency", "-n", namespace, "deploy/ring", *points, *how)
    assert set(found) == {one.name for one in before}
    measured = [sum(count for *_, count in buckets) for lines in found.values() for buckets in
                tallies(lines)[-1]["histograms"].values()]  # fmt: skip
    assert all(measured)
    report = cluster.run("sampler", "report", str(saved)).stdout
    assert any(line.split()[:2] == ["all", f"{sum(measured):,}"] for line in report.splitlines())
    assert_untouched(cluster, before, replicas(cluster, namespace, "ring"))
    assert {run["question"]["kind"] for run in runs_of(cluster, before)} == {"latency"}
