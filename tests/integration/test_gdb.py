"""Looks by the real GDB: through the same dialogue as Delve's, with the same way out."""

from __future__ import annotations

import json
import os
import signal

from bench.tracee import Tracee
from sampler.linux import procfs
from tests.conftest import Start
from tests.integration.help import assert_as_found, child_of, lines_of, lines_until, sampler, started, wait_until

GAP = "r->write_index - r->read_index"
BY_GDB = (GAP, "--at=ring_write", "--instrument=gdb", "--rate=20/s", "--max-suspended=100%")


def ring(start: Start, *options: str) -> Tracee:
    return start("-rate=100000", *options, program="c_ring")


def test_a_look_gives_every_value_with_its_cost(start: Start) -> None:
    target = ring(start)
    done = sampler("record", str(target.pid), "r->write_index", "r->read_index", *BY_GDB, "--count=3")
    samples = [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "sample"]
    assert len(samples) == 3
    for sample in samples:
        values, (low, high) = sample["values"], sample["cost"]["suspended_ns"]
        assert values[GAP] == (values["r->write_index"] - values["r->read_index"]) % 2**64
        assert 0 < low <= high
        assert sample["cost"]["threads_stopped"] == 3
    assert_as_found(target.pid)


def test_a_program_that_counts_signals_gets_its_own_all_the_same(start: Start) -> None:
    target = ring(start, "-signals")
    with started("record", str(target.pid), *BY_GDB) as run:
        lines_until(run, "sample")
        for _ in range(10):
            os.kill(target.pid, signal.SIGRTMIN)
        lines_until(run, "sample", 2)
        run.send_signal(signal.SIGINT)
        assert list(lines_of(run))[-1]["ended"] == "interrupted"
    assert target.report()["signals"]["realtime"] == 10
    assert_as_found(target.pid)


def test_a_gdb_that_hangs_with_the_target_in_its_hands_is_made_to_let_go(start: Start) -> None:
    target = ring(start)
    with started("record", str(target.pid), *BY_GDB, "--max-pause=900ms") as run:
        lines_until(run, "sample", 2)
        debugger = child_of(run.pid)
        wait_until(lambda: procfs.held(target.pid) is procfs.Held.ALL, "the target is held")
        os.kill(debugger, signal.SIGSTOP)
        list(lines_of(run))
        assert run.wait() in (1, 3)
    assert_as_found(target.pid)
    target.report()
    assert target.report()["writes"] > 0


def test_a_killed_recorder_leaves_a_target_that_the_front_end_saves(start: Start) -> None:
    target = ring(start)
    with started("watch", str(target.pid), *BY_GDB, "--format=jsonl") as front_end:
        lines_until(front_end, "sample", 2)
        os.kill(child_of(front_end.pid), signal.SIGKILL)
        front_end.communicate(timeout=20)
    assert_as_found(target.pid)


def test_the_target_that_ends_is_status_4(start: Start) -> None:
    target = ring(start)
    with started("record", str(target.pid), *BY_GDB) as run:
        lines_until(run, "sample")
        target.tell("exit")
        assert list(lines_of(run))[-1]["ended"] == "target-ended"
        assert run.wait() == 4


def test_a_go_program_is_refused_and_a_point_that_is_none(start: Start, tracee: Tracee) -> None:
    done = sampler("record", str(tracee.pid), "1", "--at=main.write", "--instrument=gdb")
    assert (done.returncode, "Go program" in done.stderr) == (1, True)
    target = ring(start)
    done = sampler("record", str(target.pid), "1", "--at=ring_wrote", "--instrument=gdb")
    assert (done.returncode, "ring_write" in done.stderr) == (1, True)
    assert_as_found(target.pid)


def test_nothing_that_would_write_or_call_reaches_gdb(start: Start) -> None:
    target = ring(start)
    for expression in ("--r->size", "r->size++", "r->size = 3", "r->size--"):
        assert (
            sampler("record", "--at=ring_write", "--instrument=gdb", str(target.pid), "--", expression).returncode == 2
        )
    done = sampler("record", str(target.pid), "stampede_run(r)", *BY_GDB[1:], "--count=1")
    assert "may-call-functions" in done.stderr
    assert_as_found(target.pid)
