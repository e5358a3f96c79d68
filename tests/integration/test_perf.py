"""Looks by perf: nobody is stopped and nothing is changed, whatever happens; and what cannot be had is said."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.tracee import Tracee
from sampler.instruments.tracer import INT3
from sampler.linux import procfs
from sampler.linux.memory import Memory
from sampler.linux.perf_event import Breakpoint, Where
from tests.conftest import Start
from tests.images import compiled, located
from tests.integration.help import (
    Line,
    assert_as_found,
    child_of,
    lines_of,
    lines_until,
    refusing,
    run_as_nobody,
    sampler,
    start_as_nobody,
    started,
)

GAP = "r->write_index - r->read_index"
INDICES = ("r->write_index", "r->read_index")
BY_PERF = ("--instrument=perf", "--rate=100/s")
AT_WRITE = (GAP, "--at=ring_write", *BY_PERF)


def recorded(*arguments: str) -> list[Line]:
    done = sampler("record", *arguments)
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_type(lines: list[Line], kind: str) -> list[Line]:
    return [line for line in lines if line["type"] == kind]


def assert_untouched(felt: dict[str, Any]) -> None:
    """A stop is a voluntary switch: there was none."""
    assert felt["writer"]["voluntary_switches"] == 0
    assert "bystander" not in felt or felt["bystander"]["voluntary_switches"] == 0


@pytest.mark.parametrize("program", ["c_ring", "c_ring-nopie", "c_ring-dwarf4"])
def test_a_look_stops_nobody_and_its_values_are_of_one_instant(start: Start, program: str) -> None:
    ring = start("-bystander", program=program)
    ring.report()
    lines = recorded(str(ring.pid), GAP, *INDICES, "--at=ring_write", *BY_PERF, "--count=50")
    assert_untouched(ring.report())
    samples = of_type(lines, "sample")
    assert len(samples) == 50
    for sample in samples:
        values, (low, high) = sample["values"], sample["cost"]["suspended_ns"]
        assert values[GAP] == (values["r->write_index"] - values["r->read_index"]) % 2**64
        assert 0 < low <= high
        assert (sample["cost"]["threads_stopped"], sample["cost"]["hits"]) == (0, 1)
        assert "atomic" not in sample
    written = [sample["values"]["r->write_index"] for sample in samples]
    assert all(before < after for before, after in pairwise(written))
    assert_as_found(ring.pid)


def test_the_same_with_200_threads(start: Start) -> None:
    ring = start("-threads=200", program="c_ring")
    ring.report()
    lines = recorded(str(ring.pid), *AT_WRITE, "--count=20")
    assert_untouched(ring.report())
    assert next(line for line in lines if line.get("event") == "attach")["threads"] == 200
    assert len(of_type(lines, "sample")) == 20
    assert_as_found(ring.pid)


def test_in_a_go_program_the_values_are_those_of_the_program(tracee: Tracee) -> None:
    asked = ("d.writeIndex", "len(d.buffer)", "d == nil")
    samples = of_type(recorded(str(tracee.pid), *asked, "--at=main.write", *BY_PERF, "--count=20"), "sample")
    assert len(samples) == 20
    indices = [sample["values"]["d.writeIndex"] for sample in samples]
    assert indices == sorted(indices)
    assert all(sample["values"]["len(d.buffer)"] == 4096 for sample in samples)
    assert all(sample["values"]["d == nil"] is False for sample in samples)
    assert_as_found(tracee.pid)


def test_a_point_that_is_never_reached_is_a_miss_and_stops_nobody(start: Start) -> None:
    ring = start("-stampede=1", program="c_ring")
    ring.report()
    lines = recorded(str(ring.pid), "1 + 1", "--at=stampede_run", *BY_PERF, "--count=3", "--window=50ms")
    misses = of_type(lines, "miss")
    assert [miss["reason"] for miss in misses] == ["not-reached"] * 3
    assert all(miss["cost"]["suspended_ns"][0] == miss["cost"]["hits"] == 0 for miss in misses)
    assert_untouched(ring.report())


def test_threads_that_come_at_one_instant_are_counted_and_another_process_is_passed_over(start: Start) -> None:
    """Of so many threads the processors are watched, until somebody else comes by at that address."""
    ring = start("-stampede=150", "-rate=1", program="c_ring-nopie")
    start(program="c_ring-nopie")
    with started("record", str(ring.pid), GAP, "--at=ring_write", "--instrument=perf", "--rate=100/s",
                 "--window=20ms", "--max-suspended=100%") as run:  # fmt: skip
        lines_until(run, "miss")
        ring.report()
        stampedes = met_together = 0
        for line in lines_of(run):
            met_together += line["type"] == "sample" and line["cost"]["hits"] > 1
            if stampedes >= 20 and met_together:
                break
            assert ring.ask("stampede") == '{"ok":"stampede"}\n'
            stampedes += 1
        assert ring.report()["stampede"]["calls"] == stampedes * 150
        run.send_signal(signal.SIGINT)
        assert [line["ended"] for line in of_type(list(lines_of(run)), "footer")] == ["interrupted"]
    assert_as_found(ring.pid)


def test_another_process_of_the_same_program_is_not_taken_for_the_target(start: Start) -> None:
    ring = start("-threads=16", "-rate=1", program="c_ring-nopie")
    start(program="c_ring-nopie")
    lines = recorded(str(ring.pid), "r->write_index", "--at=ring_write", *BY_PERF, "--window=10s", "--count=3")
    samples = of_type(lines, "sample")
    assert len(samples) == 3  # also the first, in which the others were too many
    assert all(sample["values"]["r->write_index"] < 1000 for sample in samples)


def test_a_thread_that_is_born_while_a_look_waits_is_watched_too(start: Start) -> None:
    crowd = start("1", program="crowd")
    before = set(procfs.threads(crowd.pid))
    with started("record", str(crowd.pid), "1", "--at=visit", *BY_PERF, "--window=10s", "--count=1") as run:
        lines_until(run, "event")
        assert crowd.ask("visitor") == "0\n"
        (sample,) = of_type(list(lines_of(run)), "sample")
        assert crowd.ask("leave") == "0\n"
    assert sample["cost"]["hits"] == 1
    assert set(procfs.threads(crowd.pid)) == before


def test_threads_that_come_and_go_all_the_time_are_no_hindrance(start: Start) -> None:
    ring = start("-churn=500", program="c_ring")
    lines = recorded(str(ring.pid), *AT_WRITE, "--count=50")
    assert len(of_type(lines, "sample")) == 50
    assert_untouched(ring.report())
    assert_as_found(ring.pid)


def test_a_nil_pointer_and_unreadable_memory_are_misses_with_the_reason(start: Start) -> None:
    values = start(program="values")
    misses = of_type(recorded(str(values.pid), "*v.None", "--at=main.step", *BY_PERF, "--count=2"), "miss")
    assert [(miss["reason"], miss["detail"]) for miss in misses] == [("unreadable", "v.None is nil")] * 2
    ring = start(program="c_ring")
    misses = of_type(recorded(str(ring.pid), "*(int *)0x10", "--at=ring_write", *BY_PERF, "--count=2"), "miss")
    assert [miss["detail"] for miss in misses] == ["memory at 0x10 cannot be read"] * 2


UNTOUCHED = """
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
__attribute__((noinline)) void visit(const long *number) { __asm__ volatile("" : : "r"(number)); }
int main(void)
{
    FILE *file = tmpfile();
    long number = 4711;
    fwrite(&number, sizeof number, 1, file);
    fflush(file);
    const long *page = mmap(NULL, sizeof number, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    puts("ready");
    fflush(stdout);
    for (;;)
        visit(page);
}
"""


def test_a_page_that_is_not_in_memory_at_the_hit_is_read_after_it_and_marked(tmp_path: Path) -> None:
    with Tracee(program=compiled(tmp_path, "untouched", "-g", "-O1", main_c=UNTOUCHED)) as target:
        lines = recorded(str(target.pid), "*number", "--at=visit", *BY_PERF, "--count=3")
    samples = of_type(lines, "sample")
    assert [sample["values"] for sample in samples] == [{"*number": 4711}] * 3
    assert [sample.get("atomic", True) for sample in samples] == [False, True, True]


STRING_AND_NUMBER = """
#include <stdio.h>
static char both[] = "a\\0xyzw";
__attribute__((noinline)) void visit(const char *q) { __asm__ volatile("" : : "r"(q)); }
int main(void)
{
    puts("ready");
    fflush(stdout);
    for (;;)
        visit(both);
}
"""


def test_a_string_and_a_number_at_one_address_are_each_what_they_are(tmp_path: Path) -> None:
    with Tracee(program=compiled(tmp_path, "both", "-g", "-O1", main_c=STRING_AND_NUMBER)) as target:
        lines = recorded(str(target.pid), "q", "*(int *)q", "--at=visit", *BY_PERF, "--count=1")
    (sample,) = of_type(lines, "sample")
    assert sample["values"]["*(int *)q"] == int.from_bytes(b"a\0xy", "little")


IN_THE_RED_ZONE = """
#include <stdio.h>
void leaf(long a, long b) { __asm__ volatile("" : : "m"(a), "m"(b)); }
int main(void)
{
    puts("ready");
    fflush(stdout);
    for (;;)
        leaf(11, 22);
}
"""


def test_what_lies_below_the_stack_pointer_is_no_answer_without_a_program_in_the_kernel(tmp_path: Path) -> None:
    with Tracee(program=compiled(tmp_path, "leaf", "-g", "-O0", main_c=IN_THE_RED_ZONE)) as target:
        asked = ("record", str(target.pid), "a", "b", "--at=leaf", *BY_PERF, "--count=2")
        lines = [json.loads(line) for line in sampler(*asked).stdout.splitlines()]
        assert [sample["values"] for sample in of_type(lines, "sample")] == [{"a": 11, "b": 22}] * 2
        without = [json.loads(line) for line in refusing("bpf", *asked).stdout.splitlines()]
        assert ["below the stack pointer" in miss["detail"] for miss in of_type(without, "miss")] == [True] * 2


def test_the_end_of_a_thread_is_no_hit(start: Start) -> None:
    ring = start("-churn=500", "-stampede=1", program="c_ring")
    asked = ("record", str(ring.pid), "1", "--at=stampede_run", *BY_PERF, "--window=100ms", "--count=3")
    misses = of_type([json.loads(line) for line in refusing("bpf", *asked).stdout.splitlines()], "miss")
    assert [miss["reason"] for miss in misses] == ["not-reached"] * 3
    assert all(miss["cost"]["wait_ns"] >= 100_000_000 for miss in misses)


@pytest.mark.parametrize("how", ["exec", "exit 3"])
def test_a_target_that_ends_or_becomes_another_program_ends_the_run(offspring: Tracee, how: str) -> None:
    with started("record", str(offspring.pid), "*counter", "--at=step", *BY_PERF) as run:
        lines_until(run, "sample", 3)
        offspring.tell(how)
        footer = list(lines_of(run))[-1]
        assert run.wait() == 4
    assert footer["ended"] == "target-ended"
    assert ("another program" in footer["error"]["why"]) == (how == "exec")
    if how == "exec":
        assert_as_found(offspring.pid)


def test_the_end_of_the_target_ends_a_run_that_rests(offspring: Tracee) -> None:
    with started("record", str(offspring.pid), "*counter", "--at=step", "--instrument=perf", "--every=1h") as run:
        lines_until(run, "sample")
        offspring.tell("exit 0")
        assert list(lines_of(run))[-1]["ended"] == "target-ended"
        assert run.wait() == 4


def test_a_breakpoint_does_not_outlive_an_exec(offspring: Tracee) -> None:
    """Of a look that waits at a point which the old program never reaches: the new one is not hit there."""
    with started("record", str(offspring.pid), "1", "--at=fork_and_step", *BY_PERF, "--window=30s") as run:
        lines_until(run, "event")
        assert offspring.ask("exec") == "ready\n"
        footer = list(lines_of(run))[-1]
    assert "another program" in footer["error"]["why"]
    assert offspring.ask("fork 3") == "0\n"


def test_ctrl_c_ends_a_look_that_waits(start: Start) -> None:
    ring = start("-stampede=1", program="c_ring")
    with started("record", str(ring.pid), "1", "--at=stampede_run", *BY_PERF, "--window=1h") as run:
        lines_until(run, "event")
        run.send_signal(signal.SIGINT)
        assert list(lines_of(run))[-1]["ended"] == "interrupted"
        assert run.wait() == 0


def test_a_target_that_somebody_has_stopped_stays_so_when_the_recorder_is_killed(start: Start) -> None:
    ring = start(program="c_ring")
    with started("watch", str(ring.pid), *AT_WRITE, "--window=20ms", "--format=jsonl") as front_end:
        recorder = child_of(front_end.pid)
        lines_until(front_end, "sample")
        os.kill(ring.pid, signal.SIGSTOP)
        lines_until(front_end, "miss")
        os.kill(recorder, signal.SIGKILL)
        _, said = front_end.communicate()
    assert procfs.stat(ring.pid).state == procfs.JOB_STOPPED
    assert "kill -CONT" in said
    os.kill(ring.pid, signal.SIGCONT)


def test_a_breakpoint_that_somebody_else_has_set_stays_when_the_recorder_is_killed(start: Start) -> None:
    """At the very instruction that perf asks at, in a program where nobody comes by."""
    ring = start("-stampede=1", program="c_ring")
    address = address_of(ring.pid, "stampede_run")
    ask = ("1", "--at=stampede_run", *BY_PERF, "--window=20ms", "--format=jsonl")
    with started("watch", str(ring.pid), *ask) as front_end, Memory(ring.pid) as memory:
        recorder = child_of(front_end.pid)
        lines_until(front_end, "miss")
        before = memory.read(address, 1)
        memory.write(address, INT3)
        os.kill(recorder, signal.SIGKILL)
        _, said = front_end.communicate()
        assert memory.read(address, 1) == INT3
        memory.write(address, before)
    assert "taken back" not in said
    assert "the target runs on" in said


# All four breakpoints in somebody else's hands.


@contextmanager
def all_taken(pid: int, address: int) -> Iterator[None]:
    """By events of our own, which are never armed."""
    taken = [Breakpoint(Where(tid), address) for tid in procfs.threads(pid) for _ in range(4)]
    try:
        yield
    finally:
        for one in taken:
            one.close()


def address_of(pid: int, point: str) -> int:
    place = json.loads(sampler("vars", str(pid), f"--at={point}", "--format=jsonl").stdout.splitlines()[0])
    return int(place["address"], 16)


def test_without_a_free_breakpoint_perf_is_refused_and_auto_takes_ptrace(start: Start) -> None:
    ring = start(program="c_ring")
    with all_taken(ring.pid, address_of(ring.pid, "ring_read")):
        done = sampler("record", str(ring.pid), *AT_WRITE, "--count=1")
        assert done.returncode == 1
        assert "no hardware breakpoint is free" in done.stderr
        header = recorded(str(ring.pid), GAP, "--at=ring_write", "--count=1")[0]
        assert header["instrument"] == "ptrace"
        assert "no hardware breakpoint is free" in header["passed_over"]["perf"]
    assert_as_found(ring.pid)


def test_breakpoints_that_another_process_has_do_not_matter(start: Start) -> None:
    ring, other = start(program="c_ring"), start(program="c_ring")
    with all_taken(other.pid, address_of(other.pid, "ring_read")):
        lines = recorded(str(ring.pid), *AT_WRITE, "--count=3")
    assert len(of_type(lines, "sample")) == 3


def test_breakpoints_that_are_taken_during_a_run_make_misses(start: Start) -> None:
    ring = start(program="c_ring")
    address = address_of(ring.pid, "ring_read")
    with started("record", str(ring.pid), *AT_WRITE) as run:
        lines_until(run, "sample")
        with all_taken_soon(ring.pid, address):
            misses = of_type(lines_until(run, "miss"), "miss")
            assert misses[0]["reason"] == "no-breakpoint"
        lines_until(run, "sample")
        run.send_signal(signal.SIGINT)
    assert_as_found(ring.pid)


@contextmanager
def all_taken_soon(pid: int, address: int) -> Iterator[None]:
    """While looks go on, whose own breakpoint is there now and then."""
    while True:
        try:
            with all_taken(pid, address):
                yield
            return
        except OSError:
            continue


# Without rights.


def test_a_plain_user_asks_a_process_of_their_own_and_is_told_what_is_not_atomic() -> None:
    with start_as_nobody("c_ring") as ring:
        asked = (GAP, *INDICES, "r == 0", "--at=ring_write", *BY_PERF, "--count=20")
        done = run_as_nobody("record", str(ring.pid), *asked)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines[0]["atomic"] is False
        samples = of_type(lines, "sample")
        assert len(samples) == 20
        assert all(sample["atomic"] is False for sample in samples)
        written = [sample["values"]["r->write_index"] for sample in samples]
        assert written == sorted(written)
        assert_untouched(ring.report())
        only_registers = run_as_nobody("record", str(ring.pid), "r == 0", "--at=ring_write", *BY_PERF, "--count=3")
        assert '"atomic": false' not in only_registers.stdout.split("\n", 1)[1]
        assert_as_found(ring.pid)


def test_a_plain_user_cannot_have_a_condition_looked_at_in_the_kernel() -> None:
    with start_as_nobody("c_ring") as ring:
        done = run_as_nobody("record", str(ring.pid), GAP, "--at=ring_write", "--when=r->write_index > 1")
    assert done.returncode == 1
    assert "may not be loaded" in done.stderr


def test_where_the_kernel_takes_no_programs_memory_is_read_after_the_hit(start: Start) -> None:
    ring = start(program="c_ring")
    done = refusing("bpf", "record", str(ring.pid), *AT_WRITE, "--count=3")
    samples = of_type([json.loads(line) for line in done.stdout.splitlines()], "sample")
    assert [sample["atomic"] for sample in samples] == [False] * 3


def test_where_the_kernel_gives_no_breakpoints_perf_is_refused_and_auto_takes_ptrace(start: Start) -> None:
    ring = start(program="c_ring")
    done = refusing("perf_event_open", "record", str(ring.pid), *AT_WRITE, "--count=1")
    assert done.returncode == 1
    assert "perf_event_paranoid" in done.stderr
    done = refusing("perf_event_open", "record", str(ring.pid), GAP, "--at=ring_write", "--count=1")
    header = json.loads(done.stdout.splitlines()[0])
    assert header["instrument"] == "ptrace"
    assert "hardware breakpoints cannot be set" in header["passed_over"]["perf"]


# Conditions.


def test_only_a_hit_that_meets_the_condition_answers(start: Start) -> None:
    ring = start(program="c_ring")
    condition = "r->write_index % 1000 == 7 && r->read_index <= r->write_index"
    lines = recorded(str(ring.pid), "r->write_index", "--at=ring_write", "--instrument=perf", "--rate=10/s",
                     f"--when={condition}", "--max-hits=100000", "--max-suspended=100%", "--count=5")  # fmt: skip
    samples = of_type(lines, "sample")
    assert len(samples) == 5
    assert all(sample["values"]["r->write_index"] % 1000 == 7 for sample in samples)
    assert any(sample["cost"]["hits"] > 1 for sample in samples)
    assert lines[0]["question"]["when"] == condition
    assert_untouched(ring.report())


@pytest.mark.parametrize("condition", ["r == 0", "*(int *)0x10 == 1"])
def test_a_condition_that_is_never_met_is_given_up_after_so_many_hits(start: Start, condition: str) -> None:
    ring = start("-threads=1", program="c_ring")
    lines = recorded(str(ring.pid), GAP, "--at=ring_write", *BY_PERF, f"--when={condition}", "--max-hits=50",
                     "--max-suspended=100%", "--count=3")  # fmt: skip
    misses = of_type(lines, "miss")
    assert [miss["reason"] for miss in misses] == ["no-match"] * 3
    assert all(50 <= miss["cost"]["hits"] <= 51 for miss in misses)


def test_no_more_hits_are_tried_than_the_budget_has_room_for(start: Start) -> None:
    ring = start("-threads=1", program="c_ring")
    lines = recorded(str(ring.pid), GAP, "--at=ring_write", "--instrument=perf", "--rate=100/s", "--when=r == 0",
                     "--max-hits=1000000", "--max-suspended=1%", "--count=3")  # fmt: skip
    misses = of_type(lines, "miss")
    assert [miss["reason"] for miss in misses] == ["no-match"] * 3
    assert all(miss["cost"]["hits"] < 1000 for miss in misses)
    assert "beyond the budget" in misses[0]["detail"]


def test_a_condition_is_refused_by_name_where_the_kernel_cannot_look_at_it(start: Start) -> None:
    done = sampler("record", str(start(program="go_types").pid), "1", "--at=main.texts", "--instrument=perf",
                   '--when=ascii == "ascii"')  # fmt: skip
    assert done.returncode == 1
    assert "strings" in done.stderr
    assert "leave out --when" in done.stderr


# Places.


def test_a_point_at_more_than_four_places_is_refused_and_auto_takes_ptrace(start: Start) -> None:
    types = start(program="c_types")
    point = located("places.c: inlined", "c_types")
    done = sampler("record", str(types.pid), "1", f"--at={point}", *BY_PERF)
    assert done.returncode == 1
    assert "inlined at 5 places" in done.stderr
    assert recorded(str(types.pid), "1", f"--at={point}", "--count=1")[0]["instrument"] == "ptrace"
    assert_as_found(types.pid)


def test_nothing_grows_from_look_to_look(start: Start) -> None:
    assert_flat(start(program="c_ring"), 1500)


@pytest.mark.torture
def test_nothing_grows_in_100_000_looks(start: Start) -> None:
    assert_flat(start(program="c_ring"), 100_000)


def assert_flat(ring: Tracee, looks: int) -> None:
    with started("record", str(ring.pid), GAP, "--at=ring_write", "--instrument=perf", "--rate=1000/s",
                 "--max-suspended=100%") as run:  # fmt: skip
        lines_until(run, "sample", 500)
        before = (len(os.listdir(f"/proc/{run.pid}/fd")), resident(run.pid))
        lines_until(run, "sample", looks)
        run.send_signal(signal.SIGSTOP)
        after = (len(os.listdir(f"/proc/{run.pid}/fd")), resident(run.pid))
        run.send_signal(signal.SIGCONT)
        run.send_signal(signal.SIGINT)
    # One look's events may be open in the one count and not in the other.
    assert abs(after[0] - before[0]) <= len(procfs.threads(ring.pid))
    assert after[1] - before[1] < 1 << 20


def resident(pid: int) -> int:
    """Bytes of memory that are in use."""
    return int(procfs.status(pid)["VmRSS"].split()[0]) << 10
