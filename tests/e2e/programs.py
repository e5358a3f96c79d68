"""Programs that run in pods, asked through the plugin, and held against their own truth."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from bench.tracee import ROOT
from tests.e2e.kubernetes import ADMIN, SAMPLER, TARGETS, Cluster, Manifest

POINT, GAP, WRITTEN = "main.write", "d.writeIndex - d.readIndex", "d.writeIndex"
#: The same of the native program.
RING_POINT, RING_GAP, RING_WRITTEN = "ring_write", "r->write_index - r->read_index", "r->write_index"
#: Each write is observed; few stalls are told, for the log is read as a whole.
OPTIONS = ("-forever", "-every", "500ms", "-rate", "2000", "-gaps", "1", "-stall", "100ms")
# Debuggers hold a target for long on a machine of two processors that is also two nodes.
PATIENT = ("--max-pause=20s", "--max-suspended=100%", "--window=20s")
_NS_PER_S = 10**9

Line = dict[str, Any]


def deployment(
    name: str, replicas: int = 1, program: str = "tracee", probe: Manifest | None = None, **spec: Any
) -> Manifest:
    """Of one of the images' programs, as the level `restricted` has it: a user of its own, and no rights."""
    container: Manifest = {
        "name": "main",
        "image": TARGETS,
        "imagePullPolicy": "Never",
        "command": [f"/usr/local/bin/{program}", *OPTIONS],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if probe is not None:
        container["livenessProbe"] = probe
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": name}},
    }
    pod = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsUser": 1000, "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "topologySpreadConstraints": [spread],
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod | spec},
        },
    }


@dataclass(frozen=True)
class Replica:
    """A pod of a deployment that runs. ``container``: the runtime's id."""

    name: str
    node: str
    container: str
    restarts: int


def deploy(cluster: Cluster, namespace: str, *deployments: Manifest) -> None:
    """Returns once all of them run."""
    cluster.apply(*deployments, namespace=namespace)
    for one in deployments:
        settled(cluster, namespace, one["metadata"]["name"])


def settled(cluster: Cluster, namespace: str, name: str) -> None:
    cluster.kubectl("--namespace", namespace, "rollout", "status", f"deployment/{name}", "--timeout=90s")


def replicas(cluster: Cluster, namespace: str, name: str) -> list[Replica]:
    """Those of a deployment that are there to stay."""
    pods = cluster.get("--namespace", namespace, "pods", f"--selector=app={name}")["items"]
    found = []
    for pod in pods:
        if "deletionTimestamp" not in pod["metadata"]:
            status = pod["status"]["containerStatuses"][0]
            container = status["containerID"].partition("://")[2]
            found.append(Replica(pod["metadata"]["name"], pod["spec"]["nodeName"], container, status["restartCount"]))
    return found


def standings(cluster: Cluster, found: list[Replica]) -> dict[str, Line]:
    """How their processes stand, by pod, as root of their nodes sees it."""
    pods = {one.container: one.name for one in found}
    standing = {}
    for node in sorted({one.node for one in found}):
        ids = [one.container for one in found if one.node == node]
        python, script = str(ROOT / ".venv/bin/python"), str(ROOT / "tests/e2e/look.py")
        said = cluster.on_node(node, "env", f"PYTHONPATH={ROOT}", python, script, *ids)
        for line in map(json.loads, said.splitlines()):
            standing[pods[line["container"]]] = line
    return standing


def assert_untouched(cluster: Cluster, before: list[Replica], after: list[Replica]) -> None:
    """The same containers, never started anew; they run, nobody traces them, and no byte of their text is changed."""
    assert after == before
    assert all(one.restarts == 0 for one in after)
    found = standings(cluster, after)
    assert set(found) == {one.name for one in after}
    for line in found.values():
        assert (line["tracer"], line["stopped"], line["patched"]) == (0, 0, 0), line


def reports(cluster: Cluster, namespace: str, pod: str) -> list[Line]:
    """All that the program has told of itself."""
    said = cluster.kubectl("--namespace", namespace, "logs", pod).splitlines()
    return [json.loads(line) for line in said if line.startswith("{")]


