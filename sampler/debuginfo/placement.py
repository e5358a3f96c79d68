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
from sampler.debuginfo.symbols import COLD, Symbol

_GROWS_THE_STACK = "runtime.morestack"
_LARGEST = 1 << 20  # bytes of a function that are decoded
_BEFORE_A_TABLE = 8  # instructions between the look into a table and the jump


class UnknownExit(Exception):
    """Not all ways out of a function can be told: a phrase."""


@dataclass(frozen=True, slots=True)
class Code:
    """A function's instructions in order, by the symbol table, with those that GCC has laid apart (``NAME.cold``).

    ``parts``: from where to where they are. ``targets``: where its own jumps lead, as far as they say.
    """

    image: Image
    name: str
    low: int
    parts: tuple[tuple[int, int], ...]
    instructions: tuple[Instruction, ...]
    targets: frozenset[int]

    @staticmethod
    def around(image: Image, address: int) -> Code | None:
        """None where no symbol covers the address, or not all of the function can be decoded."""
        symbol = image.symbols.covering(address)
        if symbol is None:
            return None
        name = COLD.sub("", symbol.name)
        main = symbol if symbol.name == name else next(iter(image.symbols.named(name)), symbol)
        parts = [main, *image.symbols.laid_apart.get(name, ())]
        found = [_decoded(image, part) for part in parts]
        if not all(found) or not any(one.address == address for part in found for one in part):
            return None
        instructions = tuple(one for part in found for one in part)
        leading = (one.target for one in instructions if one.flow in (Flow.JUMP, Flow.BRANCH))
        targets = frozenset(one for one in leading if one is not None)
        spans = tuple((part.address, part.address + part.size) for part in parts)
        return Code(image, name, main.address, spans, instructions, targets)

    def at(self, address: int) -> Instruction | None:
        return next((one for one in self.instructions if one.address == address), None)

    @property
    def jumps_by_a_table(self) -> bool:
        """Then it is not known of any place whether it is jumped to."""
        return any(one.flow is Flow.JUMP and one.target is None for one in self.instructions)

    @property
    def begins_with_a_loop(self) -> bool:
        """Whether its first instruction is passed again by a jump of its own, other than for more stack."""
        back = (place for place, one in enumerate(self.instructions) if one.target == self.low)
        return any(
            self.instructions[place].flow in (Flow.JUMP, Flow.BRANCH) and not self._had_the_stack_grown(place)
            for place in back
        )

    def run(self, start: int) -> list[Instruction]:
        """From ``start`` on, the instructions that are passed once whenever that one is, in their order.

        Where the stack may grow, what comes before is passed again when it has grown: the run begins behind that.
        """
        if self.jumps_by_a_table:
            return self._pushes(start)
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

    def _pushes(self, start: int) -> list[Instruction]:
        """Of a run the part that is surely passed once: who saves a register there comes from outside."""
        if start != self.low:
            return [one for one in self.instructions if one.address == start]
        found: list[Instruction] = []
        for one in self._from(start):
            found.append(one)
            if one.flow is Flow.BRANCH and self._grows_the_stack(one):
                found.clear()
            elif one.flow is not Flow.NEXT:
                break
        last = max((place for place, one in enumerate(found) if one.text.startswith("push ")), default=0)
        return found[: last + 1]

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

    def _had_the_stack_grown(self, place: int) -> bool:
        """Whether the jump there comes behind a call for more stack."""
        for one in reversed(self.instructions[:place]):
            if one.flow is Flow.CALL:
                called = self.image.symbols.covering(one.target) if one.target is not None else None
                return called is not None and called.name.startswith(_GROWS_THE_STACK)
            if one.flow is not Flow.NEXT:
                return False
        return False

    def exits(self) -> list[Instruction]:
        """One instruction for each way out: a return, or a jump to another function in its place.

        Of each the cheapest of the run that ends there. Raises UnknownExit where there may be others.
        """
        return [self._cheapest_before(place) for place in range(len(self.instructions)) if self._leaves(place)]

    def _leaves(self, place: int) -> bool:
        one = self.instructions[place]
        if one.flow is Flow.RETURN:
            return True
        if one.flow is Flow.JUMP and one.target is None and not self._is_by_a_table(place):
            raise UnknownExit("it jumps to where is reckoned at run time")
        if one.target is None or self._is_inside(one.target):
            return False
        if one.flow is Flow.BRANCH:
            raise UnknownExit("it jumps to another function under a condition")
        return one.flow is Flow.JUMP

    def _is_inside(self, address: int) -> bool:
        return any(low <= address < high for low, high in self.parts)

    def _is_by_a_table(self, place: int) -> bool:
        """Whether an index leads there: to a case of a ``switch``."""
        return any(one.indexes for one in self.instructions[max(0, place - _BEFORE_A_TABLE) : place + 1])

    def _cheapest_before(self, place: int) -> Instruction:
        chosen = self.instructions[place]
        if self.jumps_by_a_table:
            return chosen
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


def _decoded(image: Image, symbol: Symbol) -> list[Instruction]:
    """Empty unless it is all instructions."""
    if not 0 < symbol.size <= _LARGEST:
        return []
    found = list(decode(image.code(symbol.address, symbol.size), symbol.address))
    return found if found and found[-1].end == symbol.address + symbol.size else []


def unchanged(run: list[Instruction], registers: frozenset[int]) -> Iterator[Instruction]:
    """Those of a run, from its second on, before which neither memory nor one of those registers has changed."""
    for before, one in pairwise(run):
        if before.stores or before.writes & registers or before.flow is not Flow.NEXT:
            return
        yield one
