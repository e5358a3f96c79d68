"""What a tool tells while it traces, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sampler.sample import Interval
from sampler.tally import Bucket, Numbers


@dataclass(frozen=True, slots=True)
class Ready:
    """All probes are set; how many the tool says there are, and when it was known, on the monotonic clock."""

    at_ns: int
    probes: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What was counted since the probes were set. ``at_ns``: it was read between these, on the monotonic clock.

    ``cut_short``: the tool's last words were; bpftrace (0.17) writes no more when a signal meets it while it waits for
    its reader. Then it is not known how many hits were lost.

    ``counts``: by point; ``histograms`` and ``numbers``: by what was measured. ``met``: hits at which a condition was
    looked at. ``zeroed``: reads that have failed, and gone into sums as 0.
    """

    at_ns: Interval
    counts: Mapping[str, int] = field(default_factory=dict)
    histograms: Mapping[str, Sequence[Bucket]] = field(default_factory=dict)
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    ends_alone: int = 0
    unreadable: int = 0
    lost: int = 0
    met: int = 0
    zeroed: int = 0
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit: at which of the sites, when, and the numbers of its slots. ``values``: None where one was unreadable."""

    site: int
    at_ns: int
    values: Sequence[int] | None


@dataclass(frozen=True, slots=True)
class Lost:
    """So many hits were not handed over: there was no room."""

    count: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The tool gives up: at what, and what it says itself."""

    what: str
    why: str


Event = Ready | Reading | Hit | Lost | Failed
