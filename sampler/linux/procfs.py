"""What ``/proc`` says of a process. Formats: proc(5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

#: Task states of fs/proc/array.c that mean "does not run": T by a signal, t by a tracer.
JOB_STOPPED, TRACING_STOP, ZOMBIE, DEAD = "T", "t", "Z", "X"
UNINTERRUPTIBLE = "D"  # asleep in the kernel; no signal and no tracer reaches it there
RUNNABLE = "R"  # on a processor, or waiting for one

# A thread that was let go may be put aside again after a few instructions: that is no running yet.
_A_MOMENT_NS = 100_000
_FIRST_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_PF_KTHREAD = 0x00200000  # include/linux/sched.h


class Held(Enum):
    """Whether a tracer holds the threads of a process: none of them, some, or all."""

    NONE = 0
    SOME = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Stat:
    """The fields of ``/proc/PID/stat`` that are used here. ``start_ticks`` tells a reused PID."""

    pid: int
    name: str
    state: str
    parent: int
    kernel_thread: bool
    start_ticks: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """One line of ``/proc/PID/maps``: addresses, permissions, and the file behind them."""

    start: int
    end: int
    permissions: str
    offset: int
    device: str
    inode: int
    path: str


def _read(path: str) -> str:
    """A file of a few lines, without the layers of open(): this is called a hundred times a second."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 16):
            parts.append(part)
    finally:
        os.close(descriptor)
    return b"".join(parts).decode(errors="replace")


def _folder(pid: int, tid: int | None) -> str:
    return f"/proc/{pid}" if tid is None else f"/proc/{pid}/task/{tid}"


def stat(pid: int, tid: int | None = None) -> Stat:
    """The state of a process, or of its thread ``tid``. FileNotFoundError or ProcessLookupError: gone."""
    # The name may hold spaces and parentheses: the last parenthesis ends it.
    head, _, rest = _read(f"{_folder(pid, tid)}/stat").rpartition(")")
    fields = rest.split()
    name = head.partition("(")[2]
    flags, start_ticks = int(fields[6]), int(fields[19])
    return Stat(pid, name, fields[0], int(fields[1]), bool(flags & _PF_KTHREAD), start_ticks)


