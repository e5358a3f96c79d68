"""Which process of a container is asked."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.cluster.errors import NoSuchProcessThere
from sampler.cluster.kubectl import Object


@dataclass(frozen=True, slots=True)
class Process:
    """``pid``: as the agent sees it; ``inside``: as the container does."""

    pid: int
    inside: int
    name: str
    start_ticks: int

    @staticmethod
    def of(fields: Object) -> Process:
        """As ``sampler agent processes`` tells it."""
        return Process(fields["pid"], fields.get("ns_pid") or fields["pid"], fields["name"], fields["start_ticks"])


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user said: a PID inside of the container, a name, or neither."""

    pid: int | None = None
    name: str | None = None

    def of(self, processes: list[Process], label: str) -> list[Process]:
        """The one of that PID, all of that name, else the container's first process; NoSuchProcessThere."""
        found = sorted(processes, key=lambda process: (process.start_ticks, process.pid))
        if self.pid is not None:
            found = [process for process in found if process.inside == self.pid]
        elif self.name is not None:
            found = [process for process in found if process.name == self.name]
        else:
            found = found[:1]
        if not found:
            raise NoSuchProcessThere(f"{label} has no {self.text}", f"it has {_list(processes)}", "give one of them")
        return found

    @property
    def text(self) -> str:
        if self.pid is not None:
            return f"process {self.pid}"
        return f"process of the name {self.name!r}" if self.name is not None else "process"

    def remark(self, chosen: Process, processes: list[Process]) -> str:
        """What a user should know of a choice that was ours; else nothing."""
        if len(processes) == 1 or self != Choice():
            return ""
        return f"its first process is asked, of {_list(processes)}; --process NAME or --pid PID chooses another"


def _list(processes: list[Process]) -> str:
    return ", ".join(f"{process.name} ({process.inside})" for process in processes) or "none that runs"
