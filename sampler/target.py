"""The process asked, as it was before anybody touched it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

#: In the environment of a recorder: the ``start_ticks`` of the process that is meant, for it to ask no other.
START_VARIABLE = "SAMPLER_TARGET_START"


@dataclass(frozen=True, slots=True)
class Target:
    """``executable`` is the path as the target sees it; ``start_ticks`` tells a reused PID. ``ns_pid``: its PID in its
    own PID namespace, as in a container, where that is another; else None, and not in JSON.

    ``go_version`` is None unless it is a Go program. ``patched``: addresses of its text that
    differed from the ELF file already; they are left as they are.
    """

    pid: int
    name: str
    executable: str
    start_ticks: int
    threads: int
    build_id: str | None = None
    language: str = "unknown"
    go_version: str | None = None
    patched: tuple[int, ...] = ()
    ns_pid: int | None = None

    def to_json(self) -> dict[str, Any]:
        fields = asdict(self)
        if self.ns_pid is None:
            del fields["ns_pid"]
        return fields
