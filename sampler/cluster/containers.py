"""From a pod to the one container of it that is asked."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.cluster.errors import NoSuchContainer, NotRunning
from sampler.cluster.kubectl import Object
from sampler.cluster.probes import Pause, pause_of

# As kubectl has it for exec and logs.
_DEFAULT = "kubectl.kubernetes.io/default-container"
# In a pod's spec, and in its status.
_SORTS = (
    ("containers", "containerStatuses"),
    ("initContainers", "initContainerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)


@dataclass(frozen=True, slots=True)
class Container:
    """A container that runs. ``id``: the runtime's, without its scheme. ``others``: of the same pod."""

    pod: str
    namespace: str
    pod_uid: str
    node: str
    name: str
    id: str
    restarts: int
    pause: Pause | None
    others: tuple[str, ...] = ()
    defaulted: bool = False

    @property
    def label(self) -> str:
        """As a row is called. A container that was started anew is another target than it was before."""
        label = f"{self.pod}/{self.name}" if self.others else self.pod
        return f"{label} (restart {self.restarts})" if self.restarts else label

    @property
    def remark(self) -> str:
        """What a user should know of the choice; else nothing."""
        if not self.defaulted or not self.others:
            return ""
        return f"container {self.name} of {', '.join((self.name, *self.others))}; -c chooses another"


def choose(pod: Object, name: str | None = None) -> Container:
    """The container of that name, or the default one: by the pod's annotation, else the first. Raises NoSuchContainer;
    NotRunning, with the reason that the node gives.
    """
    names = [container["name"] for container in pod["spec"]["containers"]]
    chosen = name or pod["metadata"].get("annotations", {}).get(_DEFAULT) or names[0]
    spec, status = _find(pod, chosen)
    if "running" not in status.get("state", {}):
        over = pod["status"].get("phase") in ("Succeeded", "Failed")
        fix = "choose a pod that runs" if over else "see `kubectl describe pod`, and ask again when it does"
        raise NotRunning(f"{pod['metadata']['name']}/{chosen} does not run", _reason(pod, status), fix)
    metadata = pod["metadata"]
    return Container(
        metadata["name"],
        metadata["namespace"],
        metadata["uid"],
        pod["spec"]["nodeName"],
        chosen,
        status["containerID"].partition("://")[2],
        status.get("restartCount", 0),
        pause_of(spec),
        tuple(other for other in names if other != chosen),
        defaulted=chosen != name,
    )


def _find(pod: Object, name: str) -> tuple[Object, Object]:
    """Its spec and its status; the latter is empty while the node has said nothing."""
    for specs, statuses in _SORTS:
        for spec in pod["spec"].get(specs, ()):
            if spec["name"] == name:
                found = (status for status in pod["status"].get(statuses, ()) if status["name"] == name)
                return spec, next(found, {})
    known = ", ".join(spec["name"] for specs, _ in _SORTS for spec in pod["spec"].get(specs, ()))
    raise NoSuchContainer(
        f"{pod['metadata']['name']} has no container {name!r}", f"it has {known}", "give one of them by -c"
    )


def _reason(pod: Object, status: Object) -> str:
    for about in status.get("state", {}).values():
        if about.get("reason"):
            return str(about["reason"])
    return str(pod["status"].get("reason") or pod["status"].get("phase", "nothing is known of it"))


def is_ready(pod: Object) -> bool:
    """By its condition; one that is being deleted is not."""
    if "deletionTimestamp" in pod["metadata"]:
        return False
    conditions = pod["status"].get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
