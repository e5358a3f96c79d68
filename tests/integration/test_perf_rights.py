"""What perf needs and may not get: breakpoints, rights, programs in the kernel; and what it looks at there."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.tracee import Tracee
from sampler.linux import procfs
from sampler.linux.perf_event import Breakpoint, Where
from tests.conftest import Start
from tests.images import located
from tests.integration.help import (
    address_of,
    assert_as_found,
    assert_untouched,
    lines_until,
    of_type,
    recorded,
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
