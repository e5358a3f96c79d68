"""Memory that is read without a look: its values are the program's, and whatever moves or goes is told."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.tracee import Tracee
from tests.conftest import Start
from tests.images import compiled, located
from tests.integration.help import (
    Line,
    answers,
    assert_as_found,
    child_of,
    differing,
    ended,
    lines_of,
    lines_until,
    refusing,
    run_as_nobody,
    sampler,
    start_as_nobody,
    started,
    wait_until,
)

BY_PEEK = "--instrument=peek"
GAP = "r->write_index - r->read_index"
INDICES = ("r->write_index", "r->read_index", GAP)
OF_VISIT = ("o->number", "--at=visit", BY_PEEK, "--rate=1000/s", "--window=50ms")
PATIENT = "--window=10s"
ALL_BITS = 2**64 - 1


def recorded(*arguments: str) -> list[Line]:
    done = sampler("record", *arguments)
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_type(lines: list[Line], kind: str) -> list[Line]:
    return [line for line in lines if line["type"] == kind]


def until(run: subprocess.Popen[str], reached: Callable[[Line], object]) -> list[Line]:
    """The lines of a recording as far as one that is so."""
    read = []
    for line in lines_of(run):
        read.append(line)
        if reached(line):
            return read
    raise AssertionError(f"the recording ended before: {read[-2:]}")


def values(line: Line, expression: str = "o->number") -> list[Any]:
    """What a line of any type has of them, in their order."""
    found = line.get("values", {}).get(expression, [])
    return found if isinstance(found, list) else [found]


def all_values(lines: list[Line], expression: str = "o->number") -> list[Any]:
    return [value for line in lines for value in values(line, expression)]


def has(number: int) -> Callable[[Line], bool]:
    return lambda line: number in values(line)


def of_an_anchor(line: Line) -> bool:
    """Whether the address was looked up since the line before."""
    return "between_ns" in line.get("cost", {})


def untorn(lines: list[Line], *expressions: str) -> Iterator[tuple[Any, ...]]:
    """The values of the samples that are of one moment."""
    for line in lines:
        columns = [values(line, expression) for expression in expressions]
        torn = line.get("torn", []) if line["type"] == "samples" else [0] * (not line.get("atomic", True))
        yield from (row for place, row in enumerate(zip(*columns, strict=True)) if place not in torn)


def footer_of(run: subprocess.Popen[str]) -> Line:
    return list(lines_of(run))[-1]


def interrupted(run: subprocess.Popen[str]) -> None:
    run.send_signal(signal.SIGINT)
    assert footer_of(run)["ended"] == "interrupted"
    assert run.wait() == 0


@pytest.fixture
def moving(start: Start) -> Tracee:
    return start(program="moving")


# The values.


def test_the_values_are_those_that_the_program_tells(start: Start) -> None:
    ring = start(program="c_ring")
    with started("record", str(ring.pid), *INDICES, "--at=ring_write", BY_PEEK, "--rate=1000/s") as run:
        (header, *_) = lines_until(run, "samples")
        ring.ask("quiet")
        told: Counter[str] = Counter()

        def has_read_all() -> bool:
            report = ring.report()
            told.update({name: report[name] for name in ("writes", "reads", "drops")})
            return report["writes"] == report["reads"] == 0

        wait_until(has_read_all, "the reader has come to the end")
        now_ns = time.monotonic_ns() - header["started_monotonic_ns"]
        line = until(run, lambda line: line["type"] == "samples" and line["t_ns"][0] > now_ns)[-1]
        interrupted(run)
    assert set(values(line, "r->write_index")) == {told["writes"]}
    assert set(values(line, "r->read_index")) == {told["reads"] + told["drops"]}
    assert_as_found(ring.pid)


OF_KEEP = [
    "keep.size", "keep.head->last", "keep.head->pair.a", "keep.head->inner_int", "keep.head->as_bytes[2]",
    "keep.head->named.weight", "keep.head->next", "keep.head->next->colour", "keep.head->flag", "keep.bits->minus",
    "keep.bits->long_minus", "keep.bits->yes", "keep.packed->third", "keep.value->real", "keep.flexible->items[2]",
    "global_int", "global_pairs[1].b", "*global_pointer", "keep.head == 0", "keep.head->pair", "keep.size * 2 - 1",
    "keep.head && keep.head->flag", "keep.head->next->next && keep.head->next->next->flag",
    "!keep.head || keep.head->pair.b == 1",
]  # fmt: skip
OF_GO = [
    "k.number", "k.outer.ID", "k.outer.Depth", "k.outer.Next.Colour", "len(k.ints)", "k.ints[3]", "k.f32", "k.pair",
    "k.shape == nil", "len(k.three)", "k.outer.Next != nil && k.outer.Next.ID == 2",
    "k.outer.Next.Next != nil && k.outer.Next.Next.ID == 2", "Counter", "k.raw", "Table[2]",
    "GlobalPair.A", "k.outer.Inner.Pair.B",
]  # fmt: skip
PARITY = {
    ("c_types", "integers"): OF_KEEP,
    ("c_types-o2", "integers"): OF_KEEP,
    ("cpp_types", "shop::square::area"): ["side", "this->corners", "side * corners"],
    ("rust_types", "main::kinds::pointers"): ["boxed.a", "(*boxed).b", "shared.ptr.pointer.value"],
    ("go_types", "main.locals"): OF_GO,
    ("go_types-unoptimised", "main.locals"): OF_GO,
}


@pytest.mark.parametrize(("program", "point"), PARITY)
def test_the_answers_are_those_of_a_look_at_the_point(start: Start, program: str, point: str) -> None:
    target, asked = start(program=program), PARITY[program, point]
    expected, found = (answers(target.pid, instrument, point, asked) for instrument in ("ptrace", "peek"))
    assert list(differing(expected, found)) == []
    assert_as_found(target.pid)


def test_of_a_program_that_runs_as_fast_as_it_can_each_sample_is_of_one_memory(start: Start) -> None:
    ring = start(program="c_ring")
    lines = recorded(str(ring.pid), *INDICES, "--at=ring_write", BY_PEEK, "--rate=50000/s", PATIENT, "--count=5000")
    written, read, gaps = (all_values(lines, expression) for expression in INDICES)
    assert len(written) == 5000
    assert written == sorted(written)
    assert read == sorted(read)
    assert gaps == [(ahead - behind) % 2**64 for ahead, behind in zip(written, read, strict=True)]
    assert_as_found(ring.pid)


def test_a_difference_that_wrapped_has_its_signed_reading_in_the_same_place(moving: Tracee) -> None:
    lines = recorded(
        str(moving.pid), "o->third - o->first", "--at=visit", BY_PEEK, "--rate=1000/s", PATIENT, "--count=2000"
    )
    for line in of_type(lines, "samples"):
        found = values(line, "o->third - o->first")
        signed = line.get("signed", {}).get("o->third - o->first", [None] * len(found))
        assert signed == [value - 2**64 if value >= 2**63 else None for value in found]
    assert all_values(lines, "o->third - o->first")


# Several at a time.


def test_samples_that_are_wanted_often_are_taken_by_the_hundred_and_their_times_are_in_order(start: Start) -> None:
    ring = start(program="c_ring")
    lines = recorded(str(ring.pid), GAP, "--at=ring_write", BY_PEEK, "--rate=50000/s", PATIENT, "--count=3000")
    batches = of_type(lines, "samples")
    assert lines[0]["at_once"] == 100
    assert [len(batch["t_ns"]) for batch in batches] == [100] * 30
    times = [moment for batch in batches for moment in batch["t_ns"]]
    assert times == sorted(times)
    for batch in batches:
        assert batch["cost"]["during_ns"][0] <= batch["t_ns"][0] <= batch["t_ns"][-1] <= batch["cost"]["during_ns"][1]
        assert batch["cost"]["suspended_ns"] == [0, 0]
        assert batch["cost"]["threads_stopped"] == batch["cost"]["hits"] == 0
    assert_as_found(ring.pid)


@pytest.mark.parametrize("count", [1, 99, 100, 101, 250])
def test_as_many_samples_are_taken_as_were_asked_for(moving: Tracee, count: int) -> None:
    lines = recorded(str(moving.pid), "o->number", "--at=visit", BY_PEEK, "--rate=50000/s", PATIENT, f"--count={count}")
    assert all_values(lines) == [1] * count
    assert (lines[-1]["samples"], lines[-1]["ended"]) == (count, "count")


def test_a_miss_counts_as_a_look_and_what_follows_are_as_many_as_are_left(moving: Tracee) -> None:
    moving.ask("quiet")
    asked = ("o->number", "--at=visit", BY_PEEK, "--rate=50000/s", "--window=50ms", "--count=150")
    with started("record", str(moving.pid), *asked) as run:
        lines_until(run, "miss")
        moving.ask("move")
        footer = footer_of(run)
    assert footer["samples"] + footer["misses"] == 150
    assert footer["misses"] >= 1


@pytest.mark.parametrize("rate", ["1/s", "500/s"])
def test_samples_that_are_wanted_seldom_are_lines_of_their_own(moving: Tracee, rate: str) -> None:
    lines = recorded(str(moving.pid), "o->number", "--at=visit", BY_PEEK, f"--rate={rate}", PATIENT, "--count=2")
    assert [line["type"] for line in lines if line["type"] != "event"] == ["header", "sample", "sample", "footer"]
    assert lines[0]["at_once"] == 1


# What may be of two moments.


def test_a_sample_that_is_not_said_to_be_torn_is_of_one_moment(moving: Tracee) -> None:
    """The program writes the same number to all three, in this order: so the first is never behind, nor far ahead."""
    words = ("o->first", "o->second", "o->third")
    lines = recorded(str(moving.pid), *words, "--at=visit", BY_PEEK, "--rate=50000/s", PATIENT, "--count=20000")
    whole = list(untorn(lines, *words))
    assert whole
    for first, second, third in whole:
        assert first - third in (0, 1)
        assert second in (first, third)


def test_one_word_is_never_torn(moving: Tracee) -> None:
    asked = ("o->all_or_nothing", "--at=visit", BY_PEEK, "--rate=50000/s", PATIENT, "--count=20000")
    lines = recorded(str(moving.pid), *asked)
    assert set(all_values(lines, "o->all_or_nothing")) <= {0, ALL_BITS}
    assert not any("torn" in line for line in lines)


def test_what_does_not_change_is_not_torn(moving: Tracee) -> None:
    asked = ("o->number", "last_number", "--at=visit", BY_PEEK, "--rate=50000/s", PATIENT, "--count=5000")
    lines = recorded(str(moving.pid), *asked)
    assert not any("torn" in line for line in lines)


# What moves, and what goes.


def test_an_object_that_has_moved_is_found_again_and_that_is_told(moving: Tracee) -> None:
    with started("record", str(moving.pid), *OF_VISIT) as run:
        first = until(run, has(1))
        moving.ask("move")
        moved = until(run, has(2))
        interrupted(run)
    anchored = [line for line in first + moved if line.get("event") == "anchored"]
    assert [line["again"] for line in anchored] == [False, True]
    assert anchored[0]["pieces"] != anchored[1]["pieces"]
    numbers = all_values(moved)
    assert numbers == sorted(numbers)
    assert not of_type(moved, "miss")
    assert_as_found(moving.pid)


def test_an_object_that_stays_is_anchored_once(moving: Tracee) -> None:
    with started("record", str(moving.pid), *OF_VISIT) as run:
        until(run, has(1))
        lines = until(run, of_an_anchor)
        run.send_signal(signal.SIGINT)
        lines += list(lines_of(run))
    (detach,) = [line for line in lines if line.get("event") == "detach"]
    assert detach["anchors"]["looks"] >= 2
    assert detach["anchors"]["moved"] == 0
    assert not [line for line in lines if line.get("event") == "anchored"]


@pytest.mark.parametrize("where", ["move", "again"], ids=["elsewhere", "at the same address"])
def test_memory_that_is_gone_is_a_miss_until_there_is_another_object(moving: Tracee, where: str) -> None:
    with started("record", str(moving.pid), *OF_VISIT) as run:
        until(run, has(1))
        moving.ask("unmap")
        gone = until(run, lambda line: line.get("reason") == "gone")[-1]
        assert "cannot be read" in gone["detail"]
        lines_until(run, "miss", 2)
        number = int(moving.ask(where))
        until(run, has(number))
        interrupted(run)
    assert_as_found(moving.pid)


def test_an_object_that_is_no_more_is_not_read_as_it_was_left(moving: Tracee) -> None:
    """Its memory can still be read: but who calls the function now has none."""
    with started("record", str(moving.pid), *OF_VISIT) as run:
        until(run, has(1))
        moving.ask("drop")
        miss = until(run, lambda line: line["type"] == "miss")[-1]
        assert (miss["reason"], miss["detail"]) == ("unreadable", "o is nil")
        moving.ask("move")
        assert not all_values(until(run, has(2))[:-1])
        interrupted(run)
    assert_as_found(moving.pid)


def test_a_nil_pointer_is_a_miss_with_the_reason(start: Start) -> None:
    target = start(program="values")
    asked = ("*v.None", "--at=main.step", BY_PEEK, "--rate=1000/s", PATIENT, "--count=2")
    misses = of_type(recorded(str(target.pid), *asked), "miss")
    assert [(miss["reason"], miss["detail"]) for miss in misses] == [("unreadable", "v.None is nil")] * 2
    assert_as_found(target.pid)


def test_what_is_unmapped_from_the_start_is_a_miss(start: Start) -> None:
    ring = start(program="c_ring")
    asked = ("*(int *)0x10", "--at=ring_write", BY_PEEK, "--rate=1000/s", PATIENT, "--count=2")
    misses = of_type(recorded(str(ring.pid), *asked), "miss")
    assert [miss["reason"] for miss in misses] == ["gone"] * 2
    assert_as_found(ring.pid)


# A point that nobody comes by.


def test_a_point_that_is_not_reached_is_a_miss(moving: Tracee) -> None:
    moving.ask("quiet")
    lines = recorded(str(moving.pid), *OF_VISIT, "--count=3")
    misses = of_type(lines, "miss")
    assert [(miss["reason"], miss["detail"] != "") for miss in misses] == [("not-reached", True)] * 3
    assert not all_values(lines)
    assert_as_found(moving.pid)


def test_who_waits_for_a_point_is_interrupted_at_once(moving: Tracee) -> None:
    moving.ask("quiet")
    with started("record", str(moving.pid), "o->number", "--at=visit", BY_PEEK, "--window=1h") as run:
        lines_until(run, "event")
        interrupted(run)
    assert_as_found(moving.pid)


def test_once_it_is_known_where_the_memory_lies_nobody_need_come_by_any_more(moving: Tracee) -> None:
    with started("record", str(moving.pid), *OF_VISIT) as run:
        until(run, has(1))
        moving.ask("quiet")
        lines_until(run, "samples", 2000)  # longer than the anchors' interval
        interrupted(run)
    assert_as_found(moving.pid)


# The end of the target.


@pytest.mark.parametrize("rate", ["4/s", "1000/s"])
def test_a_target_that_becomes_another_program_ends_the_run_and_is_not_read(moving: Tracee, rate: str) -> None:
    """It is even the same file, and its object lies where the one before lay."""
    with started("record", str(moving.pid), "o->number", "--at=visit", BY_PEEK, f"--rate={rate}") as run:
        until(run, has(1))
        assert moving.ask("exec") == "ready\n"
        lines = list(lines_of(run))
        assert run.wait() == 4
    assert set(all_values(lines)) <= {1}
    assert lines[-1]["ended"] == "target-ended"
    assert "another program" in lines[-1]["error"]["why"]
    assert_as_found(moving.pid)


@pytest.mark.parametrize("rate", ["1/s", "1000/s"])
def test_a_target_of_another_address_after_exec_ends_the_run_too(offspring: Tracee, rate: str) -> None:
    with started("record", str(offspring.pid), "*counter", "--at=step", BY_PEEK, f"--rate={rate}") as run:
        until(run, lambda line: values(line, "*counter"))
        assert offspring.ask("exec") == "ready\n"
        footer = footer_of(run)
        assert run.wait() == 4
    assert footer["ended"] == "target-ended"
    assert "another program" in footer["error"]["why"]
    assert_as_found(offspring.pid)


@pytest.mark.parametrize("command", ["exit 3", None])
@pytest.mark.parametrize("rate", ["1/s", "50000/s"])
def test_a_target_that_ends_ends_the_run_with_status_4(offspring: Tracee, rate: str, command: str | None) -> None:
    with started("record", str(offspring.pid), "*counter", "--at=step", BY_PEEK, f"--rate={rate}") as run:
        until(run, lambda line: values(line, "*counter"))
        if command is None:
            offspring.process.kill()
        else:
            offspring.tell(command)
        footer = footer_of(run)
        assert run.wait() == 4
    assert footer["ended"] == "target-ended"
    assert f"process {offspring.pid} (offspring) ended" in footer["error"]["what"]


# What is refused.

REFUSED = {
    "a local": ("c_types", "places.c: locals", "n", "on the stack"),
    "a local array": ("c_types", "places.c: locals", "array[n - 2]", "on the stack"),
    "a local of optimised code": ("c_types-o2", "places.c: locals", "array[1]", "on the stack"),
    "a parameter": ("c_types-o2", "integers", "i", "in a register"),
    "a pointer as such": ("c_ring", "ring_write", "r", "in a register"),
    "a thread's variable": ("c_types", "places.c: of thread", "thread_number", "a thread's own"),
    "an element by a variable": ("c_types", "integers", "keep.flexible->items[keep.size - 1]", "a variable index"),
    "what a pointer and a variable lead to": ("c_types", "integers", "*(global_pointer + i)", "a variable index"),
    "an element of Go by a variable": ("go_types", "main.locals", "k.ints[n]", "a variable index"),
    "a string of C": ("c_types", "integers", "keep.head->label", "a string"),
    "a string of Go": ("go_types", "main.locals", "k.quoted", "a string"),
    "a list of Go": ("go_types", "main.locals", "k.ints", "a list"),
    "constants": ("c_ring", "ring_write", "1 + 1", "constants"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_without_a_thread_is_refused_before_anything_is_touched(start: Start, what: str) -> None:
    program, point, expression, reason = REFUSED[what]
    target = start(program=program)
    at = located(point, program.partition("-")[0])
    done = sampler("record", str(target.pid), expression, f"--at={at}", BY_PEEK)
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, line["error"]["kind"]) == (1, "NotAnswerable")
    assert reason in line["error"]["why"]
    assert line["error"]["fix"]
    assert_as_found(target.pid)


def test_where_the_kernel_refuses_to_read_memory_it_is_refused_before_anything_is_touched(moving: Tracee) -> None:
    done = refusing("process_vm_readv", "record", str(moving.pid), *OF_VISIT)
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, line["error"]["kind"]) == (1, "NotPermitted")
    assert "process_vm_readv" in line["error"]["why"]
    assert_as_found(moving.pid)


def test_one_part_that_cannot_be_read_is_named(start: Start) -> None:
    done = sampler("record", str(start(program="c_ring").pid), GAP, "r", "--at=ring_write", BY_PEEK)
    assert (done.returncode, "'r'" in done.stderr) == (1, True), done.stderr


ON_A_STACK = {
    "Go": ("go_types", "main.onStack", "p.A"),
    "C, aligned": ("c_types", "places.c: variable length", "squares[1]"),
}


@pytest.mark.parametrize("what", ON_A_STACK)
def test_what_is_found_to_lie_on_a_stack_ends_the_run(start: Start, what: str) -> None:
    program, point, expression = ON_A_STACK[what]
    target = start(program=program)
    done = sampler("record", str(target.pid), expression, f"--at={located(point, program)}", BY_PEEK)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, lines[-1]["error"]["kind"]) == (1, "NotAnswerable")
    assert "stack" in lines[-1]["error"]["why"]
    assert not all_values(lines, expression)
    assert_as_found(target.pid)


def test_an_object_that_comes_to_lie_on_a_stack_is_not_read_there(moving: Tracee) -> None:
    with started("record", str(moving.pid), *OF_VISIT) as run:
        until(run, has(1))
        moving.ask("stack")
        lines = list(lines_of(run))
        assert run.wait() == 1
    assert set(all_values(lines)) <= {1}
    assert "stack" in lines[-1]["error"]["why"]
    assert_as_found(moving.pid)


# Who looks up the addresses.

EVERYWHERE = """
#include <stdio.h>
#include <unistd.h>
volatile int counter = 42;
static inline __attribute__((always_inline)) void everywhere(void) { counter = counter; }
#define FOUR everywhere(); everywhere(); everywhere(); everywhere();
#define SIXTEEN FOUR FOUR FOUR FOUR
#define SIXTY_FOUR SIXTEEN SIXTEEN SIXTEEN SIXTEEN
int main(void)
{
    char ignored;
    SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR
    puts("ready");
    fflush(stdout);
    return (int)read(STDIN_FILENO, &ignored, 1);
}
"""


def test_where_nobody_can_look_up_the_addresses_it_is_refused_with_the_reason(start: Start, tmp_path: Path) -> None:
    """No debugger is asked: what an anchor wants is no text of a question."""
    target = start(program=compiled(tmp_path, "everywhere", main_c=EVERYWHERE))
    done = sampler("record", str(target.pid), "counter", "--at=everywhere", BY_PEEK)
    (line,) = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, line["error"]["kind"]) == (1, "NotAnswerable")
    assert "inlined at 320 places" in line["error"]["what"]
    assert_as_found(target.pid)


def test_where_perf_cannot_ptrace_looks_up_the_addresses(start: Start) -> None:
    target = start(program="c_types")
    asked = ("keep.size", f"--at={located('places.c: inlined', 'c_types')}", BY_PEEK, "--rate=1000/s")
    with started("record", str(target.pid), *asked) as run:
        lines = lines_until(run, "samples", 1000)  # longer than the anchors' interval
        interrupted(run)
    assert (lines[0]["anchored_by"], len(lines[0]["places"])) == ("ptrace", 5)
    assert set(all_values(lines, "keep.size")) == {4}
    assert len(list(filter(of_an_anchor, lines))) >= 2
    assert_as_found(target.pid)


def test_where_the_kernel_gives_no_breakpoints_ptrace_looks_up_the_addresses(moving: Tracee) -> None:
    done = refusing("perf_event_open", "record", str(moving.pid), *OF_VISIT, PATIENT, "--count=100")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["anchored_by"] == "ptrace"
    assert all_values(lines) == [1] * 100
    assert_as_found(moving.pid)


def test_a_plain_user_reads_a_process_of_their_own() -> None:
    with start_as_nobody("moving") as moving:
        done = run_as_nobody("record", str(moving.pid), *OF_VISIT, PATIENT, "--count=100")
        assert_as_found(moving.pid)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert (lines[0]["anchored_by"], all_values(lines)) == ("perf", [1] * 100)


def test_only_a_hit_that_meets_the_condition_tells_where_the_memory_lies(moving: Tracee) -> None:
    with started("record", str(moving.pid), *OF_VISIT, "--when=o->number == 2") as run:
        until(run, lambda line: line.get("reason") == "no-match")
        moving.ask("move")
        until(run, has(2))
        interrupted(run)
    assert_as_found(moving.pid)


def test_who_looks_up_the_addresses_is_told_in_the_summary(moving: Tracee) -> None:
    done = sampler("watch", str(moving.pid), "o->number", "--at=visit", BY_PEEK, PATIENT, "--count=1")
    assert "asked       at visit, with peek, its addresses looked up by perf" in done.stdout


def test_what_the_anchors_have_cost_is_told(moving: Tracee) -> None:
    lines = recorded(str(moving.pid), "o->number", "--at=visit", BY_PEEK, PATIENT, "--count=1")
    (sample,) = of_type(lines, "sample")
    assert 0 < sample["cost"]["between_ns"][0] <= sample["cost"]["between_ns"][1]
    assert lines[-1]["suspended_ns"] == sample["cost"]["between_ns"]


# Kills.


@pytest.mark.parametrize("victim", ["front end", "recorder"])
def test_a_kill_at_any_moment_leaves_the_target_as_found(moving: Tracee, victim: str) -> None:
    kill_at_random_moments(moving.pid, victim, "o->number", "--at=visit")
    assert moving.ask("move") == "2\n"


def test_a_kill_of_the_front_end_where_ptrace_looks_up_the_addresses_leaves_the_target_as_found(start: Start) -> None:
    at = located("places.c: inlined", "c_types")
    kill_at_random_moments(start(program="c_types").pid, "front end", "keep.size", f"--at={at}")


def kill_at_random_moments(pid: int, victim: str, *asked: str) -> None:
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    for turn in range(5):
        with started("watch", str(pid), *asked, BY_PEEK, "--rate=50000/s", "--format=jsonl") as front_end:
            recorder = child_of(front_end.pid)
            lines_until(front_end, "event")
            time.sleep(moments.uniform(0, 0.1))  # the moment is what the test is about
            os.kill(recorder if victim == "recorder" else front_end.pid, signal.SIGKILL)
            front_end.communicate(timeout=20)
            ended(recorder)
        try:
            assert_as_found(pid)
        except AssertionError as error:
            raise AssertionError(f"turn {turn} of seed {seed}: {error}") from error
