"""An installation of the agents: made, made longer, and taken away."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass

from sampler.agent.lease import VARIABLE as UNTIL
from sampler.cluster import agents, manifests
from sampler.cluster import lease as leases
from sampler.cluster.containers import is_ready
from sampler.cluster.errors import Forbidden, KubectlFailed, NotFound, NotReady
from sampler.cluster.kubectl import Kubectl, Object

# What an installation makes; asked beforehand, so that none is left half made.
_MADE = ("namespaces", "serviceaccounts", "daemonsets.apps", "jobs.batch", "networkpolicies.networking.k8s.io")
# Beyond the time that kubectl itself is told to wait.
_AFTER_S = 60.0
_KINDS = "job,serviceaccount,networkpolicy,role,rolebinding"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be installed. ``ttl_ns``: for how long, None for ever; ``path``: the kustomization."""

    path: str
    namespace: str = agents.NAMESPACE
    image: str | None = None
    ttl_ns: int | None = None

    def objects(self, kube: Kubectl, job: Object | None) -> list[Object]:
        """All but the lease, which is ``job``: when it ends, the agents do, by the cluster's clock."""
        objects = manifests.render(kube, self.path, self.namespace)
        container = manifests.only(objects, "DaemonSet")["spec"]["template"]["spec"]["containers"][0]
        if self.image is not None:
            container["image"] = self.image
        if job is not None:
            container.setdefault("env", []).append({"name": UNTIL, "value": leases.timestamp(leases.ends(job))})
            if "uid" in job["metadata"]:  # it has been made
                leases.own(objects, job)
        return objects

    def lease(self, before: Object | None) -> Object | None:
        """The Job that ends it, in the place of the one ``before``."""
        if self.ttl_ns is None:
            return None
        return leases.lease(self.namespace, self.ttl_ns, before, datetime.datetime.now(datetime.UTC))


class Installation:
    """What there is in a namespace of a cluster. ``kube``: with that namespace."""

    def __init__(self, kube: Kubectl) -> None:
        assert kube.namespace is not None
        self._kube, self._namespace = kube, kube.namespace

    def check_rights(self) -> None:
        """Forbidden, before anything was made."""
        lacking = [kind for kind in _MADE if not self._kube.allows("create", kind)]
        if lacking:
            raise Forbidden(
                "not permitted", f"you cannot create {', '.join(lacking)} in namespace {self._namespace}",
                "ask whoever runs the cluster to install the agents, and to `kubectl sampler grant` you their use",
            )  # fmt: skip

    def lease(self) -> Object | None:
        """The Job that ends it; None if there is none."""
        try:
            return self._kube.json("get", "job", leases.NAME)
        except NotFound:
            return None

    def make(self, plan: Plan) -> None:
        """All of the plan, in the place of what was there; it comes up in its own time."""
        before = self.lease()
        self._apply(manifests.only(manifests.render(self._kube, plan.path, plan.namespace), "Namespace"))
        lease = plan.lease(before)
        if lease is not None:
            self._apply(lease)
        elif before is not None:
            self._kube.run("delete", "job", leases.NAME, "--cascade=orphan")
        self._apply(*plan.objects(self._kube, self.lease()))

    def wait(self, timeout_s: int) -> None:
        """Until an agent is ready on every node; NotReady tells what the nodes say of those that are not."""
        try:
            what = f"daemonset/{agents.NAME}"
            self._kube.wait("rollout", "status", what, f"--timeout={timeout_s}s", within_s=timeout_s + _AFTER_S)
        except KubectlFailed as error:
            why = self._reasons()
            raise NotReady(
                f"not all agents are ready after {timeout_s} s", why, remedy(why, self._namespace)
            ) from error

    def remove(self, timeout_s: int) -> bool:
        """Waits until all is gone. False where the namespace is not ours: then it stays, with what we have not made."""
        namespace = self._kube.json("get", "namespace", self._namespace)
        name, _, value = manifests.OURS.partition("=")
        ours: bool = namespace["metadata"].get("labels", {}).get(name) == value
        how = ["--wait", "--ignore-not-found", f"--timeout={timeout_s}s"]
        # First the agents, who need a moment: a namespace with pods in it looks again only after their grace period.
        within_s = timeout_s + _AFTER_S
        self._kube.wait("delete", "daemonset", agents.NAME, "--cascade=foreground", *how, within_s=within_s)
        what = ["namespace", self._namespace] if ours else [_KINDS, f"--selector={manifests.OURS}"]
        self._kube.wait("delete", *what, *how, within_s=within_s)
        return ours

    def _apply(self, *objects: Object) -> None:
        text = json.dumps(manifests.as_list(objects))
        options = ["--server-side", f"--field-manager={manifests.MANAGER}", "--force-conflicts", "--filename=-"]
        self._kube.run("apply", *options, stdin=text)

    def _reasons(self) -> str:
        pods = [pod for pod in agents.Agents(self._kube).pods() if not is_ready(pod)]
        reasons = sorted(f"{pod['spec'].get('nodeName', 'no node')}: {why_not_ready(pod)}" for pod in pods)
        return "; ".join(reasons) or "none was made"


def why_not_ready(pod: Object) -> str:
    """In the node's words, or the scheduler's. Of one that is started again and again: what it ended with."""
    for status in pod["status"].get("containerStatuses", ()):
        states = (status.get("lastState", {}), status.get("state", {}))
        for about in (about for state in states for about in state.values() if about.get("reason")):
            return f"{about['reason']} {about.get('message', '')}".strip()
    for condition in pod["status"].get("conditions", ()):
        if condition["status"] == "False" and condition.get("message"):
            return str(condition["message"])
    return str(pod["status"].get("phase", "nothing is known of it"))


def remedy(why: str, namespace: str) -> str:
    """What to do about an agent that does not come up, by what ``why_not_ready`` has found."""
    if "unable to apply caps" in why:
        return (
            "the node cannot give one of those rights: leave it out by a kustomization of your own (install -k FOLDER)"
        )
    if "ImagePull" in why or "ErrImage" in why:
        return "give an image that the nodes can get: kubectl sampler install --image NAME"
    return f"see kubectl -n {namespace} describe pods"
