"""One thread at one instant, as somebody else has noted it down: its registers, and pieces of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Piece:
    """Memory from ``start`` on. ``terminated``: a string with its zero, behind which nothing is wanted."""

    start: int
    data: bytes
    terminated: bool = False

    def read(self, address: int, size: int) -> bytes | None:
        """None where it does not hold that."""
        at = address - self.start
        if not 0 <= at < len(self.data):
            return None
        found = self.data[at : at + size]
        if len(found) < size and not self.terminated:
            return None
        return found.ljust(size, b"\0")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Times on the monotonic clock. ``registers``: as in ``Moment``."""

    begun_ns: int
    ended_ns: int
    tid: int
    registers: tuple[int, ...]
    memory: tuple[Piece, ...]

    @property
    def instruction_pointer(self) -> int:
        return self.registers[16]

    def read(self, address: int, size: int) -> bytes:
        """All of ``size`` bytes; raises OSError where they were not noted."""
        for piece in self.memory:
            found = piece.read(address, size)
            if found is not None:
                return found
        raise OSError(f"memory at {address:#x} cannot be read")


class Reader:
    """Memory as it was at the hit; what was not noted then, by ``now``: as it is now.

    Nobody notes down, for one, a page that was swapped out: the handler of a breakpoint cannot wait for it.
    """

    def __init__(self, snapshot: Snapshot, now: Callable[[int, int], bytes]) -> None:
        self._snapshot, self._now = snapshot, now
        self.later = False  # something was read after the hit

    def read(self, address: int, size: int) -> bytes:
        """All of ``size`` bytes; raises OSError."""
        try:
            return self._snapshot.read(address, size)
        except OSError:
            found = self._now(address, size)
            self.later = True
            return found
