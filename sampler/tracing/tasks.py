"""What is traced, and what becomes of each hit: data, from which each tool's program is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sampler.plan.nodes import Node
from sampler.question import Aggregate


@dataclass(frozen=True, slots=True)
class Site:
    """One instruction that is traced. ``path``: by which a tool opens the file; ``address``: in the file's own terms;
    ``offset``: in bytes of the file. ``semaphore``: likewise, of the number that switches a static probe on; 0 if none.

    ``name``: of the function; ``emulated``: whether a hit is cheap, see ``debuginfo/placement.py``.
    ``plans``: what is asked there; ``conditions``: what must be true of a hit; ``arguments``: of a static probe, None
    for one that no program can read.
    """

    path: str
    address: int
    offset: int
    name: str
    where: str
    instruction: str = ""
    emulated: bool = False
    semaphore: int = 0
    plans: tuple[Node, ...] = ()
    conditions: tuple[Node, ...] = ()
    arguments: tuple[Node | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """A point with its sites. ``static``: provider and name, of one that the program's authors have built in."""

    point: str
    sites: tuple[Site, ...]
    static: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Counting:
    """How often each was hit."""

    probes: Sequence[Probe]

    @property
    def sites(self) -> list[Site]:
        return [site for probe in self.probes for site in probe.sites]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long it takes from a hit of ``entry`` to one of ``exit`` with the same key, as a log2 histogram of so many
    ``unit_ns``. The keys of a probe are what its sites' plans give, ``keys`` by name; ``by_thread``: so is the thread.
    """

    entry: Probe
    exit: Probe
    by_thread: bool
    unit_ns: int
    keys: tuple[str, ...] = ()

    @property
    def probes(self) -> Sequence[Probe]:
        return (self.entry, self.exit)

    @property
    def sites(self) -> list[Site]:
        return [*self.entry.sites, *self.exit.sites]


@dataclass(frozen=True, slots=True)
class Watching:
    """The values of expressions at each hit; or, of each, an aggregate.

    ``unsigned_bits``: of unsigned differences, ``types``: of the answers; both by expression.
    """

    probe: Probe
    expressions: tuple[str, ...]
    aggregate: Aggregate | None = None
    unsigned_bits: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def probes(self) -> Sequence[Probe]:
        return (self.probe,)

    @property
    def sites(self) -> list[Site]:
        return list(self.probe.sites)


Task = Counting | Timing | Watching
