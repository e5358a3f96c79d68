"""Looks by perf: nobody is stopped and nothing is changed, whatever the target does."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from bench.tracee import Tracee
from sampler.instruments.tracer import INT3
from sampler.linux import procfs
from sampler.linux.memory import Memory
from tests.conftest import Start
from tests.images import compiled
from tests.integration.help import (
    address_of,
    assert_as_found,
    assert_of_the_diode,
    assert_untouched,
    child_of,
    lines_of,
    lines_until,
    of_type,
    recorded,
    refusing,
    sampler,
    started,
    stopped,
    wait_until,
)

GAP = "r->write_index - r->read_index"
INDICES = ("r->write_index", "r->read_index")
BY_PERF = ("--instrument=perf", "--rate=100/s")
AT_WRITE = (GAP, "--at=ring_write", *BY_PERF)


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
    assert_of_the_diode(samples)
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
    with started("record", str(ring.pid), GAP, "--at=ring_write", "--instrument=perf", "--rate=10/s",
                 "--window=10s", "--max-suspended=100%") as run:  # fmt: skip
        lines_until(run, "sample")
        hits = 1
        while hits == 1:  # the writer may come by just before
            wait_until(lambda: waits_with(run.pid, least=151), "each thread has a breakpoint")
            with stopped(run.pid):
                ring.ask("stampede")
            hits = lines_until(run, "sample")[-1]["cost"]["hits"]
        run.send_signal(signal.SIGINT)
        assert [line["ended"] for line in of_type(list(lines_of(run)), "footer")] == ["interrupted"]
    assert 100 < hits <= 151
    assert_as_found(ring.pid)


def waits_with(pid: int, least: int) -> bool:
    """Whether all of a recorder is asleep, and so many breakpoints are set."""
    asleep = all(procfs.task_state(pid, tid) == "S" for tid in procfs.threads(pid))
    links = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        with suppress(FileNotFoundError):
            links.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return asleep and links.count("anon_inode:[perf_event]") > least  # one more is the companion


def test_the_last_call_of_a_program_is_answered_though_it_ends_right_after(start: Start) -> None:
    moving = start(program="moving")
    with started("record", str(moving.pid), "status", "--at=leave", *BY_PERF, "--window=10s", "--count=1") as run:
        lines_until(run, "event")
        wait_until(lambda: waits_with(run.pid, least=1), "there is a breakpoint")
        moving.tell("leave")
        lines = list(lines_of(run))
    assert [sample["values"] for sample in of_type(lines, "sample")] == [{"status": 0}]
    assert (run.returncode, lines[-1]["ended"]) == (0, "count")


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
