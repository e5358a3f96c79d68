"""Looks by ptrace: the values, what the target felt, and whatever comes in between."""

from __future__ import annotations

import os
import signal

import pytest

from bench.tracee import Tracee
from sampler.linux import procfs
from sampler.linux.memory import Memory
from tests.conftest import Start
from tests.integration.help import (
    address_of,
    assert_as_found,
    assert_of_the_diode,
    lines_of,
    lines_until,
    of_type,
    recorded,
    sampler,
    stampede_until_some_meet,
    started,
    traced_by_another,
    wait_until,
)

GAP = "r->write_index - r->read_index"
BY_PTRACE = ("--instrument=ptrace", "--rate=100/s")
AT_WRITE = (GAP, "--at=ring_write", *BY_PTRACE)


@pytest.mark.parametrize("program", ["c_ring", "c_ring-nopie", "c_ring-dwarf4"])
def test_a_look_stops_the_thread_that_is_hit_once_and_no_other(start: Start, program: str) -> None:
    ring = start("-bystander", program=program)
    ring.report()
    lines = recorded(str(ring.pid), GAP, "r->write_index", "r->read_index", "--at=ring_write", *BY_PTRACE, "--count=50")
    felt = ring.report()
    samples = of_type(lines, "sample")
    assert len(samples) == 50
    for sample in samples:
        values, (low, high) = sample["values"], sample["cost"]["suspended_ns"]
        assert values[GAP] == (values["r->write_index"] - values["r->read_index"]) % 2**64
        assert 0 < low <= high
        assert (sample["cost"]["threads_stopped"], sample["cost"]["hits"]) == (1, 1)
    # A stop is a voluntary switch. One a look; leaving stops each thread that runs once more at most.
    assert felt["writer"]["voluntary_switches"] in (50, 51)
    assert felt["bystander"]["voluntary_switches"] <= 1
    assert_as_found(ring.pid)


def test_the_same_with_200_threads(start: Start) -> None:
    ring = start("-threads=200", program="c_ring")
    ring.report()
    lines = recorded(str(ring.pid), *AT_WRITE, "--count=50")
    assert ring.report()["writer"]["voluntary_switches"] in (50, 51)
    assert next(line for line in lines if line.get("event") == "attach")["threads"] == 200
    assert_as_found(ring.pid)


def test_in_a_go_program_the_values_are_those_of_the_program(tracee: Tracee) -> None:
    asked = ("d.writeIndex", "d.readIndex", "len(d.buffer)", "d == nil")
    lines = recorded(str(tracee.pid), *asked, "--at=main.write", *BY_PTRACE, "--count=20")
    samples = of_type(lines, "sample")
    assert len(samples) == 20
    assert_of_the_diode(samples)
    assert_as_found(tracee.pid)


def test_a_point_that_is_never_reached_is_a_miss_and_costs_nothing(start: Start) -> None:
    ring = start("-stampede=1", program="c_ring")
    ring.report()
    lines = recorded(str(ring.pid), "1 + 1", "--at=stampede_run", *BY_PTRACE, "--count=3", "--window=50ms")
    misses = of_type(lines, "miss")
    assert [miss["reason"] for miss in misses] == ["not-reached"] * 3
    assert all(miss["cost"]["suspended_ns"] == [0, 0] for miss in misses)
    assert ring.report()["writer"]["voluntary_switches"] <= 1
    assert_as_found(ring.pid)


def test_150_threads_that_meet_the_byte_at_once_all_go_on(start: Start) -> None:
    ring = start("-stampede=150", "-rate=1", program="c_ring")
    by_ptrace = ("--instrument=ptrace", "--rate=1000/s", "--window=20ms", "--max-suspended=100%")
    with started("record", str(ring.pid), GAP, "--at=ring_write", *by_ptrace) as run:
        lines_until(run, "event")
        ring.report()
        stampede_until_some_meet(ring, run, 150)
        run.send_signal(signal.SIGINT)
        assert [line["ended"] for line in of_type(list(lines_of(run)), "footer")] == ["interrupted"]
    assert_as_found(ring.pid)


def test_a_nil_pointer_is_a_miss_with_the_reason(start: Start) -> None:
    values = start(program="values")
    lines = recorded(str(values.pid), "*v.None", "--at=main.step", *BY_PTRACE, "--count=2")
    misses = of_type(lines, "miss")
    assert [(miss["reason"], miss["detail"]) for miss in misses] == [("unreadable", "v.None is nil")] * 2
    assert_as_found(values.pid)


def test_unreadable_memory_is_a_miss_with_the_reason(start: Start) -> None:
    ring = start(program="c_ring")
    lines = recorded(str(ring.pid), "*(int *)0x10", "--at=ring_write", *BY_PTRACE, "--count=2")
    assert [miss["detail"] for miss in of_type(lines, "miss")] == ["memory at 0x10 cannot be read"] * 2
    assert_as_found(ring.pid)


def test_where_a_breakpoint_stands_already_nothing_is_planted(start: Start) -> None:
    ring = start("-stampede=1", program="c_ring")
    address = address_of(ring.pid, "stampede_run")
    with Memory(ring.pid) as memory:
        byte = memory.read(address, 1)
        memory.write(address, b"\xcc")
        done = sampler("record", str(ring.pid), "1", "--at=stampede_run", *BY_PTRACE, "--count=1")
        assert memory.read(address, 1) == b"\xcc"
        memory.write(address, byte)
    assert done.returncode == 1
    assert "already" in done.stderr
    assert_as_found(ring.pid)


