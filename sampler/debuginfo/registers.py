"""The general registers by the names that assemblers use, at each of their widths."""

from __future__ import annotations


def _names(register: str) -> list[tuple[str, int]]:
    """Of a register of 16 bits, and of the wider and the narrower ones that are it: rax, eax, ax, al, ah."""
    if register[0] == "r":
        return [(register, 8), (register + "d", 4), (register + "w", 2), (register + "b", 1)]
    narrow = [(register[0] + "l", 1), (register[0] + "h", 1)] if register[1] == "x" else [(register + "l", 1)]
    return [("r" + register, 8), ("e" + register, 4), (register, 2), *narrow]


# In the order of DWARF's numbers: System V ABI, AMD64, figure 3.36.
_ORDER = ["ax", "dx", "cx", "bx", "si", "di", "bp", "sp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"]
#: DWARF's number and the size in bytes, by name.
REGISTERS = {name: (number, size) for number, register in enumerate(_ORDER) for name, size in _names(register)}
