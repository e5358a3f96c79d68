"""The canonical frame address (CFA) at an instruction, from .debug_frame or .eh_frame: one entry is read."""

from __future__ import annotations

import struct
from bisect import bisect_right
from functools import cached_property
from io import BytesIO
from typing import Any

from sampler.debuginfo import machine
from sampler.debuginfo.image import Image
from sampler.debuginfo.units import find_all
from sampler.plan.nodes import Node, Register, offset

_HEADER = struct.Struct("<BBBBiI")  # .eh_frame_hdr: LSB core specification, 10.6.2
_TABLE_ENTRY = struct.Struct("<ii")
_EXPECTED_ENCODINGS = (0x1B, 0x03, 0x3B)  # pc-relative, 4 bytes; a number of 4 bytes; section-relative, 4 bytes
#: A register with an offset, or an expression.
Rule = tuple[int, int] | list[int]
# DW_CFA_*, DWARF 5, table 7.29.
_SET_LOC, _REMEMBER, _RESTORE, _EXPRESSION = 0x01, 0x0A, 0x0B, 0x0F
_ADVANCES = (_SET_LOC, 0x02, 0x03, 0x04, 0x40)
_DEFINE, _DEFINE_REGISTER, _DEFINE_OFFSET, _DEFINE_SIGNED, _DEFINE_SIGNED_OFFSET = 0x0C, 0x0D, 0x0E, 0x12, 0x13
_DEFINITIONS = (_DEFINE, _DEFINE_REGISTER, _DEFINE_OFFSET, _DEFINE_SIGNED, _DEFINE_SIGNED_OFFSET)


class Frames:
    """The call frame information of one image."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def cfa(self, address: int, function_low: int) -> Node | None:
        """Where the frame of the function begins, when the processor is about to execute ``address``."""
        entry = self._debug_frame_entry(function_low) or self._eh_frame_entry(address)
        rule = _rule_at(entry, address) if entry is not None else None
        if rule is None:
            return None
        if isinstance(rule, tuple):
            return offset(Register(rule[0]), rule[1])
        return machine.computed(self._image.dwarf, rule)

    def _debug_frame_entry(self, low: int) -> Any | None:
        """DWARF 5, 6.4.1: length, CIE's offset, initial location, range."""
        data = self._image.debug_frame
        for at in find_all(data, low.to_bytes(8, "little")):
            start = at - 8
            if start < 0:
                continue
            length, cie = struct.unpack_from("<II", data, start)
            end = start + 4 + length
            if not 16 <= length <= len(data) - start or cie >= start:
                continue
            cut = self._cut(data, cie, start, end, pointer=0)
            return self._parse(cut, address=0, for_eh_frame=False)
        return None

    def _eh_frame_entry(self, address: int) -> Any | None:
        section = self._image.elf.get_section_by_name(".eh_frame")
        start = self._eh_entry_address(address)
        if section is None or start is None:
            return None
        data, base = self._section(".eh_frame"), section["sh_addr"]
        at = start - base
        length, back = struct.unpack_from("<II", data, at)
        cie = at + 4 - back
        cie_size = 4 + struct.unpack_from("<I", data, cie)[0]
        cut = self._cut(data, cie, at, at + 4 + length, pointer=cie_size + 4)
        # Its addresses are relative to where it stands: keep that as it was.
        entry = self._parse(cut, address=start - cie_size, for_eh_frame=True)
        return entry if entry is not None and address < entry["initial_location"] + entry["address_range"] else None

    def _eh_entry_address(self, address: int) -> int | None:
        section = self._image.elf.get_section_by_name(".eh_frame_hdr")
        if section is None:
            return None
        base = section["sh_addr"]
        starts, places = self._eh_table
        at = bisect_right(starts, address - base) - 1
        return base + places[at] if at >= 0 else None

    @cached_property
    def _eh_table(self) -> tuple[list[int], list[int]]:
        data = self._section(".eh_frame_hdr")
        if len(data) < _HEADER.size:
            return [], []
        _, *encodings, _, count = _HEADER.unpack_from(data)
        if tuple(encodings) != _EXPECTED_ENCODINGS:
            return [], []
        table = data[_HEADER.size : _HEADER.size + count * _TABLE_ENTRY.size]
        pairs = list(_TABLE_ENTRY.iter_unpack(table[: len(table) // 8 * 8]))
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def _section(self, name: str) -> bytes:
        return self._image.section(name)

    @staticmethod
    def _cut(data: bytes, cie: int, start: int, end: int, pointer: int) -> bytes:
        """A section that holds that entry and its CIE, and nothing else."""
        cie_end = cie + 4 + struct.unpack_from("<I", data, cie)[0]
        return data[cie:cie_end] + data[start : start + 4] + pointer.to_bytes(4, "little") + data[start + 8 : end]

    def _parse(self, cut: bytes, address: int, for_eh_frame: bool) -> Any | None:
        from elftools.dwarf.callframe import FDE, CallFrameInfo

        frames = CallFrameInfo(BytesIO(cut), len(cut), address, self._image.dwarf.structs, for_eh_frame)
        return next((entry for entry in frames.get_entries() if isinstance(entry, FDE)), None)


def _rule_at(entry: Any, address: int) -> Rule | None:
    """The rule for the CFA that holds at an address: the instructions that come before it (DWARF 5, 6.4.2).

    Read here and not by the library: it stops at GNU's instructions, which are of no matter for the CFA.
    """
    place, rule, kept = entry["initial_location"], None, list[Rule | None]()
    by = entry.cie["code_alignment_factor"], entry.cie["data_alignment_factor"]
    for instruction in (*entry.cie.instructions, *entry.instructions):
        code, arguments = _number(instruction.opcode), instruction.args
        if code in _ADVANCES:
            place = arguments[0] if code == _SET_LOC else place + arguments[0] * by[0]
            if place > address:
                break
        elif code == _REMEMBER:
            kept.append(rule)
        elif code == _RESTORE and kept:
            rule = kept.pop()
        elif code == _EXPRESSION:
            rule = list(arguments[0])
        elif code in _DEFINITIONS:
            rule = _defined(code, rule if isinstance(rule, tuple) else (0, 0), arguments, by[1])
    return rule


def _defined(code: int, old: tuple[int, int], given: list[int], by: int) -> tuple[int, int]:
    """A register with an offset, one of which may stay; ``by``: what signed offsets are counted in."""
    if code == _DEFINE_REGISTER:
        return given[0], old[1]
    if code in (_DEFINE_OFFSET, _DEFINE_SIGNED_OFFSET):
        return old[0], given[0] * (by if code == _DEFINE_SIGNED_OFFSET else 1)
    return given[0], given[1] * (by if code == _DEFINE_SIGNED else 1)


def _number(opcode: Any) -> int:
    """Versions of the library differ: a number, or a member of an enumeration."""
    return int(getattr(opcode, "value", opcode))
