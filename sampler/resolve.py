"""From the TARGET that a user names to a process that may be asked; nothing is touched here."""

from __future__ import annotations

import os

from sampler.debuginfo.executable import Executable
from sampler.errors import (
    AmbiguousName,
    BinaryError,
    NoSuchProcess,
    NotTraceable,
    TargetEnded,
    UsageError,
)
from sampler.linux import fate, procfs, rights, text
from sampler.target import Target

_MOST_LISTED = 5
_PID_LIMIT = 1 << 22  # PID_MAX_LIMIT, include/linux/threads.h


def find_pid(name: str | None) -> int:
    """A PID from a PID, an unambiguous process name, or, given None, from ``$PID``."""
    if name is None:
        name = os.environ.get("PID", "").strip()
        if not name:
            raise UsageError("no target", "no TARGET is given and $PID is empty", "try PID=$(pgrep tracee) sampler …")
    if name.isascii() and name.isdigit():
        return _existing(name)
    if len(name.split()) > 1:
        # `$(pgrep …)` with several matches arrives as several words.
        raise AmbiguousName(f"{name!r} names several processes", fix="give one PID, or ask all: --all NAME")
    return _only_one(name)


def _existing(digits: str) -> int:
    pid = int(digits) if len(digits) < 10 else _PID_LIMIT
    if not 0 < pid < _PID_LIMIT or not os.path.exists(f"/proc/{pid}"):
        raise NoSuchProcess(f"no process {digits}", fix="see `ps -e` for what runs")
    return pid


def _only_one(name: str) -> int:
    found = [pid for pid in procfs.named(name) if pid != os.getpid()]
    if not found:
        raise NoSuchProcess(f"no process is named {name!r}", fix="see `ps -e` for what runs")
    if len(found) > 1:
        listed = ", ".join(map(str, found[:_MOST_LISTED])) + (", …" if len(found) > _MOST_LISTED else "")
        raise AmbiguousName(
            f"{len(found)} processes are named {name!r}",
            f"PIDs {listed}",
            f"give one PID, or ask them all: --all {name}",
        )
    return found[0]


def resolve(pid: int) -> Target:
    """Checks that the process can be traced, and reads what it is; TargetError otherwise."""
    if os.readlink("/proc/self") != str(os.getpid()):
        raise NotTraceable(
            "/proc tells of another PID namespace than ours", "whoever is meant there is somebody else here",
            "mount it anew: mount -t proc proc /proc",
        )  # fmt: skip
    try:
        _check_traceable(pid)
        rights.check_readable(pid)
        with open(procfs.executable(pid), "rb") as file:
            return _describe(pid, Executable(file, os.readlink(procfs.executable(pid))))
    except (FileNotFoundError, ProcessLookupError) as error:
        raise TargetEnded(f"process {pid} ended before it was asked") from error


def _check_traceable(pid: int) -> None:
    about = procfs.stat(pid)
    status = procfs.status(pid)
    if status.get("Tgid", str(pid)) != str(pid):
        raise NotTraceable(f"{pid} is a thread of process {status['Tgid']}", fix=f"give the PID {status['Tgid']}")
    if pid == os.getpid() or pid == os.getppid():
        raise NotTraceable(f"process {pid} is sampler itself", fix="name another process")
    if about.kernel_thread:
        raise NotTraceable(
            f"{pid} ({about.name}) is a kernel thread", "it has no program of its own", "name a user process"
        )
    if about.state == procfs.ZOMBIE and len(procfs.threads(pid)) > 1:
        raise NotTraceable(
            f"the first thread of process {pid} ({about.name}) has ended",
            "others go on, but Linux shows no program then",
            "ask before that thread ends; a run that has begun goes on",
        )
    if about.state in (procfs.ZOMBIE, procfs.DEAD):
        raise NotTraceable(
            f"process {pid} ({about.name}) has ended", f"it is a zombie until its parent {about.parent} takes note"
        )
    if about.state == procfs.JOB_STOPPED:
        raise NotTraceable(
            f"process {pid} ({about.name}) is stopped by a signal", fix=f"resume it first: kill -CONT {pid}"
        )
    fate.check_untraced(pid)


def _describe(pid: int, executable: Executable) -> Target:
    about, version = procfs.stat(pid), executable.go_version
    return Target(
        pid=pid,
        name=about.name,
        executable=executable.path,
        start_ticks=about.start_ticks,
        threads=len(procfs.threads(pid)),
        build_id=executable.build_id,
        language="go" if version else "native",
        go_version=version.text if version else None,
        patched=tuple(byte.address for byte in _differences(pid)),
        ns_pid=inside if (inside := procfs.namespaced_pid(pid)) != pid else None,
    )


def _differences(pid: int) -> list[text.Difference]:
    try:
        return text.differences(pid)
    except ValueError as error:  # an empty or vanished file cannot be mapped
        raise BinaryError(f"the executable of process {pid} cannot be read", str(error)) from error
