"""One thread at one instant, as somebody else has noted it down: its registers, and pieces of memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Times on the monotonic clock. ``registers``: as in ``Moment``. ``memory``: pieces, each with its address."""

    begun_ns: int
    ended_ns: int
    tid: int
    registers: tuple[int, ...]
    memory: tuple[tuple[int, bytes], ...]

    @property
    def instruction_pointer(self) -> int:
        return self.registers[16]

    def read(self, address: int, size: int) -> bytes:
        """All of ``size`` bytes; raises OSError where they were not noted."""
        for start, data in self.memory:
            if start <= address and address + size <= start + len(data):
                return data[address - start : address - start + size]
        raise OSError(f"memory at {address:#x} cannot be read")
