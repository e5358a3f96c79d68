"""One thread at one instant, as somebody else has noted it down: its registers, and pieces of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sampler.plan.writing import chunk


@dataclass(frozen=True, slots=True)
class Piece:
    """Memory from ``start`` on. ``terminated``: a string with its zero; it is read as strings are, see ``chunk``."""

    start: int
    data: bytes
    terminated: bool = False

    def read(self, address: int, size: int) -> bytes | None:
        """None where it does not hold that."""
        at = address - self.start
        if not 0 <= at < len(self.data):
            return None
        found = self.data[at : at + size]
        if len(found) == size:
            return found
        # Behind the zero nothing is wanted, by whoever looks for it.
        return found.ljust(size, b"\0") if self.terminated and size == chunk(address) else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Times on the monotonic clock. ``registers``: as in ``Moment``. ``memory``: the first piece that holds something
    answers; strings come last. ``unknown``: addresses of which nothing was noted, and which hold something else by now.
    """

    begun_ns: int
    ended_ns: int
    tid: int
    registers: tuple[int, ...]
    memory: tuple[Piece, ...]
    unknown: tuple[int, int] = (0, 0)

    @property
    def instruction_pointer(self) -> int:
        return self.registers[16]

    def earlier(self, by_ns: int) -> Snapshot:
        """The same by a clock that is so far behind."""
        return replace(self, begun_ns=self.begun_ns - by_ns, ended_ns=self.ended_ns - by_ns)

    def read(self, address: int, size: int) -> bytes | None:
        """All of ``size`` bytes; None where they were not noted."""
        for piece in self.memory:
            found = piece.read(address, size)
            if found is not None:
                return found
        return None


class Reader:
    """Memory as it was at the hit; what was not noted then, by ``now``: as it is now.

    Nobody notes down, for one, a page that was swapped out: the handler of a breakpoint cannot wait for it.
    """

    def __init__(self, snapshot: Snapshot, now: Callable[[int, int], bytes]) -> None:
        self._snapshot, self._now = snapshot, now
        self.later = False  # something was read after the hit

    def read(self, address: int, size: int) -> bytes:
        """All of ``size`` bytes; raises OSError."""
        noted = self._snapshot.read(address, size)
        if noted is not None:
            return noted
        first, end = self._snapshot.unknown
        if address < end and address + size > first:
            raise OSError(f"memory at {address:#x}, below the stack pointer, was not noted, and is used anew by now")
        found = self._now(address, size)
        self.later = True
        return found
