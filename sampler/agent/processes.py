"""The processes of containers, as they can be asked from here."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import Any

from sampler.linux import cgroups, procfs


def processes_of(containers: Collection[str]) -> Iterator[dict[str, Any]]:
    """A line for each that lives, by PID; ids without their runtime."""
    for pid in procfs.all_pids():
        try:
            inside = next((one for one in cgroups.containers_of(pid) if one in containers), None)
            if inside is None:
                continue
            about = procfs.stat(pid)
            if about.state in (procfs.ZOMBIE, procfs.DEAD) or about.kernel_thread:
                continue
            yield {
                "container": inside,
                "pid": pid,
                "ns_pid": procfs.namespaced_pid(pid),
                "name": about.name,
                "executable": _executable(pid),
                "start_ticks": about.start_ticks,
                "threads": len(procfs.threads(pid)),
            }
        except OSError:  # it has ended meanwhile
            continue


def _executable(pid: int) -> str:
    """As it sees the path itself; empty where we have no right to know."""
    try:
        return os.readlink(procfs.executable(pid))
    except PermissionError:
        return ""