def status(pid: int, tid: int | None = None) -> dict[str, str]:
    """``/proc/PID/status`` as a mapping of its field names to their text."""
    lines = _read(f"{_folder(pid, tid)}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def namespaced_pid(pid: int) -> int:
    """What a process is called in the innermost PID namespace that it is in: the last of NSpid."""
    return int(status(pid).get("NSpid", str(pid)).split()[-1])


def tracing_thread(pid: int, tid: int) -> int:
    """The id of the thread, of whatever process, that traces this one; 0 if none does, or it has ended."""
    try:
        return int(status(pid, tid).get("TracerPid", "0"))
    except OSError:
        return 0


def tracer(pid: int) -> int:
    """The PID of whoever traces any thread of the process; 0 if nobody does.

    The field TracerPid names the thread that traces, which need not be its process's first.
    """
    for tid in threads(pid):
        found = tracing_thread(pid, tid)
        if found:
            with suppress(OSError):  # it has ended meanwhile
                return int(status(found)["Tgid"])
    return 0


def untraced(pid: int) -> list[int]:
    """Its threads that live and that nobody traces."""
    found = []
    for tid in threads(pid):
        try:
            about = status(pid, tid)
        except OSError:  # it has ended meanwhile
            continue
        if about.get("TracerPid") == "0" and about["State"][0] not in (ZOMBIE, DEAD):
            found.append(tid)
    return found


def threads(pid: int) -> list[int]:
    """The thread ids of a process; empty when it is gone."""
    try:
        return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return []


def is_thread_of(pid: int, tid: int) -> bool:
    """True if ``tid`` is a thread of that process and has not been reaped."""
    return os.path.exists(f"/proc/{pid}/task/{tid}")


def children(pid: int) -> list[int]:
    """The processes that its threads have made and that have not been reaped."""
    found: list[int] = []
    for tid in threads(pid):
        try:
            found += map(int, _read(f"/proc/{pid}/task/{tid}/children").split())
        except OSError:  # it ended, or the kernel was built without CONFIG_PROC_CHILDREN
            continue
    return found


def settled_threads(pid: int) -> list[int]:
    """The thread ids, listed until two listings agree: a thread may be born between."""
    listing = threads(pid)
    while (again := threads(pid)) != listing:
        listing = again
    return listing


def held(pid: int) -> Held:
    """How many of its threads a tracer holds. A process that is gone is free, and so is one stopped by a signal."""
    states = [task_state(pid, tid) for tid in threads(pid)]
    alive = [state == TRACING_STOP for state in states if state not in (ZOMBIE, DEAD, "")]
    if not any(alive):
        return Held.NONE
    return Held.ALL if all(alive) else Held.SOME


def run_times(pid: int) -> dict[int, int]:
    """The time that each thread has spent on a processor, ns: ``/proc/PID/task/TID/schedstat``."""
    times = {}
    for tid in threads(pid):
        try:
            times[tid] = int(Path(f"/proc/{pid}/task/{tid}/schedstat").read_text().split()[0])
        except (OSError, IndexError, ValueError):  # it ended, or the kernel keeps no such count
            continue
    return times


def starved(pid: int, before: dict[int, int]) -> bool:
    """True if a thread would run, and has had next to no processor since ``before`` (of ``run_times``)."""
    now = run_times(pid)
    unmoved = [tid for tid, spent in before.items() if now.get(tid, 0) - spent < _A_MOMENT_NS]
    return any(task_state(pid, tid) == RUNNABLE for tid in unmoved)


def kernel_entry(pid: int, tid: int) -> str | None:
    """The symbol by which a thread that does not run came into the kernel; None where that is not told.

    It is the last line of ``/proc/PID/task/TID/stack``, which only CAP_SYS_ADMIN may read. With FRED all
    entries are one, and tell nothing (arch/x86/entry/entry_64_fred.S).
    """
    try:
        trace = Path(f"/proc/{pid}/task/{tid}/stack").read_text().split()
    except OSError:
        return None
    name = trace[-1].partition("+")[0] if trace else ""
    return None if not name or name.startswith(("0x", "asm_fred")) else name


def is_same_process(pid: int, start_ticks: int) -> bool:
    """True if the PID still is the process that started then, and that has not ended."""
    try:
        about = stat(pid)
    except OSError:
        return False
    return about.start_ticks == start_ticks and about.state not in (ZOMBIE, DEAD)


def task_state(pid: int, tid: int | None) -> str:
    """The state's letter; empty if it is gone."""
    try:
        return _read(f"{_folder(pid, tid)}/stat").rpartition(")")[2][1:2]
    except OSError:
        return ""


def pending(pid: int, tid: int, number: int) -> bool:
    """True if a thread has that signal still to come, sent to it alone."""
    try:
        mask = int(status(pid, tid)["SigPnd"], 16)
    except (OSError, KeyError):
        return False
    return bool(mask >> (number - 1) & 1)


def mappings(pid: int) -> Iterator[Mapping]:
    """The memory map, in order of addresses."""
    with open(f"/proc/{pid}/maps", errors="surrogateescape", newline="\n") as lines:
        for line in lines:
            addresses, permissions, offset, device, inode, *rest = line.rstrip("\n").split(maxsplit=5)
            start, end = (int(part, 16) for part in addresses.split("-"))
            path = rest[0].replace("\\012", "\n") if rest else ""  # the one character that is escaped: proc_pid_maps(5)
            yield Mapping(start, end, permissions, int(offset, 16), device, int(inode), path)


def program(pid: int) -> tuple[int, ...] | None:
    """What tells a process's program from one that ran there before: its file, and where it lies; None if gone."""
    try:
        file = os.stat(executable(pid))
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    except OSError:
        return None
    return file.st_dev, file.st_ino, file.st_mtime_ns, int(fields[23])  # startcode


def pids_are_the_kernels() -> bool:
    """Whether we are in the first PID namespace: what /proc calls a process is what the kernel itself calls it."""
    return os.stat("/proc/self/ns/pid").st_ino == _FIRST_PID_NAMESPACE


def processors() -> list[int]:
    """Those that are running: /sys/devices/system/cpu/online, like ``0-3,8``."""
    text = _read("/sys/devices/system/cpu/online").strip()
    ranges = (part.partition("-") for part in text.split(","))
    return [number for first, _, last in ranges for number in range(int(first), int(last or first) + 1)]


def executable(pid: int) -> str:
    """A path by which the executable can be opened even if it was deleted or is in another container."""
    return f"/proc/{pid}/exe"


def running_the_same(pid: int) -> list[int]:
    """The other processes of the same executable file."""
    own = os.stat(executable(pid))
    found = []
    for other in all_pids():
        with suppress(OSError):
            if other != pid and os.path.samestat(os.stat(executable(other)), own):
                found.append(other)
    return found


def named(name: str) -> list[int]:
    """The PIDs of the processes of that name: of the executable's file, or of the kernel's short form."""
    return [pid for pid in all_pids() if _answers_to(pid, name)]


def all_pids() -> list[int]:
    return sorted(int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def _answers_to(pid: int, name: str) -> bool:
    try:
        about = stat(pid)
        if about.state in (ZOMBIE, DEAD) or about.kernel_thread:
            return False
        return name in (about.name, os.path.basename(os.readlink(executable(pid))))
    except OSError:
        return False