def assert_true(recording: Recorded, told: list[Line], written: str, gap: str, slack_ns: int = 0) -> None:
    """Each sample lies within what the program had written by the reports around it, and no gap is beyond what it saw.

    ``told``: all until a second after the last. ``slack_ns``: how much later than its time one may have been taken.
    """
    began = recording.header["started_monotonic_ns"]
    most = max(found for report in told for found, _ in report["gap"])
    for sample in recording.samples:
        at = began + sample["t_ns"]
        low = sum(report["writes"] for report in told if report["t_ns"] <= at - _NS_PER_S // 10)
        high = sum(report["writes"] for report in until(told, at + slack_ns + _NS_PER_S // 10))
        assert low <= sample["values"][written] <= high + 1
        assert 0 <= sample["values"][gap] <= most + 1


def until(told: list[Line], moment: int) -> Iterator[Line]:
    """The reports up to the first one that was made after the moment."""
    for report in told:
        yield report
        if report["t_ns"] > moment:
            return


@dataclass
class Recorded:
    """One member's part of a recording of the whole."""

    header: Line = field(default_factory=dict)
    samples: list[Line] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    footer: Line | None = None
    ended: Line | None = None


class Watching:
    """`kubectl sampler VERB … -o jsonl` in a process of its own, followed line by line."""

    def __init__(self, cluster: Cluster, *words: str, user: str = ADMIN) -> None:
        self._command = ["kubectl", "sampler", *words, "-o", "jsonl"]
        self._environment = cluster.environment(user)
        self.members: dict[str, Recorded] = {}
        self.whole = False

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, env=self._environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, start_new_session=True)  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def until(self, condition: Callable[[dict[str, Recorded]], bool]) -> None:
        """Reads on until it holds; the test's own time limit is its bound."""
        assert self.process.stdout is not None
        while not condition(self.members):
            text = self.process.stdout.readline()
            assert text, f"it has ended: {self._said()}"
            self._take(json.loads(text))

    def sampled(self, count: int, *labels: str) -> None:
        """Until each of them has so many more."""
        before = {label: len(self.members[label].samples) if label in self.members else 0 for label in labels}
        self.until(lambda members: all(
            label in members and len(members[label].samples) >= before[label] + count for label in labels
        ))  # fmt: skip

    def interrupt(self) -> int:
        """As Ctrl-C does; the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self) -> int:
        """Reads to the end; the exit status."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self._take(json.loads(text))
        self.error = self._said()
        return self.process.wait()

    def _said(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def _take(self, line: Line) -> None:
        if line["type"] in ("fleet", "fleet-footer"):
            self.whole = line["type"] == "fleet-footer"
            return
        member = self.members.setdefault(line["of"], Recorded())
        match line["type"]:
            case "header":
                member.header = line
            case "sample":
                member.samples.append(line)
            case "said":
                member.said.append(line["text"])
            case "footer":
                member.footer = line
            case "ended":
                member.ended = line


@contextmanager
def installed(cluster: Cluster, *words: str) -> Iterator[None]:
    """Agents on all nodes, for the length of the block."""
    cluster.kubectl("sampler", "install", "--image", SAMPLER, *words, seconds=200)
    try:
        yield
    finally:
        cluster.kubectl("sampler", "uninstall", seconds=200)


@dataclass(frozen=True)
class AgentPod:
    """An agent, and where its processes are looked for."""

    name: str
    node: str
    container: str

    def processes(self, cluster: Cluster) -> list[str]:
        """Of its container, as root of the node sees them."""
        sampler = str(ROOT / ".venv/bin/sampler")
        return cluster.on_node(self.node, sampler, "agent", "processes", "--container", self.container).splitlines()


def agents(cluster: Cluster) -> list[AgentPod]:
    """By node."""
    pods = cluster.get("--namespace=sampler-system", "pods")["items"]
    found = [
        AgentPod(
            pod["metadata"]["name"],
            pod["spec"]["nodeName"],
            pod["status"]["containerStatuses"][0]["containerID"].partition("://")[2],
        )
        for pod in pods
    ]
    return sorted(found, key=lambda one: one.node)


def audit(cluster: Cluster) -> list[Line]:
    """What the agents have written down, of all nodes."""
    said = cluster.kubectl(
        "--namespace=sampler-system", "logs", "--selector=app.kubernetes.io/component=agent", "--tail=-1"
    )
    return [json.loads(line) for line in said.splitlines()]
