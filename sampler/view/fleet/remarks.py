"""What is said of members, each with its time on one clock: theirs begin when each of them does."""

from __future__ import annotations

import time

from sampler.recording import Line, Recording
from sampler.view.lines import stamped, told

#: Alike of most members: which instrument was taken, and why no gentler one; that nobody was stopped.
_ONCE = ("header", "attach")


class Remarks:
    """Times are since it was made. What is alike of many members is said of the first of them."""

    def __init__(self) -> None:
        self._begun_ns = time.monotonic_ns()
        self._later_ns: dict[str, int] = {}  # by how much a member's clock is behind ours
        self._known: set[str] = set()

    def of_line(self, label: str, line: Line, recording: Recording) -> list[str]:
        """One for each thing that a line says."""
        said = list(told(line, recording))
        if line.get("event", line["type"]) in _ONCE:
            said = [one for one in said if one not in self._known]
            self._known.update(said)
        if "t_ns" not in line:
            return [self.now(one) for one in said]
        return [self.stamped(label, _when(line), one) for one in said]

    def stamped(self, label: str, t_ns: int, said: str) -> str:
        """``t_ns``: on the member's own clock. What comes first of it has come at once, as far as is known here."""
        if label not in self._later_ns:
            self._later_ns[label] = max(0, self._now_ns() - t_ns)
        return stamped(t_ns + self._later_ns[label], said)

    def now(self, said: str) -> str:
        return stamped(self._now_ns(), said)

    def _now_ns(self) -> int:
        return time.monotonic_ns() - self._begun_ns


def _when(line: Line) -> int:
    at_ns = line["t_ns"]
    return int(at_ns[-1] if isinstance(at_ns, list) else at_ns)
