"""Breakpoints that fire once, and what they catch.

With the right to load BPF programs the answer is taken at the very hit, in the kernel; without it the
kernel notes the registers and the top of the stack, and memory is read afterwards.
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from sampler.bpf.program import COUNTERS, DROPPED, FOREIGN, HITS, PASSED_NS, TAKEN, UNREADABLE, Program
from sampler.instruments.breakpoints import Breakpoints
from sampler.linux import bpf
from sampler.linux.perf_event import Breakpoint, SamplingBreakpoint, Where
from sampler.plan.nodes import RED_ZONE, RSP
from sampler.plan.snapshot import Piece, Snapshot

_RING_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class Catch:
    """``snapshots``: what was caught, the first one first. ``foreign``: hits of other processes.

    ``unreadable``: hits at which the condition could not be read; ``passed_ns``: what those and the ones that did not
    meet it took in the handler. ``full``: threads that had no breakpoint free. ``dropped``: answers without room.
    """

    snapshots: list[Snapshot]
    hits: int
    foreign: int = 0
    unreadable: int = 0
    passed_ns: int = 0
    full: int = 0
    dropped: int = 0


class Traps(Protocol):
    """``descriptor`` can be read when somebody may have been caught. ``atomic``: memory is read at the hit itself."""

    atomic: bool

    @property
    def descriptor(self) -> int: ...

    @property
    def interrupted_ns(self) -> int:
        """For how long at most any one thread was interrupted, besides a hit, to set, arm and disarm."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def set(self, everywhere: Iterable[Where]) -> None:
        """At each address, where there is none yet; not armed. Raises NoneFree, NotPermitted, NotAnswerable."""

    def arm(self) -> None:
        """Those that are not armed yet."""

    def has_caught(self) -> bool:
        """False where the descriptor could be read for another reason."""

    def disarm(self) -> None:
        """From now on nobody is hit."""

    def take(self) -> Catch:
        """Since ``set``; after ``disarm``."""

    def clear(self) -> None:
        """Takes all away."""


class KernelTraps:
    """The question itself runs in the kernel: ``programs`` by the address of their place."""

    atomic = True

    def __init__(self, programs: Mapping[int, Program]) -> None:
        self._programs = programs
        self._most_hits = max(program.most_hits for program in programs.values())
        self._breakpoints = Breakpoints(programs, Breakpoint)
        self._records: list[bytes] = []
        self._begun, self._full = False, 0
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Raises BpfRefused, and OSError."""
        with ExitStack() as opened:
            self._ring = opened.enter_context(bpf.RingBuffer(_RING_BYTES))
            self._counters = opened.enter_context(bpf.Counters(COUNTERS))
            scratch = opened.enter_context(bpf.Scratch(max(program.size for program in self._programs.values())))
            maps = (self._ring.descriptor, self._counters.descriptor, scratch.descriptor)
            self._loaded: dict[int, int] = {}
            for address, program in self._programs.items():
                self._loaded[address] = bpf.load(program.code(*maps))
                opened.callback(os.close, self._loaded[address])
            self._open = opened.pop_all()
        self._open.callback(self.clear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def descriptor(self) -> int:
        return self._ring.descriptor

    @property
    def interrupted_ns(self) -> int:
        return self._breakpoints.interrupted_ns

    def set(self, everywhere: Iterable[Where]) -> None:
        if not self._begun:
            self._begin()
        for event in self._breakpoints.add(everywhere):
            event.run(self._loaded[event.address])

    def _begin(self) -> None:
        """Nothing of the look before is left."""
        self._begun = True
        for _ in self._ring.records():
            pass
        self._records.clear()
        for counter in range(COUNTERS):
            self._counters[counter] = 0

    def arm(self) -> None:
        self._breakpoints.arm()

    def has_caught(self) -> bool:
        """An answer, or more hits than are to be tried. Others make a record too, if they were too many."""
        self._records += self._ring.records()
        return self._counters[TAKEN] > 0 or self._counters[HITS] > self._most_hits

    def disarm(self) -> None:
        """By taking them away: when that is done no handler is at work any more, and what it has written is whole."""
        self._full = self._breakpoints.full
        self._breakpoints.close()

    def take(self) -> Catch:
        found = []
        for record in [*self._records, *self._ring.records()]:
            address = Program.address_of(record)
            snapshot = self._programs[address].snapshot(record) if address in self._programs else None
            if snapshot is not None:
                found.append(snapshot)
        told = self._counters
        return Catch(found, told[HITS], told[FOREIGN], told[UNREADABLE], told[PASSED_NS], self._full, told[DROPPED])

    def clear(self) -> None:
        self._breakpoints.close()
        self._begun = False


class PlainTraps:
    """For whoever may trace a process but load no program."""

    atomic = False

    def __init__(self, addresses: Iterable[int]) -> None:
        self._breakpoints = Breakpoints(addresses, SamplingBreakpoint)

    def __enter__(self) -> Self:
        self._poll = select.epoll()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
        self._poll.close()

    @property
    def descriptor(self) -> int:
        return self._poll.fileno()

    @property
    def interrupted_ns(self) -> int:
        return self._breakpoints.interrupted_ns

    def set(self, everywhere: Iterable[Where]) -> None:
        for event in self._breakpoints.add(everywhere):
            self._poll.register(event.descriptor, select.EPOLLIN)

    def arm(self) -> None:
        self._breakpoints.arm()

    def has_caught(self) -> bool:
        """The end of a thread can be read as well (EPOLLHUP); of one that was hit before, nothing else can."""
        if any(event.has_fired for event in self._sampling()):
            return True
        for descriptor, _ in self._poll.poll(0):
            with suppress(OSError):
                self._poll.unregister(descriptor)
        return False

    def disarm(self) -> None:
        self._breakpoints.disarm()

    def take(self) -> Catch:
        found = [_snapshot(event) for event in self._sampling() if event.has_fired]
        found.sort(key=lambda snapshot: snapshot.begun_ns)
        return Catch(found, len(found), full=self._breakpoints.full)

    def clear(self) -> None:
        self._breakpoints.close()

    def _sampling(self) -> Iterable[SamplingBreakpoint]:
        return (event for event in self._breakpoints.all if isinstance(event, SamplingBreakpoint))


def _snapshot(event: SamplingBreakpoint) -> Snapshot:
    one = event.sampled()
    top = one.registers[RSP]  # the kernel notes nothing below it
    return Snapshot(one.time_ns, one.time_ns, one.tid, one.registers, (Piece(top, one.stack),), (top - RED_ZONE, top))