def test_an_address_in_the_midst_of_an_instruction_is_refused(start: Start) -> None:
    ring = start(program="c_ring")
    address = address_of(ring.pid, "ring_write")
    right = sampler("record", str(ring.pid), GAP, f"--at={address:#x}", *BY_PTRACE, "--count=1")
    assert right.returncode == 0, right.stderr
    wrong = sampler("record", str(ring.pid), GAP, f"--at={address + 1:#x}", *BY_PTRACE, "--count=1")
    assert (wrong.returncode, f"{address:#x}" in wrong.stderr) == (1, True), wrong.stderr
    assert_as_found(ring.pid)


def test_a_storm_of_signals_arrives_whole(start: Start) -> None:
    ring = start("-signals", program="c_ring")
    with started("record", str(ring.pid), *AT_WRITE) as run:
        lines_until(run, "sample")
        send_queued(ring.pid, 10_000)
        arrived = 0

        def all_have_arrived() -> bool:
            nonlocal arrived
            arrived += ring.report()["signals"]["realtime"]
            return arrived >= 10_000

        wait_until(all_have_arrived, "all signals have arrived")
        lines_until(run, "sample")
        run.send_signal(signal.SIGINT)
        run.wait()
    assert arrived + ring.report()["signals"]["realtime"] == 10_000
    assert_as_found(ring.pid)


def send_queued(pid: int, count: int) -> None:
    """By sigqueue(3), each with its number as the value: none of them may be merged with another."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(count):
        while libc.sigqueue(pid, int(signal.SIGRTMIN), ctypes.c_void_p(number)) != 0:
            assert ctypes.get_errno() == 11  # EAGAIN: so many may wait at once
            os.sched_yield()


def test_threads_that_come_and_go_are_asked_and_let_go(start: Start) -> None:
    ring = start("-churn=1000", program="c_ring")
    ring.report()
    lines = recorded(str(ring.pid), *AT_WRITE, "--count=100")
    assert len(of_type(lines, "sample")) >= 90
    before = ring.report()["churn"]["threads"]
    assert before > 100
    assert_as_found(ring.pid)


@pytest.mark.parametrize("way", ["fork", "vfork"])
def test_a_child_made_while_armed_goes_its_own_way(offspring: Tracee, way: str) -> None:
    with started("record", str(offspring.pid), "*counter", "--at=step", "--instrument=ptrace", "--rate=1000/s") as run:
        lines_until(run, "sample")
        assert offspring.ask(f"{way} 200") == "0\n"
        lines_until(run, "sample")
        run.send_signal(signal.SIGINT)
        run.wait()
    assert_as_found(offspring.pid)


def test_a_target_that_becomes_another_program_ends_the_run_with_status_4(offspring: Tracee) -> None:
    with started("record", str(offspring.pid), "*counter", "--at=step", *BY_PTRACE) as run:
        lines_until(run, "sample")
        assert offspring.ask("exec") == "ready\n"
        assert list(lines_of(run))[-1]["ended"] == "target-ended"
        assert run.wait() == 4
    assert_as_found(offspring.pid)


@pytest.mark.parametrize(("command", "why"), [("exit 3", "exit status 3"), (None, "killed by SIGKILL")])
def test_a_target_that_ends_in_mid_look_ends_the_run_with_status_4(
    offspring: Tracee, command: str | None, why: str
) -> None:
    with started("record", str(offspring.pid), "*counter", "--at=step", "--instrument=ptrace", "--rate=1000/s") as run:
        lines_until(run, "sample", 10)
        if command is None:
            offspring.process.kill()
        else:
            offspring.tell(command)
        footer = list(lines_of(run))[-1]
        assert run.wait() == 4
    assert (footer["ended"], footer["error"]["why"]) == ("target-ended", why)


def test_memory_that_is_gone_is_told_from_memory_that_cannot_be_written(offspring: Tracee) -> None:
    text = next(part.start for part in procfs.mappings(offspring.pid) if "x" in part.permissions)
    with Memory(offspring.pid) as memory:
        byte = memory.read(text, 1)
        with pytest.raises(OSError, match="Input/output error"):
            memory.write(8, byte)
        offspring.process.kill()
        offspring.process.wait()
        with pytest.raises(ProcessLookupError):
            memory.write(text, byte)


def test_a_job_stop_by_somebody_else_is_left_as_it_is(start: Start) -> None:
    ring = start(program="c_ring")
    with started("record", str(ring.pid), *AT_WRITE, "--window=100ms") as run:
        lines_until(run, "sample", 5)
        os.kill(ring.pid, signal.SIGSTOP)
        lines_until(run, "miss")
        assert all(procfs.task_state(ring.pid, tid) in "tT" for tid in procfs.threads(ring.pid))
        os.kill(ring.pid, signal.SIGCONT)
        lines_until(run, "sample", 5)
        os.kill(ring.pid, signal.SIGSTOP)
        lines_until(run, "miss")
        run.send_signal(signal.SIGINT)
        run.wait()
    wait_until(lambda: procfs.stat(ring.pid).state == "T", "the target is stopped as it was")
    os.kill(ring.pid, signal.SIGCONT)
    ring.report()
    assert ring.report()["writes"] > 0
    assert_as_found(ring.pid)


def test_a_target_that_somebody_traces_is_refused(start: Start) -> None:
    ring = start(program="c_ring")
    with traced_by_another(ring.pid) as other:
        done = sampler("record", str(ring.pid), *AT_WRITE)
        assert procfs.tracer(ring.pid) == other
    assert done.returncode == 1
    assert f"process {ring.pid} is already traced by" in done.stderr
    assert f"PID {other}" in done.stderr
