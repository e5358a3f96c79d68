"""Asking without agents on the nodes: a debug container in the pod itself, which has sampler in it.

It sees the processes of the one container that it is for, and has the rights that one instrument needs. Kubernetes
keeps it in the pod's list until the pod ends; its process ends with the run, or at the latest after an hour.
"""

from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from sampler.cluster.agents import Agent
from sampler.cluster.containers import Container
from sampler.cluster.documents import Documents
from sampler.cluster.errors import ClusterError, NotReady
from sampler.cluster.kubectl import Kubectl, Object
from sampler.cluster.streams import Stream

#: To look at another user's process takes SYS_PTRACE; to read its memory DAC_READ_SEARCH, to write it DAC_OVERRIDE, to
#: signal it KILL; perf events PERFMON, programs in the kernel BPF, and uprobes SYS_ADMIN. See deploy/overlays/default.
_USUAL = ("SYS_PTRACE", "DAC_OVERRIDE")
_BY_PERF = ("SYS_PTRACE", "DAC_READ_SEARCH", "PERFMON", "BPF")
_BY_UPROBES = ("SYS_PTRACE", "DAC_READ_SEARCH", "SYS_ADMIN")
_NEEDS = {
    "dlv": (*_USUAL, "KILL"),
    "gdb": (*_USUAL, "KILL"),
    "perf": _BY_PERF,
    "peek": _BY_PERF,
    "bpftrace": _BY_UPROBES,
    "bcc": _BY_UPROBES,
}
_TTL = "1h"
_AT_ONCE = 8
_STARTS_WITHIN_S = 120.0


class Attached:
    """Puts a container into each pod that is asked, and ends its process at the end. Any thread may ask."""

    def __init__(self, kube: Kubectl, image: str, instrument: str) -> None:
        self._kube, self._image, self._instrument = kube, image, instrument
        self._lock = threading.Lock()
        self._agents: dict[str, Agent] = {}  # by the container they are for

    def near(self, container: Container) -> Agent:
        """In the pod itself; raises NotReady where it does not start, and what the API server refuses it with."""
        with self._lock:
            if container.id not in self._agents:
                self._agents[container.id] = self._attach(container)
            return self._agents[container.id]

    def forget(self, container: Container) -> None:
        """It is where it was, or it has ended with its pod."""

    def watched(self) -> list[str] | None:
        return None

    def remark(self, container: Container) -> str:
        """What its user should know."""
        agent = self._agents[container.id]
        return (
            f"by debug container {agent.container} with {' and '.join(needs(self._instrument))}: its process ends with"
            " this run, and its name stays in the pod's list until the pod ends"
        )

    def end(self) -> None:
        """Ends the processes, as far as they are there; Kubernetes has no way to take the containers away."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(_end, self._agents.values()))

    def _attach(self, container: Container) -> Agent:
        kube = self._kube.within(container.namespace)
        spec = debug_container(container.name, self._image, self._instrument)
        patch = json.dumps({"spec": {"ephemeralContainers": [spec]}})
        kube.run(
            "patch", "pod", container.pod, "--subresource=ephemeralcontainers", "--type=strategic", f"--patch={patch}"
        )
        self._until_it_serves(kube, container.pod, spec["name"])
        return Agent(kube, container.pod, spec["name"])

    def _until_it_serves(self, kube: Kubectl, pod: str, name: str) -> None:
        """First it must run, then say that it has begun."""
        watched = kube.words("get", "pod", pod, "--watch", "--output=json")
        documents = Documents()
        for text in Stream(watched, _STARTS_WITHIN_S):
            states = [_status(found, name).get("state", {}) for found in documents.take(text)]
            if any("running" in state for state in states):
                break
            for state in states:
                _check(pod, name, state)
        else:
            raise NotReady(
                f"{pod}: debug container {name} did not start in time", fix=f"see kubectl describe pod {pod}"
            )
        for _ in Stream(kube.words("logs", "--follow", pod, f"--container={name}"), _STARTS_WITHIN_S):
            return


def needs(instrument: str) -> tuple[str, ...]:
    """The capabilities of a debug container; where the gentlest is to be chosen, those of ptrace."""
    return _NEEDS.get(instrument, _USUAL)


def debug_container(target: str, image: str, instrument: str) -> Object:
    """As it stands in a pod's spec."""
    return {
        "name": f"sampler-{uuid.uuid4().hex[:6]}",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "targetContainerName": target,
        "command": ["sampler", "agent", "serve", f"--ttl={_TTL}", "--exit"],
        "env": [{"name": name, "value": "/tmp"} for name in ("HOME", "SAMPLER_CACHE")],
        "securityContext": {
            # A capability is in force for user 0 only; the pod may run as another, and forbid this one.
            "runAsUser": 0,
            "runAsNonRoot": False,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": list(needs(instrument))},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def _end(agent: Agent) -> None:
    with suppress(ClusterError):  # the pod has ended, and the container with it; if not, it ends within the hour
        agent.run("agent", "end")


def _status(pod: Object, name: str) -> Object:
    statuses = pod["status"].get("ephemeralContainerStatuses", ())
    return next((status for status in statuses if status["name"] == name), {})


def _check(pod: str, name: str, state: Object) -> None:
    """NotReady where it will not start."""
    waiting, ended = state.get("waiting", {}), state.get("terminated", {})
    reason = (
        waiting.get("reason", "") if waiting.get("reason", "").startswith(("Err", "Image", "Invalid", "Create")) else ""
    )
    if reason or ended:
        about = waiting or ended
        why = f"{about.get('reason', '')} {about.get('message', '')}".strip()
        raise NotReady(f"{pod}: debug container {name} does not start", why, "give an image that the node has: --image")
