"""Breakpoints that fire once: set on threads or on processors, armed, waited for and taken away together.

With the right to load BPF programs the answer is taken at the very hit, in the kernel; without it the
kernel notes the registers and the top of the stack, and memory is read afterwards.
"""

from __future__ import annotations

import errno
import os
import resource
import select
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from sampler.bpf.program import COUNTERS, FOREIGN, HITS, UNREADABLE, Program
from sampler.errors import NotAnswerable, NotPermitted
from sampler.linux import bpf
from sampler.linux.perf_event import Breakpoint, NoRoom, SamplingBreakpoint, Where
from sampler.plan.snapshot import Piece, Snapshot

_RING_BYTES = 1 << 17


class NoneFree(Exception):
    """All four breakpoints of a thread, or of a processor, are in use, by somebody else."""


@dataclass(frozen=True, slots=True)
class Catch:
    """``snapshots``: what was caught, the first one first. ``foreign``: hits of other processes.

    ``unreadable``: hits at which the condition could not be read.
    """

    snapshots: list[Snapshot]
    hits: int
    foreign: int = 0
    unreadable: int = 0


class Traps(Protocol):
    """``descriptor`` can be read when somebody was caught. ``atomic``: memory is read at the hit itself."""

    atomic: bool

    @property
    def descriptor(self) -> int: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def set(self, everywhere: Iterable[Where]) -> None:
        """At each address, where there is none yet; not armed. Raises NoneFree, NotPermitted."""

    def arm(self) -> None:
        """Those that are not armed yet."""

    def clear(self) -> None:
        """Takes all away."""

    def take(self) -> Catch:
        """Since ``set``."""

    @property
    def interrupted_ns(self) -> int:
        """For how long at most any one thread was interrupted, besides a hit, to set, arm and clear."""


class _Events:
    """The breakpoints themselves. A thread that ends meanwhile takes its own with it."""

    def __init__(self, addresses: Iterable[int], kind: type[Breakpoint]) -> None:
        self._addresses, self._kind = tuple(addresses), kind
        self.set_ones: list[Breakpoint] = []
        self._unarmed: list[Breakpoint] = []
        self._known: set[Where] = set()
        self._switches = 0
        self._undisturbed = True
        self.interrupted_ns = 0

    def add(self, where: Where) -> list[Breakpoint]:
        """None where there are some already."""
        if where in self._known:
            return []
        if not self._unarmed:
            self._switches = _switches()
        self._known.add(where)
        made: list[Breakpoint] = []
        try:
            for address in self._addresses:
                made.append(self._kind(where, address))  # noqa: PERF401 - those made before one that fails are kept
        except ProcessLookupError:
            pass
        except OSError as error:
            raise _refusal(error) from error
        finally:
            self.set_ones += made
            self._unarmed += made
        return made

    def arm(self) -> None:
        for event in self._unarmed:
            event.arm()
        self._undisturbed &= not self._unarmed or self._switches == _switches()
        self._unarmed.clear()

    def clear(self) -> None:
        switches = _switches()
        for event in self.set_ones:
            event.close()
        self._reckon(self._undisturbed and switches == _switches())
        self._undisturbed = True
        self.set_ones.clear()
        self._unarmed.clear()
        self._known.clear()

    def _reckon(self, undisturbed: bool) -> None:
        """If we have waited for our own processor, that is not what the target felt: the look before tells that."""
        took_ns = dict.fromkeys(self._known, 0)
        for event in self.set_ones:
            took_ns[event.where] += event.took_ns
        most_ns = max(took_ns.values(), default=0)
        self.interrupted_ns = most_ns if undisturbed or not self.interrupted_ns else min(self.interrupted_ns, most_ns)


def _refusal(error: OSError) -> Exception:
    if error.errno == errno.ENOSPC:
        return NoneFree()
    what = "hardware breakpoints cannot be set"
    if isinstance(error, NoRoom):
        fix = "raise kernel.perf_event_mlock_kb or `ulimit -l`, run as root, or ask with another --instrument"
        return NotAnswerable(what, "so many threads take more memory than this user may lock", fix)
    if isinstance(error, PermissionError):
        fix = "set kernel.perf_event_paranoid to 2 or less, run as root, or ask with another --instrument"
        return NotPermitted(what, "the kernel refuses perf_event_open", fix)
    why = f"perf_event_open: {error.strerror}; Linux 5.13 and a processor with debug registers are needed"
    return NotAnswerable(what, why, "ask with another --instrument")


def _switches() -> int:
    """How often the calling thread has left its processor."""
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_nivcsw + used.ru_nvcsw


class KernelTraps:
    """The question itself runs in the kernel: ``programs`` by the address of their place."""

    atomic = True

    def __init__(self, programs: Mapping[int, Program]) -> None:
        self._programs = programs
        self._events = _Events(programs, Breakpoint)
        self._open = ExitStack()

    def __enter__(self) -> Self:
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
        self._open.callback(self._events.clear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def descriptor(self) -> int:
        return self._ring.descriptor

    def set(self, everywhere: Iterable[Where]) -> None:
        if not self._events.set_ones:
            self._begin()
        for where in everywhere:
            for event in self._events.add(where):
                event.run(self._loaded[event.address])

    def _begin(self) -> None:
        """Nothing of the look before is left: a program may have been at work while its breakpoint was taken away."""
        for _ in self._ring.records():
            pass
        for counter in range(COUNTERS):
            self._counters[counter] = 0

    def arm(self) -> None:
        self._events.arm()

    def clear(self) -> None:
        self._events.clear()

    def take(self) -> Catch:
        found = []
        for record in self._ring.records():
            address = Program.address_of(record)
            snapshot = self._programs[address].snapshot(record) if address in self._programs else None
            if snapshot is not None:
                found.append(snapshot)
        counters = self._counters
        return Catch(found, counters[HITS], counters[FOREIGN], counters[UNREADABLE])

    @property
    def interrupted_ns(self) -> int:
        return self._events.interrupted_ns


class PlainTraps:
    """For whoever may trace a process but load no program."""

    atomic = False

    def __init__(self, addresses: Iterable[int]) -> None:
        self._events = _Events(addresses, SamplingBreakpoint)
        self._caught: list[Snapshot] = []

    def __enter__(self) -> Self:
        self._poll = select.epoll()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._events.clear()
        self._poll.close()

    @property
    def descriptor(self) -> int:
        return self._poll.fileno()

    def set(self, everywhere: Iterable[Where]) -> None:
        self._caught.clear()
        for where in everywhere:
            for event in self._events.add(where):
                self._poll.register(event.descriptor, select.EPOLLIN)

    def arm(self) -> None:
        self._events.arm()

    def clear(self) -> None:
        found = [event.sampled() for event in self._events.set_ones if isinstance(event, SamplingBreakpoint)]
        self._caught = sorted(
            (
                Snapshot(one.time_ns, one.time_ns, one.tid, one.registers, (Piece(one.registers[7], one.stack),))
                for one in found
                if one is not None
            ),
            key=lambda snapshot: snapshot.begun_ns,
        )
        self._events.clear()

    def take(self) -> Catch:
        return Catch(self._caught, len(self._caught))

    @property
    def interrupted_ns(self) -> int:
        return self._events.interrupted_ns
