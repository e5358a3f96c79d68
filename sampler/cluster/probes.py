"""How long a pod may be suspended before Kubernetes takes it for dead.

A probe that finds nobody within its ``timeoutSeconds`` (1 s unless said) has failed; half of it is left to the program.
"""

from __future__ import annotations

from dataclasses import dataclass

from sampler.cluster.kubectl import Object
from sampler.units import NS_PER_SECOND, format_duration

_PROBES = ("livenessProbe", "startupProbe", "readinessProbe")
_USUAL_TIMEOUT_S = 1
_SHARE = 2


@dataclass(frozen=True, slots=True)
class Pause:
    """The longest pause that a container's probes leave, and which of them leaves the least."""

    longest_ns: int
    why: str

    def within(self, asked_ns: int) -> int:
        """In nanoseconds: what was asked for, if the probe leaves as much."""
        return min(asked_ns, self.longest_ns)

    def remark(self, asked_ns: int) -> str:
        """Which was taken; for a user."""
        taken = format_duration(self.within(asked_ns))
        why = self.why if self.longest_ns < asked_ns else "as asked for"
        return f"longest pause: {taken}, {why}"


def pause_of(container: Object) -> Pause | None:
    """``container``: as in a pod's spec. None if nothing probes it."""
    found = [
        (probe.get("timeoutSeconds", _USUAL_TIMEOUT_S), name) for name in _PROBES if (probe := container.get(name))
    ]
    if not found:
        return None
    timeout_s, name = min(found)
    kind = name.removesuffix("Probe")
    return Pause(timeout_s * NS_PER_SECOND // _SHARE, f"half of what its {kind} probe waits ({timeout_s} s)")
