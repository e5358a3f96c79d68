"""Where a value lies: in memory, or in registers, several places, or nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from sampler.debuginfo.units import Range
from sampler.plan.nodes import Bits, Block, Joined, Node, Part, offset


class Unlocated(Exception):
    """The variable has no location at this instruction. ``alive``: the addresses at which it has one."""

    def __init__(self, reason: str, alive: tuple[Range, ...] = ()) -> None:
        super().__init__(reason)
        self.alive = alive


@dataclass(frozen=True, slots=True)
class Memory:
    """A value that lies in memory."""

    address: Node

    def part(self, at: int, size: int) -> Node:
        """``size`` bytes from byte ``at`` on, as an unsigned integer."""
        return Part(Block(offset(self.address, at), size), 0, size)

    def inside(self, at: int) -> Memory:
        """What lies ``at`` bytes further on."""
        return Memory(offset(self.address, at))


@dataclass(frozen=True, slots=True)
class Pieces:
    """A value that lies in registers, in several places, or nowhere: pieces of so many bytes.

    A piece of None was optimised out; only reading it is an error.
    """

    pieces: tuple[tuple[Node | None, int], ...]
    skipped: int = 0

    def part(self, at: int, size: int) -> Node:
        """As in ``Memory``; Unlocated where a part of it does not exist."""
        start, found, wanted = 0, list[tuple[Node, int]](), (at + self.skipped, at + self.skipped + size)
        for node, length in self.pieces:
            low, high = max(start, wanted[0]), min(start + length, wanted[1])
            if low < high:
                if node is None:
                    raise Unlocated("this part of it was optimised out")
                whole = low == start and high == start + length
                found.append((node if whole else Bits(node, 8 * (low - start), 8 * (high - low)), high - low))
            start += length
        if sum(length for _, length in found) < size or not found:
            raise Unlocated("this part of it lies nowhere")
        return found[0][0] if len(found) == 1 else Joined(tuple(found))

    def inside(self, at: int) -> Pieces:
        return Pieces(self.pieces, self.skipped + at)


Storage = Memory | Pieces
