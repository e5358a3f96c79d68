"""What a process that was killed has left behind, told by a variable in its environment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from sampler.linux import procfs
from sampler.linux.signals import ProcessHandle

# A process in the middle of execve(2) shows no environment for a moment, so one empty search is not enough.
_EMPTY_SEARCHES = 2
_MOST_SEARCHES = 20  # a process that cannot be ended would be found for ever


def marked(variable: str, value: str, besides: Collection[int] = ()) -> Iterator[ProcessHandle]:
    """Every process with that variable, until none is left: the caller ends each before the next.

    A handle is closed when the next one is asked for.
    """
    wanted = f"{variable}={value}".encode()
    empty = 0
    for _ in range(_MOST_SEARCHES):
        empty += 1
        for process in _search(wanted, besides):
            empty = 0
            yield process
        if empty >= _EMPTY_SEARCHES:
            return


def traced_by(tracer: int) -> list[int]:
    """The processes of which it traces a thread."""
    return [pid for pid in procfs.all_pids() if procfs.tracer(pid) == tracer]


def _search(wanted: bytes, besides: Collection[int]) -> Iterator[ProcessHandle]:
    for pid in procfs.all_pids():
        if pid in besides or not _carries(pid, wanted):
            continue
        with suppress(ProcessLookupError), ProcessHandle(pid) as process:
            # Looked at again: nobody held the PID when we looked first.
            if _carries(pid, wanted) and not process.has_ended:
                yield process


def _carries(pid: int, wanted: bytes) -> bool:
    try:
        return wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone, or not ours to read: then it is not of our run either
        return False
