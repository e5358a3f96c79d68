"""Every call is counted, by bpftrace and by BCC, held against the program's own count."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.tracee import Tracee
from tests.conftest import Start
from tests.integration.help import Line, assert_as_found, sampler
from tests.integration.tracing import TOOLS, WITHOUT_BUDGET, tracing

CALLS = 20_000
RETURN = "main.f:return"


def paused(start: Start, *options: str) -> Tracee:
    """Between calls, so that none is under way when probes are set."""
    caller = start(*options, program="go_uprobe")
    assert caller.ask("pause") == '{"ok":"pause"}\n'
    return caller


def call(caller: Tracee, count: int) -> None:
    assert caller.ask(f"calls {count}") == '{"ok":"calls"}\n'


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("threads", [1, 3])
def test_every_call_and_every_return_is_counted(start: Start, tool: str, threads: int) -> None:
    """Though Go enters a function anew when its stack has grown, or when it was preempted there."""
    caller = paused(start, f"-threads={threads}", "-yield=false")
    with tracing("count", caller.pid, "main.f", RETURN, tool=tool) as run:
        assert run.attached()["counts"] == {"main.f": 0, RETURN: 0}
        call(caller, CALLS)
        found = run.tally(lambda line: line["counts"][RETURN] >= CALLS)
        assert found["counts"] == {"main.f": CALLS, RETURN: CALLS}
        assert run.end()["counts"] == {"main.f": CALLS, RETURN: CALLS}
        assert run.process.wait(20) == 0
    assert_as_found(caller.pid)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_running_program_is_counted_within_the_edges_of_each_reading(start: Start, tool: str) -> None:
    caller = start("-rate=1000", program="go_uprobe")
    with tracing("count", caller.pid, "main.f", tool=tool) as run:
        run.attached()
        before = caller.report()
        for _ in range(3):
            run.tally()
        after = caller.report()
        run.end()
    assert_between(run.lines, before, after)


def assert_between(lines: list[Line], before: Line, after: Line) -> None:
    """What was counted from a reading after the one report to one before the other is no more than the program's own;
    from a reading before it to one after, no less.
    """
    start_ns = lines[0]["started_monotonic_ns"]
    tallies = [line for line in lines if line["type"] == "tally"]
    early, late = before["at_ns"], after["at_ns"]
    calls = after["calls"] - before["calls"]
    inside = [
        line
        for line in tallies
        if early[1] <= start_ns + line["read_ns"][0] and start_ns + line["read_ns"][1] <= late[0]
    ]
    if len(inside) > 1:
        assert inside[-1]["counts"]["main.f"] - inside[0]["counts"]["main.f"] <= calls
    first = [line for line in tallies if start_ns + line["read_ns"][1] <= early[0]]
    last = [line for line in tallies if start_ns + line["read_ns"][0] >= late[1]]
    if first and last:
        assert last[0]["counts"]["main.f"] - first[-1]["counts"]["main.f"] >= calls


@pytest.mark.parametrize("point", ["main.f", "main.f+6"])
def test_it_is_said_where_the_probe_is_and_whether_it_is_cheap(start: Start, point: str) -> None:
    caller = paused(start)
    with tracing("count", caller.pid, point) as run:
        run.attached()
        call(caller, 100)
        assert run.tally(lambda line: line["counts"][point] >= 100)["counts"][point] == 100
        (site,) = run.lines[0]["sites"]
        assert site["emulated"] is True
        assert site["instruction"] == "push rbp"


def test_an_offset_is_taken_as_it_is_given(start: Start) -> None:
    """The first instruction: Go comes there anew when it has preempted a call there."""
    caller = paused(start)
    with tracing("count", caller.pid, "main.f+0") as run:
        run.attached()
        call(caller, 100)
        assert run.tally(lambda line: line["counts"]["main.f+0"] >= 100)
        (site,) = run.lines[0]["sites"]
        assert site["emulated"] is False
        assert site["instruction"].startswith("cmp")


def test_the_budget_ends_a_run_of_a_function_that_is_called_too_often(start: Start) -> None:
    caller = start(program="go_uprobe")
    done = sampler("count", str(caller.pid), "main.f+0", "--max-suspended=1%")
    assert done.returncode == 3
    assert "times a second" in done.stderr
    assert "--max-suspended 100%" in done.stderr
    assert_as_found(caller.pid)


@pytest.mark.parametrize(
    ("points", "status", "said"),
    [
        (["main.nothing"], 1, "there is no function main.nothing"),
        (["usdt:nothing"], 1, "has no static probe usdt:nothing"),
        (["main.f", "main.f"], 2, "the same point is given twice"),
        (["main.f+1"], 1, "no instruction is known to begin at"),
        (["uretprobe:main.f"], 1, "which Go moves and checks"),
        (["main.f\nx"], 2, "is not a program point"),
    ],
)
def test_what_matches_nothing_is_an_error_and_never_a_silent_zero(
    start: Start, points: list[str], status: int, said: str
) -> None:
    caller = start("-rate=1", program="go_uprobe")
    done = sampler("count", str(caller.pid), *points, WITHOUT_BUDGET)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert_as_found(caller.pid)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_end_of_the_target_ends_the_run_and_nothing_that_was_counted_is_lost(start: Start, tool: str) -> None:
    caller = paused(start)
    with tracing("count", caller.pid, "main.f", tool=tool) as run:
        run.attached()
        call(caller, CALLS)
        caller.process.kill()
        caller.process.wait()
        footer = run.until(lambda line: line["type"] == "footer")
        assert footer["ended"] == "target-ended"
        assert [line for line in run.lines if line["type"] == "tally"][-1]["counts"] == {"main.f": CALLS}
        assert run.process.wait(20) == 4


@pytest.mark.parametrize("tool", TOOLS)
def test_a_target_that_becomes_another_program_ends_the_run(moving: Tracee, tool: str) -> None:
    with tracing("count", moving.pid, "visit", tool=tool) as run:
        run.attached()
        run.tally(lambda line: line["counts"]["visit"] > 0)
        assert moving.ask("exec") == "ready\n"
        footer = run.until(lambda line: line["type"] == "footer")
        assert footer["ended"] == "target-ended"
        assert "another program" in footer["error"]["why"]
        assert run.process.wait(20) == 4
    assert_as_found(moving.pid)


@pytest.mark.parametrize("tool", TOOLS)
def test_several_processes_of_one_program_are_told_apart(start: Start, tool: str) -> None:
    caller, other = paused(start), start("-rate=1000", program="go_uprobe")
    with tracing("count", caller.pid, "main.f", tool=tool) as run:
        run.attached()
        call(caller, 10)
        assert run.tally(lambda line: line["counts"]["main.f"] >= 10)["counts"] == {"main.f": 10}
        if tool == "bcc":  # of which the other feels nothing
            assert run.lines[0]["others"] == 0
            assert_as_found(other.pid)
        else:  # bpftrace's probe it meets too, and it is said
            assert run.lines[0]["others"] >= 1
        assert run.end()["counts"] == {"main.f": 10}


# Functions whose ways out are not all where one would look: each call has one return, whatever the compiler made of it.

SOURCE = r"""
#include <stdio.h>
#include <string.h>
volatile long sink;
__attribute__((noipa)) int cases(int k, int x) {
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
__attribute__((noipa)) long partly(long a) {
    if (__builtin_expect(a % 3 == 0, 0)) { rare(a); return a * 5 + sink; }
    sink += a; return a + 1;
}
__attribute__((noipa)) int kept(register int n) { sink += n; return n; }
int main(void) {
    char line[64]; int count;
    puts("ready"); fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "calls %d", &count) != 1) continue;
        for (int turn = 0; turn < count; turn++) { cases(turn % 6, turn); partly(turn); kept(42); }
        puts("{\"ok\":\"calls\"}"); fflush(stdout);
    }
}
"""


def compiled(folder: Path, *options: str) -> Path:
    (folder / "it.c").write_text(SOURCE)
    subprocess.run(["gcc", "-g", *options, "-o", folder / "it", folder / "it.c"], check=True)
    return folder / "it"


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("options", [("-O2",), ("-O2", "-fcf-protection"), ("-O0",)])
def test_each_call_has_one_return(tmp_path: Path, tool: str, options: tuple[str, ...]) -> None:
    points = ("cases", "cases:return", "partly", "partly:return")
    with Tracee(program=compiled(tmp_path, *options)) as caller:
        with tracing("count", caller.pid, *points, tool=tool) as run:
            run.attached()
            call(caller, 600)
            assert run.tally(lambda line: line["counts"]["partly:return"] >= 600)["counts"] == dict.fromkeys(
                points, 600
            )
            run.end()
        assert_as_found(caller.pid)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_variable_in_a_register_is_not_asked_for_before_it_is_there(tmp_path: Path, tool: str) -> None:
    """Whose place has no list: it is said to be there from the first instruction on."""
    with Tracee(program=compiled(tmp_path, "-O0")) as caller:
        options = ("--at=kept", "--aggregate=stats")
        with tracing("watch", caller.pid, "n", *options, tool=tool) as run:
            run.attached()
            call(caller, 10)
            found = run.tally(lambda line: line["cost"]["hits"] >= 10)
            assert found["numbers"]["n"] == {"count": 10, "sum": 420, "low": 42, "high": 42}
            run.end()


@pytest.mark.parametrize("tool", TOOLS)
def test_a_path_that_would_end_a_program_s_words_is_no_part_of_its_text(tmp_path: Path, tool: str) -> None:
    folder = tmp_path / 'a "b": {c}, * d'
    folder.mkdir()
    with Tracee(program=compiled(folder, "-O2")) as caller, tracing("count", caller.pid, "kept", tool=tool) as run:
        run.attached()
        call(caller, 10)
        assert run.tally(lambda line: line["counts"]["kept"] >= 10)
        run.end()


@pytest.mark.parametrize("words", [("--every=1m",), ("--instrument=bcc",)])
def test_the_budget_holds_however_seldom_it_is_told(start: Start, words: tuple[str, ...]) -> None:
    caller = start("-rate=100000", program="go_uprobe")
    done = sampler("count", str(caller.pid), "main.f", "--max-suspended=1%", *words)
    assert done.returncode == 3, done.stderr


def test_hits_that_do_not_meet_the_condition_cost_too(start: Start) -> None:
    caller = start("-rate=100000", program="go_uprobe")
    options = ("--at=main.f", "--when=number < 0 || number > 1 << 60", "--max-suspended=1%")
    for tool in TOOLS:
        done = sampler("watch", str(caller.pid), "number", *options, f"--instrument={tool}")
        assert done.returncode == 3, done


# What an attack has found.

ODD = r"""
#include <stdio.h>
#include <string.h>
struct pair { long a, b; };
__attribute__((noipa)) void keep(struct pair *p) { p->a += 0; }
__attribute__((noipa)) void zero(struct pair *p) { p->a = 0; p->b = 0; keep(p); }
__attribute__((noipa)) int dispatch(const unsigned char *code) {
    static const void *const way[] = {&&more, &&done};
    int sum = 0;
more:
    keep(&(struct pair){0, 0}); sum++;
    goto *way[*code++];
done:
    return sum;
}
/* It keeps its arguments below its stack pointer, over the longest nop of which Linux makes a call. */
long leaf(long, long);
__asm__(".text\n.globl leaf\n.type leaf,@function\nleaf: mov %rdi,-8(%rsp)\n mov %rsi,-16(%rsp)\n nopl 0(%rax,%rax,1)\n"
        " mov -8(%rsp),%rax\n sub -16(%rsp),%rax\n ret\n.size leaf,.-leaf\n");
