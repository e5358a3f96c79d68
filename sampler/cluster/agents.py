"""Where sampler runs near a pod: the agent on its node, reached by ``kubectl exec``."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from sampler.cluster.containers import Container, is_ready
from sampler.cluster.errors import NoAgentThere
from sampler.cluster.kubectl import Kubectl, Object

NAMESPACE = "sampler-system"
NAME = "sampler-agent"
CONTAINER = "agent"
SELECTOR = "app.kubernetes.io/name=sampler,app.kubernetes.io/component=agent"


@dataclass(frozen=True, slots=True)
class Agent:
    """A container that has sampler in it. ``kube``: with the namespace of its pod."""

    kube: Kubectl
    pod: str
    container: str = CONTAINER

    def words(self, *command: str, stdin: bool = False) -> list[str]:
        """The command line that runs ``sampler COMMAND…`` there."""
        return self.kube.words(*self._exec(stdin), "--", "sampler", *command)

    def run(self, *command: str) -> str:
        """What ``sampler COMMAND…`` prints there; a ClusterError if it fails."""
        return self.kube.wait(*self._exec(False), "--", "sampler", *command)

    def finish(self, *command: str) -> subprocess.CompletedProcess[str]:
        """The same of a command that may fail and says why."""
        return self.kube.finish(*self._exec(False), "--", "sampler", *command)

    def status(self) -> Object:
        """Since when, until when, and who asks what."""
        found: Object = json.loads(self.run("agent", "status"))
        return found

    def processes(self, containers: Iterable[str]) -> list[Object]:
        """Those of the containers of these ids, by their PIDs there."""
        said = self.run("agent", "processes", "--container", *containers)
        return [json.loads(line) for line in said.splitlines()]

    def _exec(self, stdin: bool) -> list[str]:
        return ["exec", *(["--stdin"] if stdin else []), self.pod, f"--container={self.container}"]


class Agents:
    """The agents of a cluster, by node. Any thread may ask."""

    def __init__(self, kube: Kubectl) -> None:
        """``kube``: with the agents' namespace."""
        self._kube = kube
        self._lock = threading.Lock()
        self._known: dict[str, Agent] = {}

    def pods(self) -> list[Object]:
        return self._kube.items("get", "pods", f"--selector={SELECTOR}")

    def near(self, container: Container) -> Agent:
        """The one that is ready on its node; NoAgentThere."""
        node = container.node
        with self._lock:
            if node not in self._known:
                self._known = {pod["spec"]["nodeName"]: self.of(pod) for pod in self.pods() if is_ready(pod)}
            agent = self._known.get(node)
        if agent is None:
            raise NoAgentThere(
                f"no agent answers on node {node}", f"none is ready there in namespace {self._kube.namespace}",
                "install them: kubectl sampler install; `kubectl sampler doctor` tells more",
            )  # fmt: skip
        return agent

    def forget(self, container: Container) -> None:
        with self._lock:
            self._known.pop(container.node, None)

    def watched(self) -> list[str] | None:
        return self._kube.words("get", "pods", f"--selector={SELECTOR}")

    def remark(self, container: Container) -> str:
        return ""

    def end(self) -> None:
        """They stay: they are not this run's."""

    def of(self, pod: Object) -> Agent:
        return Agent(self._kube, pod["metadata"]["name"])
