"""Static probes: read from the notes, their arguments as plans."""

from __future__ import annotations

import pytest

from sampler.debuginfo.usdt import Probe, argument, probes
from sampler.plan.evaluate import evaluate
from sampler.plan.steps import Moment
from tests.images import opened


def test_those_of_a_program_are_found() -> None:
    with opened("go_usdt") as image:
        found = {(one.provider, one.name): one for one in probes(image.elf)}
    assert set(found) == {(provider, name) for provider in ("usdt", "guarded") for name in ("entry", "exit")}
    assert found["usdt", "entry"].semaphore == 0
    assert found["guarded", "entry"].semaphore != found["guarded", "exit"].semaphore != 0


def test_a_program_without_any_has_none() -> None:
    with opened("c_types") as image:
        assert list(probes(image.elf)) == []


REGISTERS = (*(0x1111_2222_3333_4400 + number for number in range(16)), 0)


def read(address: int, size: int) -> bytes:
    return (address % 251).to_bytes(1, "little") * size


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("8@%rax", 0, 0x1111_2222_3333_4400),
        ("4@%ecx", 0, 0x3333_4402),
        ("-4@$-5", 0, -5),
        ("8@$17 -1@%dil", 1, 5),
        ("1@%al", 0, 0),
        ("-8@-16(%rbp)", 0, None),
        ("4@(%rsp)", 0, None),
        ("8@24(%rax,%rcx,8)", 0, None),
        ("16@%xmm0 8@%rdi", 1, 0x1111_2222_3333_4405),
    ],
)
def test_an_argument_is_read_from_where_the_probe_says(text: str, number: int, expected: int | None) -> None:
    plan = argument(Probe("p", "n", 0, 0, text), number)
    assert plan is not None
    found = evaluate(plan, Moment(REGISTERS, read))
    assert isinstance(found, int)
    assert expected is None or found == expected


@pytest.mark.parametrize("text", ["", "8@symbol(%rip)", "8@%xmm0", "8@%ah", "8@$foo", "8@$010", "16@%xmm0 8@%rdi"])
def test_what_no_program_can_read_is_no_argument(text: str) -> None:
    assert argument(Probe("p", "n", 0, 0, text), 0) is None
