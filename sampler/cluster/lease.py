"""What ends an installation by itself, without anybody's rights: a Job that does nothing for so long.

It has no pods (parallelism 0). When its activeDeadlineSeconds are over the job controller calls it failed, the
controller for ttlSecondsAfterFinished deletes it, and the garbage collector all that it owns: the DaemonSet, and who
may ask.
"""

from __future__ import annotations

import datetime

from sampler.cluster.kubectl import Object
from sampler.cluster.manifests import MANAGER
from sampler.units import NS_PER_SECOND

NAME = "sampler-lease"
# Whose end is the end of the installation; the namespace can have no owner that is in it.
_OWNED = ("DaemonSet", "ServiceAccount", "Role", "RoleBinding", "NetworkPolicy")


def lease(namespace: str, ttl_ns: int, before: Object | None, now: datetime.datetime) -> Object:
    """The Job; ``before`` is the one that there is, which is made longer or shorter: its time counts from its start."""
    elapsed_s = (now - started(before)).total_seconds() if before is not None else 0
    labels = {"app.kubernetes.io/name": "sampler", "app.kubernetes.io/managed-by": MANAGER}
    nothing = {
        "name": "nothing",
        "image": "sampler:latest",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [nothing]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "parallelism": 0,
            "activeDeadlineSeconds": max(1, round(elapsed_s + ttl_ns / NS_PER_SECOND)),
            "ttlSecondsAfterFinished": 0,
            "template": {"spec": pod},
        },
    }


def started(job: Object) -> datetime.datetime:
    """When its time began to count; of one that was not made yet, now."""
    known = job.get("status", {}).get("startTime") or job["metadata"].get("creationTimestamp")
    return datetime.datetime.fromisoformat(known) if known else datetime.datetime.now(datetime.UTC)


def ends(job: Object) -> datetime.datetime:
    return started(job) + datetime.timedelta(seconds=job["spec"]["activeDeadlineSeconds"])


def own(objects: list[Object], job: Object) -> None:
    """Binds them to the lease."""
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": job["metadata"]["name"], "uid": job["metadata"]["uid"]}
    for each in objects:
        if each["kind"] in _OWNED:
            each["metadata"]["ownerReferences"] = [owner]


def timestamp(moment: datetime.datetime) -> str:
    """RFC 3339, in UTC."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
