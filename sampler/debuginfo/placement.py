"""Where in a function a uprobe is set: the cheapest instruction that each call passes exactly once.

A uprobe on an instruction that the kernel emulates costs a fraction of one on any other, which is copied aside and
stepped over: two exceptions more (arch/x86/kernel/uprobes.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sampler.debuginfo.image import Image
from sampler.debuginfo.instructions import Flow, Instruction, decode

_GROWS_THE_STACK = "runtime.morestack"
_LARGEST = 1 << 20  # bytes of a function that are decoded


@dataclass(frozen=True, slots=True)
class Code:
    """A function's instructions in order, by the symbol table. ``targets``: where its own jumps lead."""

    image: Image
    name: str
    low: int
    instructions: tuple[Instruction, ...]
    targets: frozenset[int]

    @staticmethod
    def around(image: Image, address: int) -> Code | None:
        """None where no symbol covers the address, or what is there cannot be decoded up to it."""
        symbol = image.symbols.covering(address)
        if symbol is None or not symbol.size:
            return None
        code = image.code(symbol.address, min(symbol.size, _LARGEST))
        found = tuple(decode(code, symbol.address))
        if all(one.address != address for one in found):
            return None
        leading = (one.target for one in found if one.flow in (Flow.JUMP, Flow.BRANCH))
        return Code(image, symbol.name, symbol.address, found, frozenset(one for one in leading if one is not None))

    @property
    def end(self) -> int:
        return self.instructions[-1].end

    def at(self, address: int) -> Instruction | None:
        return next((one for one in self.instructions if one.address == address), None)

    def run(self, start: int) -> list[Instruction]:
        """From ``start`` on, the instructions that are passed once whenever that one is, in their order.

        Where the stack may grow, what comes before is passed again when it has grown: the run begins behind that.
        """
        found: list[Instruction] = []
        for one in self._from(start):
            if one.address != start and one.address in self.targets:
                break
            found.append(one)
            if one.flow is Flow.BRANCH and self._grows_the_stack(one):
                found.clear()
            elif one.flow is not Flow.NEXT:
                break
        return found

    def first_cheap(self) -> Instruction:
        """Where each call is met once, cheaply if that can be."""
        run = self.run(self.low)
        return next((one for one in run if one.emulated), self.instructions[0])

    def _from(self, address: int) -> Iterator[Instruction]:
        return (one for one in self.instructions if one.address >= address)

    def _grows_the_stack(self, branch: Instruction) -> bool:
        """Whether it leads to what Go's compiler lays behind a function: a call for more stack, and back."""
        for one in self._from(branch.target or 0):
            if one.flow is Flow.CALL and one.target is not None:
                called = self.image.symbols.covering(one.target)
                return called is not None and called.name.startswith(_GROWS_THE_STACK)
            if one.flow is not Flow.NEXT:
                return False
        return False

    def exits(self) -> list[Instruction]:
        """One instruction for each way out: a return, or a jump to another function in its place.

        Of each the cheapest of the run that ends there.
        """
        return [self._cheapest_before(place) for place, one in enumerate(self.instructions) if self._leaves(one)]

    def _leaves(self, one: Instruction) -> bool:
        if one.flow is Flow.RETURN:
            return True
        return one.flow is Flow.JUMP and one.target is not None and not self.low <= one.target < self.end

    def _cheapest_before(self, place: int) -> Instruction:
        chosen = self.instructions[place]
        for one in reversed(self.instructions[:place]):
            if chosen.emulated or chosen.address in self.targets or one.flow is not Flow.NEXT:
                break
            if self._is_entered_between(one.address, self.instructions[place].address):
                break
            if one.emulated:
                return one
        return chosen

    def _is_entered_between(self, first: int, last: int) -> bool:
        return any(first < target <= last for target in self.targets)


def unchanged(run: list[Instruction], registers: frozenset[int]) -> Iterator[Instruction]:
    """Those of a run, from its second on, before which neither memory nor one of those registers has changed."""
    for before, one in pairwise(run):
        if before.stores or before.writes & registers or before.flow is not Flow.NEXT:
            return
        yield one
