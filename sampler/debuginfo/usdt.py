"""Static probes (USDT) that a program's authors have built in: where they are, what they tell, what switches them on.

Format: the notes of <sys/sdt.h>, https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sampler.debuginfo.registers import REGISTERS
from sampler.plan.nodes import WORD, Arithmetic, Base, Block, Constant, Decode, Kind, Node, Part, Register, offset

_ADDRESSES = struct.Struct("<QQQ")  # the probe, where .stapsdt.base was when it was linked, the semaphore
_NT_STAPSDT = 3
MOST_ARGUMENTS = 12
# -4@112(%rsp), 8@%rax, 8@$5, 1@name+4(%rip): a size, negative with a sign, and an operand in the assembler's writing.
_ARGUMENT = re.compile(r"(?P<size>-?[1248])(?P<float>f)?@(?P<operand>\S+)")
_NUMBER = re.compile(r"-?(0x[0-9a-f]+|0|[1-9]\d*)")
_INDIRECT = re.compile(r"(?P<by>-?(?:0x[0-9a-f]+|\d+))?\(%(?P<base>\w+)(?:,%(?P<index>\w+)(?:,(?P<scale>[1248]))?)?\)")


@dataclass(frozen=True, slots=True)
class Probe:
    """``address``: of the file. ``semaphore``: of the number that is not 0 while somebody listens; 0 if it has none."""

    provider: str
    name: str
    address: int
    semaphore: int
    arguments: str


def probes(elf: Any) -> Iterator[Probe]:
    """All of one ELF file; each place in the code is one, several may have a name."""
    section = elf.get_section_by_name(".note.stapsdt")
    if section is None or section["sh_type"] == "SHT_NOBITS":
        return
    base = elf.get_section_by_name(".stapsdt.base")
    for description in _descriptions(bytes(section.data())):
        address, linked_base, semaphore = _ADDRESSES.unpack_from(description)
        moved = base["sh_addr"] - linked_base if base is not None and linked_base else 0  # by prelink
        provider, name, arguments, *_ = (*description[_ADDRESSES.size :].split(b"\0"), b"", b"")
        yield Probe(provider.decode(errors="replace"), name.decode(errors="replace"), address + moved,
                    semaphore + moved if semaphore else 0, arguments.decode(errors="replace"))  # fmt: skip


def _descriptions(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<III", data, at)
        start = at + 12 + -(-name_size // 4) * 4
        if kind == _NT_STAPSDT and data[at + 12 : at + 12 + name_size] == b"stapsdt\0" and size > _ADDRESSES.size:
            yield data[start : start + size]
        at = start + -(-size // 4) * 4


def argument(probe: Probe, number: int) -> Node | None:
    """What the probe tells in that place, from 0 on, as a plan; None if there is none that a program can read."""
    words = probe.arguments.split()
    found = _ARGUMENT.fullmatch(words[number]) if number < len(words) else None
    if found is None:
        return None
    size = int(found["size"])
    kind = Kind(Base.FLOAT if found["float"] else Base.INTEGER, abs(size), size < 0)
    raw = _operand(found["operand"], kind.size)
    return Decode(raw, kind) if raw is not None else None


def _operand(text: str, size: int) -> Node | None:
    if text.startswith("$"):
        number = _NUMBER.fullmatch(text[1:])
        return Constant(int(text[1:], 0) & (1 << 8 * size) - 1) if number else None
    if text.startswith("%"):
        found = REGISTERS.get(text[1:])
        return Register(found[0], min(size, found[1])) if found and not text.endswith("h") else None
    indirect = _INDIRECT.fullmatch(text)
    address = _address(indirect) if indirect else None
    return Part(Block(address, size), 0, size) if address is not None else None


def _address(operand: re.Match[str]) -> Node | None:
    base, index = REGISTERS.get(operand["base"]), REGISTERS.get(operand["index"] or "rax")
    if base is None or index is None:
        return None
    address: Node = Register(base[0])
    if operand["index"]:
        address = Arithmetic(
            "+", address, Arithmetic("*", Register(index[0]), Constant(int(operand["scale"] or 1)), WORD), WORD
        )
    return offset(address, int(operand["by"] or "0", 0))
