"""A function's machine code, instruction by instruction: where each begins, where it leads, what it touches.

Decoded by Capstone. Which instructions a uprobe costs little on is told by arch/x86/kernel/uprobes.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from sampler.debuginfo.registers import REGISTERS

_PUSHES, _REX_B = range(0x50, 0x58), 0x41
_BRANCHES = (0xE8, 0xE9, 0xEB, *range(0x70, 0x80))
_NEAR, _NEAR_BRANCHES = 0x0F, range(0x80, 0x90)


class Flow(Enum):
    """Where an instruction leads: to the next one, elsewhere, perhaps elsewhere, into another function and back,
    back to the caller, or nowhere.
    """

    NEXT = "next"
    JUMP = "jump"
    BRANCH = "branch"
    CALL = "call"
    RETURN = "return"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Instruction:
    """``address``: of the file. ``target``: of a jump, branch or call; None where it is reckoned at run time.

    ``emulated``: a uprobe on it need not be stepped over: the kernel does itself what it would do.
    ``stores``: it may change memory other than what ``push`` lays on the stack. ``writes``: the general registers that
    it changes, by their DWARF numbers. ``indexes``: it reads memory by an index.
    """

    address: int
    size: int
    text: str
    flow: Flow
    target: int | None
    emulated: bool
    stores: bool
    writes: frozenset[int]
    indexes: bool

    @property
    def end(self) -> int:
        return self.address + self.size


def decode(code: bytes, address: int) -> Iterator[Instruction]:
    """As far as the bytes are instructions."""
    for found in _decoder().disasm(code, address):
        flow = _flow(found)
        target = _target(found) if flow in (Flow.JUMP, Flow.BRANCH, Flow.CALL) else None
        text = f"{found.mnemonic} {found.op_str}".strip()
        touches = (_stores(found), _writes(found), _indexes(found))
        yield Instruction(found.address, found.size, text, flow, target, _is_emulated(bytes(found.bytes)), *touches)


@cache
def _decoder() -> Any:
    import capstone

    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    decoder.detail = True
    return decoder


def _flow(found: Any) -> Flow:
    from capstone import x86

    if found.group(x86.X86_GRP_RET) or found.group(x86.X86_GRP_IRET):
        return Flow.RETURN
    if found.group(x86.X86_GRP_CALL) or found.id in (x86.X86_INS_SYSCALL, x86.X86_INS_SYSENTER, x86.X86_INS_INT):
        return Flow.CALL  # into the kernel, too
    if found.group(x86.X86_GRP_JUMP):
        return Flow.JUMP if found.id in (x86.X86_INS_JMP, x86.X86_INS_LJMP) else Flow.BRANCH
    return Flow.NOWHERE if found.id in (x86.X86_INS_UD2, x86.X86_INS_INT3, x86.X86_INS_HLT) else Flow.NEXT


def _target(found: Any) -> int | None:
    from capstone import x86

    operand = found.operands[0] if found.operands else None
    return int(operand.imm) if operand is not None and operand.type == x86.X86_OP_IMM else None


def _stores(found: Any) -> bool:
    """False only of what is known to store nothing: Capstone's own word on it is wrong for many."""
    from capstone import x86

    if found.mnemonic in _READS_ALL or found.mnemonic.startswith(("j", "call", "ret")):
        return False
    plain = found.mnemonic in _WRITES_THE_FIRST or found.mnemonic.startswith(("set", "cmov"))
    return not plain or any(operand.type == x86.X86_OP_MEM for operand in found.operands[:1])


_READS_ALL = frozenset(("push", "cmp", "test", "lea", "nop", "endbr64", "cdq", "cqo", "cdqe", "cwde"))
_WRITES_THE_FIRST = frozenset((
    *("mov", "movabs", "movzx", "movsx", "movsxd", "add", "sub", "and", "or", "xor", "not", "neg", "inc", "dec"),
    *("shl", "shr", "sar", "sal", "imul", "pop", "pxor", "xorps"),
))  # fmt: skip


def _writes(found: Any) -> frozenset[int]:
    _, written = found.regs_access()
    names = (found.reg_name(register) for register in written)
    return frozenset(REGISTERS[name][0] for name in names if name in REGISTERS)


def _indexes(found: Any) -> bool:
    from capstone import x86

    return any(operand.type == x86.X86_OP_MEM and operand.mem.index for operand in found.operands)


def _is_emulated(code: bytes) -> bool:
    """push_setup_xol_ops and branch_setup_xol_ops: pushes of a register, nops, and branches to a known place; none
    with a prefix, but that of the registers from r8 on.
    """
    if len(code) > 1 and code[0] == _NEAR and code[1] in _NEAR_BRANCHES:
        return True
    if code[0] in _BRANCHES or code in _NOPS:
        return True
    opcode = code[1] if len(code) == 2 and code[0] == _REX_B else code[0] if len(code) == 1 else 0
    return opcode in _PUSHES


#: Since 6.18, Linux makes a call of this one at a hit, which writes below the stack pointer: where a function may keep
#: something (arch/x86/kernel/uprobes.c, arch_uprobe_optimize).
CALLED_NOP = "nop dword ptr [rax + rax]"
# The kernel's other ones, by their length (arch/x86/include/asm/nops.h; the longer ones since Linux 6.16), and 0x90.
_NOPS = tuple(
    bytes.fromhex(text)
    for text in (
        "90", "6690", "0f1f00", "0f1f4000", "660f1f440000", "0f1f8000000000", "0f1f840000000000",
    )
)  # fmt: skip
