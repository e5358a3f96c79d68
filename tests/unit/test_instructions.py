"""Machine code taken apart: where it leads, what it touches, and which of it a uprobe costs little on."""

from __future__ import annotations

import pytest

from sampler.debuginfo.instructions import Flow, Instruction, decode

AT = 0x1000


def only(code: str) -> Instruction:
    (found,) = decode(bytes.fromhex(code), AT)
    return found


# Held against the kernel by tests/integration/test_emulation.py.
@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("55", "push rbp"), ("4154", "push r12"), ("90", "nop"), ("6690", "nop"), ("0f1f4000", "nop dword ptr [rax]"),
        ("eb00", "jmp 0x1002"), ("7600", "jbe 0x1002"),
        ("0f8600000000", "jbe 0x1006"), ("e800000000", "call 0x1005"),
    ],
)  # fmt: skip
def test_pushes_nops_and_branches_are_emulated(code: str, text: str) -> None:
    found = only(code)
    assert found.emulated
    assert found.text == text


@pytest.mark.parametrize(
    "code",
    [
        "493b6610", "4889e5", "4883ec10", "31c0", "c3", "58", "f30f1efa", "ff7518", "6a01", "e200", "e300", "ffe0",
        "ff10", "66e80000", "4055", "4855", "2e7400", "660f1f840000000000", "0f1f440000",
        "662e0f1f840000000000", "0f05",
    ],
)  # fmt: skip
def test_all_else_is_stepped_over(code: str) -> None:
    found = next(decode(bytes.fromhex(code + "90" * 4), AT))
    assert not found.emulated


@pytest.mark.parametrize(
    ("code", "flow", "target"),
    [
        ("4889e5", Flow.NEXT, None), ("eb10", Flow.JUMP, AT + 0x12), ("ffe0", Flow.JUMP, None),
        ("7410", Flow.BRANCH, AT + 0x12), ("e8fbffffff", Flow.CALL, AT), ("ffd0", Flow.CALL, None),
        ("c3", Flow.RETURN, None), ("f3c3", Flow.RETURN, None), ("0f0b", Flow.NOWHERE, None), ("0f05", Flow.CALL, None),
        ("cc", Flow.NOWHERE, None),
    ],
)  # fmt: skip
def test_where_an_instruction_leads(code: str, flow: Flow, target: int | None) -> None:
    found = only(code)
    assert (found.flow, found.target) == (flow, target)
    assert found.end == AT + len(code) // 2


@pytest.mark.parametrize(
    ("code", "stores", "writes"),
    [
        ("48894718", True, set()), ("488b4718", False, {0}), ("55", False, {7}), ("01c8", False, {0}),
        ("0f1107", True, set()), ("c5f81107", True, set()), ("0f9f07", True, set()), ("c3", False, {7}),
        ("4183c101", False, {9}), ("b001", False, {0}), ("48833f00", False, set()), ("f0480fc107", True, {0}),
    ],
)  # fmt: skip
def test_what_an_instruction_changes(code: str, stores: bool, writes: set[int]) -> None:
    found = only(code)
    assert found.stores is stores
    assert found.writes == writes