int main(void) {
    char line[64]; int count, wrong = 0;
    puts("ready"); fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "calls %d", &count) != 1) continue;
        for (int turn = 0; turn < count; turn++) {
            struct pair p = {111, 222}; zero(&p);
            dispatch((const unsigned char *)"\0\0\1");
            wrong += leaf(turn, 7) != turn - 7;
        }
        printf("{\"ok\":\"calls\",\"wrong\":%d}\n", wrong); fflush(stdout);
    }
}
"""


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Tracee]:
    (tmp_path / "it.c").write_text(ODD)
    subprocess.run(["gcc", "-g", "-O2", "-o", tmp_path / "it", tmp_path / "it.c"], check=True)
    with Tracee(program=tmp_path / "it") as target:
        yield target


@pytest.mark.parametrize("tool", TOOLS)
def test_no_probe_is_put_where_linux_would_write_into_what_the_program_keeps(odd: Tracee, tool: str) -> None:
    with tracing("count", odd.pid, "leaf", tool=tool) as run:
        run.attached()
        assert odd.ask("calls 1000") == '{"ok":"calls","wrong":0}\n'
        assert run.tally(lambda line: line["counts"]["leaf"] >= 1000)["counts"] == {"leaf": 1000}
        run.end()
    done = sampler("count", str(odd.pid), "leaf+10", f"--with={tool}")
    assert (done.returncode, "writes where the function may keep something" in done.stderr) == (1, True), done
    assert odd.ask("calls 10") == '{"ok":"calls","wrong":0}\n'


@pytest.mark.parametrize("tool", TOOLS)
def test_a_probe_is_not_put_behind_what_changes_the_answer(odd: Tracee, tool: str) -> None:
    with tracing("watch", odd.pid, "p->a", "--at=zero", "--aggregate=stats", tool=tool) as run:
        run.attached()
        odd.ask("calls 100")
        found = run.tally(lambda line: line["cost"]["hits"] >= 100)
        assert found["numbers"]["p->a"] == {"count": 100, "sum": 11100, "low": 111, "high": 111}
        run.end()


@pytest.mark.parametrize("tool", TOOLS)
def test_calls_are_told_from_turns_where_a_table_leads_back(odd: Tracee, tool: str) -> None:
    with tracing("count", odd.pid, "dispatch", "dispatch:return", tool=tool) as run:
        run.attached()
        odd.ask("calls 100")
        found = run.tally(lambda line: line["counts"]["dispatch:return"] >= 100)
        assert found["counts"] == {"dispatch": 100, "dispatch:return": 100}
        run.end()


def test_two_points_of_one_instruction_are_not_counted_by_bpftrace(odd: Tracee) -> None:
    done = sampler("count", str(odd.pid), "keep", "keep+0", "--with=bpftrace")
    assert (done.returncode, "one instruction for two points" in done.stderr) == (1, True)
    done = sampler("latency", str(odd.pid), "keep", "keep+0")
    assert (done.returncode, "nothing is between them" in done.stderr) == (1, True)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_function_that_is_called_without_a_pause_does_not_keep_a_run_from_its_end(start: Start, tool: str) -> None:
    caller = start(program="go_uprobe")
    with tracing("watch", caller.pid, "number", "--at=main.f", "--duration=500ms", tool=tool) as run:
        run.until(lambda line: line["type"] == "footer")
        assert run.process.wait(20) == 0
    samples = [line for line in run.lines if line["type"] == "samples"]
    assert samples
    assert max(len(line["t_ns"]) for line in samples) <= 10_000
    assert_as_found(caller.pid)
