"""The breakpoints of one look, set and taken away together: at each address, in each thread or on each processor."""

from __future__ import annotations

import errno
import resource
from collections.abc import Iterable, Iterator

from sampler.errors import NotAnswerable, NotPermitted, SamplerError
from sampler.linux.bpf import BpfRefused
from sampler.linux.perf_event import Breakpoint, NoRoom, Where


class NoneFree(Exception):
    """All four breakpoints of a thread, or of a processor, are in use, by somebody else."""


class Breakpoints:
    """``all``: those that are set. ``full``: threads without a free one. A thread that ends takes its own with it.

    ``interrupted_ns``: for how long at most one thread was interrupted, besides a hit, by the last look.
    """

    def __init__(self, addresses: Iterable[int], kind: type[Breakpoint]) -> None:
        self._addresses, self._kind = tuple(addresses), kind
        self.all: list[Breakpoint] = []
        self._unarmed: list[Breakpoint] = []
        self._known: set[Where] = set()
        self.full = 0
        self._switches, self._undisturbed = 0, True
        self.interrupted_ns = 0

    def add(self, everywhere: Iterable[Where]) -> Iterator[Breakpoint]:
        """Those that are made where there were none. Raises NoneFree, NotPermitted, NotAnswerable."""
        for where in everywhere:
            if where in self._known:
                continue
            if not self._unarmed:
                self._switches = _switches()
            self._known.add(where)
            try:
                yield from self._made(where)
            except NoneFree:
                if where.tid < 0:
                    raise
                self.full += 1
        if self.full and not self.all:
            raise NoneFree

    def _made(self, where: Where) -> Iterator[Breakpoint]:
        for address in self._addresses:
            try:
                made = self._kind(where, address)
            except ProcessLookupError:
                return
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise NoneFree from error
                raise refusal(error) from error
            self.all.append(made)
            self._unarmed.append(made)
            yield made

    def arm(self) -> None:
        """Those that are not armed yet."""
        for event in self._unarmed:
            event.arm()
        self._undisturbed &= not self._unarmed or self._switches == _switches()
        self._unarmed.clear()

    def disarm(self) -> None:
        """From now on nobody is hit; what was noted can still be read."""
        switches = _switches()
        for event in self.all:
            event.disarm()
        self._reckon(self._undisturbed and switches == _switches())

    def close(self) -> None:
        """Likewise, and all are gone."""
        switches = _switches()
        for event in self.all:
            event.close()
        if self.all:
            self._reckon(self._undisturbed and switches == _switches())
        self.all.clear()
        self._unarmed.clear()
        self._known.clear()
        self.full, self._undisturbed = 0, True

    def _reckon(self, undisturbed: bool) -> None:
        """If we have waited for our own processor, that is not what the target felt: the look before tells that."""
        took_ns = dict.fromkeys(self._known, 0)
        for event in self.all:
            took_ns[event.where] += event.took_ns
        most_ns = max(took_ns.values(), default=0)
        self.interrupted_ns = most_ns if undisturbed or not self.interrupted_ns else min(self.interrupted_ns, most_ns)


def not_taken(error: BpfRefused) -> NotAnswerable:
    return NotAnswerable("the kernel does not take the question", error.why, "ask with --instrument ptrace")


def refusal(error: OSError) -> SamplerError:
    """Why the kernel gives no breakpoint."""
    what = "hardware breakpoints cannot be set"
    if isinstance(error, NoRoom):
        fix = "raise kernel.perf_event_mlock_kb or `ulimit -l`, run as root, or ask with another --instrument"
        return NotAnswerable(what, "so many threads take more memory than this user may lock", fix)
    if error.errno in (errno.EMFILE, errno.ENFILE):
        why = "no more files may be open, and each breakpoint is one or two"
        return NotAnswerable(what, why, "raise `ulimit -n`, or ask with another --instrument")
    if isinstance(error, PermissionError):
        fix = "set kernel.perf_event_paranoid to 2 or less, run as root, or ask with another --instrument"
        return NotPermitted(what, "the kernel refuses perf_event_open", fix)
    why = f"perf_event_open: {error.strerror}; Linux 5.13 and a processor with debug registers are needed"
    return NotAnswerable(what, why, "ask with another --instrument")


def _switches() -> int:
    """How often the calling thread has left its processor."""
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_nivcsw + used.ru_nvcsw
