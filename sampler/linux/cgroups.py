"""Which container a process belongs to, by its control groups: ``/proc/PID/cgroup``, see cgroups(7).

A container runtime gives each container a group of its own, with the container's id in its name. How it is written
depends on the runtime and on who makes the groups:

  /kubepods/burstable/podUID/ID                                      cgroupfs
  /kubepods.slice/kubepods-podUID.slice/cri-containerd-ID.scope      systemd; also crio-ID, docker-ID, libpod-ID
  /kubepods-burstable-podUID.slice:cri-containerd:ID                 containerd, told of systemd's names and not of it
  /docker/ID, /system.slice/docker-ID.scope                          without Kubernetes

In a cgroup namespace of our own the path of another container begins with ``/../``.
"""

from __future__ import annotations

import re
from pathlib import Path

_ID = "[0-9a-f]{64}"
# Not CRI-O's monitor of the container, which is no process of it.
_GROUP = re.compile(rf"(?!crio-conmon-)(?:.*:)?(?:[a-z][a-z-]*-)?({_ID})(?:\.scope)?")
_REFERENCE = re.compile(rf"(?:[a-z0-9.+-]+://)?({_ID})")


def containers_of(pid: int) -> list[str]:
    """The ids of the containers that a process is in, the outermost first. OSError where it is gone."""
    return containers_in(Path(f"/proc/{pid}/cgroup").read_text(errors="replace"))


def containers_in(text: str) -> list[str]:
    """The same from the content of such a file."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        _, _, path = line.split(":", 2) if line.count(":") >= 2 else ("", "", "")
        for group in path.split("/"):
            if match := _GROUP.fullmatch(group):
                found[match[1]] = None
    return list(found)


def container_id(reference: str) -> str | None:
    """The bare id of what Kubernetes writes as ``containerd://ID``; None for what is none."""
    match = _REFERENCE.fullmatch(reference)
    return match[1] if match else None
