"""Where in a function a probe is put: what each call passes once, and where the question has the same answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sampler.debuginfo.placement import Code, unchanged
from tests.images import opened

SOURCE = """
int other(int);
int tail(int x) { return other(x + 1); }
int early(int x) { if (x < 8) return 0; return other(x) + x; }
int twice(int x) { int sum = 0; do { sum += other(x); } while (--x); return sum; }
void forever(void) { for (;;) other(1); }
int other(int x) { return x * x; }
int main(void) { return tail(1) + early(9) + twice(2) == 0 ? (forever(), 1) : 0; }
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("placed")
    (folder / "it.c").write_text(SOURCE)
    options = ["-O1", "-g", "-fno-inline", "-foptimize-sibling-calls", "-fno-ipa-cp"]
    subprocess.run(["gcc", *options, "-o", folder / "it", folder / "it.c"], check=True)
    return folder / "it"


def code_of(program: str | Path, name: str) -> Code:
    with opened(program) as image:
        (symbol,) = image.symbols.named(name)
        found = Code.around(image, symbol.address)
        assert found is not None
        found.run(found.low), found.exits()  # while the file is open
        return found


def test_in_go_a_run_begins_behind_the_stack_check() -> None:
    """What comes before it is passed again when the stack has grown, and when a call is preempted there."""
    code = code_of("go_uprobe", "main.f")
    with opened("go_uprobe"):
        assert code.instructions[0].text.startswith("cmp rsp")
        assert code.run(code.low)[0].text == "push rbp"
        assert code.first_cheap().text == "push rbp"


def test_a_run_ends_where_not_every_call_goes_on(compiled: Path) -> None:
    run = code_of(compiled, "early").run(code_of(compiled, "early").low)
    assert run[-1].text.startswith(("jle", "jg", "cmp")) or run[-1].flow.value == "branch"
    assert all(one.flow.value == "next" for one in run[:-1])


def test_a_run_does_not_enter_a_loop(compiled: Path) -> None:
    code = code_of(compiled, "twice")
    run = code.run(code.low)
    assert all(one.address not in code.targets for one in run[1:])


def test_the_ways_out_are_returns_and_jumps_to_others(compiled: Path) -> None:
    with opened(compiled) as image:
        other = image.symbols.named("other")[0].address
    assert [one.text for one in code_of(compiled, "tail").exits()][-1].startswith(("jmp", "call", "ret"))
    tail = code_of(compiled, "tail")
    assert any(one.target == other for one in tail.instructions)
    assert len(code_of(compiled, "early").exits()) >= 1
    assert code_of(compiled, "forever").exits() == []


def test_what_is_asked_behind_the_point_has_not_changed_since(compiled: Path) -> None:
    code = code_of(compiled, "twice")
    run = code.run(code.low)
    behind = list(unchanged(run, frozenset(range(16))))
    pushes = 0
    for before in run:
        if before.stores or before.writes & set(range(16)):
            break
        pushes += 1
    assert len(behind) == min(pushes, len(run) - 1)
