"""What a run has cost so far, added up from the lines of its recording."""

from __future__ import annotations

from typing import Any

from sampler.recording import Line


class Account:
    """``footer``: the last line, once it has come."""

    def __init__(self) -> None:
        self.samples = self.misses = 0
        self._low_ns = self._high_ns = 0
        self._hits: int | None = None  # of what is counted, and of nothing else
        self.header: Line | None = None
        self.footer: Line | None = None

    def take(self, line: Line) -> None:
        match line.get("type"):
            case "header":
                self.header = line
            case "sample":
                self.samples += 1
            case "samples":
                self.samples += len(line["t_ns"])
                self.misses += line.get("unanswered", 0)
            case "miss":
                self.misses += line.get("count", 1)
            case "tally":  # cumulative
                self._low_ns, self._high_ns = line["cost"]["suspended_ns"]
                self._hits = line["cost"]["hits"]
            case "footer":
                self.footer = line
        if line.get("type") in ("sample", "samples", "miss"):
            for part in ("suspended_ns", "between_ns"):
                low, high = line["cost"].get(part, (0, 0))
                self._low_ns, self._high_ns = self._low_ns + low, self._high_ns + high

    def cost(self) -> dict[str, Any]:
        told = self.footer or {}
        return {
            "samples": told.get("samples", self.samples),
            "misses": told.get("misses", self.misses),
            "suspended_ns": told.get("suspended_ns", [self._low_ns, self._high_ns]),
        } | ({} if self._hits is None else {"hits": self._hits})
