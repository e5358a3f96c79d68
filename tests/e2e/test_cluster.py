"""The cluster is one, and the image runs on it: what every other test here rests on."""

from __future__ import annotations

import configparser
import json
import re

import pytest

from bench.tracee import ROOT
from sampler import __version__
from tests.e2e.kubernetes import ADMIN, BARE, BOB, JANE, NODES, SAMPLER, TARGETS, Cluster, pod

# What draws and compares: not in the image.
_LEFT_OUT = {"matplotlib", "numpy"}
_MODULES = {"pyelftools": "elftools", "python-ptrace": "ptrace"}
_TRACEE = ["-forever", "-every", "200ms", "-rate", "20000"]
_LONG = ["sleep", "infinity"]


def output(cluster: Cluster, namespace: str, *command: str) -> str:
    """What a command in the image says, run to its end in a pod."""
    cluster.apply(pod("once", SAMPLER, command, security={"privileged": True}), namespace=namespace)
    cluster.wait(namespace, "jsonpath={.status.phase}=Succeeded", "pod/once")
    return cluster.kubectl("--namespace", namespace, "logs", "once")


def test_two_nodes_are_ready(cluster: Cluster) -> None:
    nodes = cluster.get("nodes")["items"]
    assert [node["metadata"]["name"] for node in nodes] == list(NODES)


def test_the_image_runs_sampler(cluster: Cluster, namespace: str) -> None:
    assert output(cluster, namespace, "sampler", "--version").split() == ["sampler", __version__]


def test_every_instrument_is_in_the_image(cluster: Cluster, namespace: str) -> None:
    found = dict(line.split()[1::-1] for line in output(cluster, namespace, "sampler", "doctor").splitlines())
    assert {found[name] for name in ("rights", "dlv", "gdb", "perf", "uprobes", "bpftrace", "bcc")} == {"ok"}


def test_the_image_has_the_libraries_that_recording_takes(cluster: Cluster, namespace: str) -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    names = [re.split(r"\W*[ <>=]", line)[0] for line in settings["options"]["install_requires"].split("\n") if line]
    modules = [_MODULES.get(name, name) for name in names if name not in _LEFT_OUT]
    script = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    output(cluster, namespace, "/opt/sampler/bin/python", "-c", script, *modules)


@pytest.mark.parametrize(
    ("image", "program"), [(TARGETS, "/usr/local/bin/tracee"), (TARGETS, "/usr/local/bin/c_ring"), (BARE, "/tracee")]
)
def test_a_program_runs_on_each_node_and_tells_its_truth(
    cluster: Cluster, namespace: str, image: str, program: str
) -> None:
    cluster.apply(*(pod(node, image, [program, *_TRACEE], nodeName=node) for node in NODES), namespace=namespace)
    cluster.wait(namespace, "condition=Ready", *(f"pod/{node}" for node in NODES))
    for node in NODES:
        with cluster.lines(namespace, node) as lines:
            assert next(lines) == "ready"
            reports = [json.loads(next(lines)) for _ in range(2)]
        assert all(report["writes"] > 0 for report in reports)


def test_a_node_sees_its_own_processes_and_not_those_of_the_other(cluster: Cluster, namespace: str) -> None:
    for node in NODES:
        target = pod(f"target-{node}", TARGETS, ["/usr/local/bin/tracee", "-forever", "-rate", "10"], nodeName=node)
        agent = pod(f"agent-{node}", SAMPLER, _LONG, nodeName=node, hostPID=True, security={"privileged": True})
        cluster.apply(target, agent, namespace=namespace)
    cluster.wait(namespace, "condition=Ready", "pod", "--all")
    script = "cat /proc/[0-9]*/cgroup 2>/dev/null || true"  # one of them may end meanwhile
    for node in NODES:
        uid = {one: cluster.get("--namespace", namespace, f"pod/target-{one}")["metadata"]["uid"] for one in NODES}
        seen = cluster.kubectl("--namespace", namespace, "exec", f"agent-{node}", "--", "sh", "-c", script)
        assert [one for one in NODES if uid[one] in seen] == [node]


def test_only_admin_may_do_anything(cluster: Cluster) -> None:
    assert cluster.may(ADMIN, "create", "pods", "--subresource=exec")
    for user in (JANE, BOB):
        assert not cluster.may(user, "get", "pods")
        assert not cluster.may(user, "create", "pods", "--subresource=exec")
