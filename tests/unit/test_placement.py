"""Where in a function a probe is put: what each call passes once, and where the question has the same answer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sampler.debuginfo.instructions import Flow, Instruction
from sampler.debuginfo.placement import Code, UnknownExit, unchanged
from tests.images import opened

SOURCE = """
int other(int);
long sink;
int tail(int x) { return other(x + 1); }
int early(int x) { if (x < 8) return 0; return other(x) + x; }
int twice(int x) { int sum = 0; do { sum += other(x); } while (--x); return sum; }
int chosen(int (*way)(int), int x) { return way(x); }
void forever(void) { for (;;) other(1); }
int other(int x) { return x * x; }
int cases(int k, int x) {
    switch (k) {
    case 0: sink = x; return x ^ 3;
    case 1: sink = x + 1; return x * 7;
    case 2: sink = x + 2; return x - 11;
    case 3: sink = x + 3; return x / 3;
    case 4: sink = x + 4; return x % 5;
    }
    return 0;
}
__attribute__((cold, noinline)) void rare(long a) { sink = a; }
long partly(long a) { if (__builtin_expect(a % 3 == 0, 0)) { rare(a); return a * 5 + sink; } sink += a; return a + 1; }
int main(void) {
    return tail(1) + early(9) + twice(2) + chosen(other, 1) + cases(1, 2) + partly(3) ? (forever(), 1) : 0;
}
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("placed")
    (folder / "it.c").write_text(SOURCE)
    options = ["-O2", "-g", "-fno-inline", "-fno-ipa-cp", "-fno-ipa-icf"]
    subprocess.run(["gcc", *options, "-o", folder / "it", folder / "it.c"], check=True)
    return folder / "it"


@contextmanager
def code_of(program: str | Path, name: str) -> Iterator[Code]:
    with opened(program) as image:
        (symbol,) = image.symbols.named(name)
        found = Code.around(image, symbol.address)
        assert found is not None
        yield found


def test_in_go_a_run_begins_behind_the_stack_check() -> None:
    """What comes before it is passed again when the stack has grown, and when a call is preempted there."""
    with code_of("go_uprobe", "main.f") as code:
        assert code.instructions[0].text.startswith("cmp rsp")
        assert code.run(code.low)[0].text == "push rbp"
        assert code.first_cheap().text == "push rbp"
        assert not code.begins_with_a_loop


def test_a_run_ends_where_not_every_call_goes_on(compiled: Path) -> None:
    with code_of(compiled, "early") as code:
        run = code.run(code.low)
        assert run[-1].flow is Flow.BRANCH
        assert all(one.flow is Flow.NEXT for one in run[:-1])


def test_a_run_does_not_enter_a_loop(compiled: Path) -> None:
    with code_of(compiled, "twice") as code:
        run = code.run(code.low)
        (head,) = code.targets
        assert run[-1].end == head


def test_a_jump_in_the_place_of_a_return_is_a_way_out(compiled: Path) -> None:
    with code_of(compiled, "tail") as code, opened(compiled) as image:
        (way,) = code.exits()
        assert way.target == image.symbols.named("other")[0].address


def test_each_return_is_a_way_out_and_none_is_in_another_ones_place(compiled: Path) -> None:
    """Where a table leads to cases, it is not known what is jumped to: nothing is taken for the way to a return."""
    for name in ("early", "cases"):
        with code_of(compiled, name) as code:
            returns = [one for one in code.instructions if one.flow is Flow.RETURN]
            assert len(code.exits()) == len(returns)
    with code_of(compiled, "cases") as code:
        assert code.jumps_by_a_table
        assert all(one.flow is Flow.RETURN for one in code.exits())


def test_what_the_compiler_has_laid_apart_is_part_of_its_function(compiled: Path) -> None:
    with code_of(compiled, "partly") as code:
        assert len(code.parts) == 2
        returns = [one for one in code.instructions if one.flow is Flow.RETURN]
        assert len(code.exits()) == len(returns) == 2


def test_where_not_all_ways_out_are_known_it_is_refused(compiled: Path) -> None:
    with code_of(compiled, "chosen") as code, pytest.raises(UnknownExit, match="reckoned at run time"):
        code.exits()
    with code_of(compiled, "forever") as code:
        assert code.exits() == []


def instruction(address: int, writes: int | None = None, stores: bool = False) -> Instruction:
    written = frozenset() if writes is None else frozenset({writes})
    return Instruction(address, 1, "it", Flow.NEXT, None, False, stores, written, False)


def test_what_is_asked_behind_the_point_has_not_changed_since() -> None:
    run = [instruction(0, 3), instruction(1), instruction(2, 5), instruction(3, stores=True), instruction(4)]
    assert [one.address for one in unchanged(run, frozenset({5}))] == [1, 2]
    assert [one.address for one in unchanged(run, frozenset({3}))] == []
    assert [one.address for one in unchanged(run, frozenset())] == [1, 2, 3]
