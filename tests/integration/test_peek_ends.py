"""How peek begins and ends: what it refuses, who looks up its addresses, points that nobody reaches, kills."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from bench.tracee import Tracee
from tests.conftest import Start
from tests.images import compiled, located
from tests.integration.help import (
    assert_as_found,
    child_of,
    ended,
    lines_of,
    lines_until,
    of_type,
    recorded,
    refusing,
    run_as_nobody,
    sampler,
    start_as_nobody,
    started,
)
from tests.integration.peeking import (
    BY_PEEK,
    GAP,
    OF_VISIT,
    PATIENT,
    all_values,
    footer_of,
    has,
    interrupted,
    of_an_anchor,
    until,
    values,
)

# A point that nobody comes by.


def test_a_point_that_is_not_reached_is_a_miss(moving: Tracee) -> None:
    moving.ask("quiet")
    lines = recorded(str(moving.pid), *OF_VISIT, "--count=3")
    misses = of_type(lines, "miss")
    assert all(miss["reason"] == "not-reached" and miss["detail"] for miss in misses)
    assert [miss.get("count", 1) for miss in misses] == [2, 1]  # two are taken at once
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
