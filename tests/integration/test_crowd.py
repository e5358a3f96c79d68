"""A target of many threads that make processes, receive signals and are stopped while some of them meet a byte."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.tracee import Tracee
from sampler.errors import TargetEnded
from sampler.instruments.base import Assignment
from sampler.instruments.ptrace import Ptrace
from sampler.instruments.tracer import INT3
from sampler.linux import procfs
from sampler.linux.memory import Memory
from sampler.linux.wakeup import StopRequest
from sampler.question import Question
from sampler.resolve import resolve
from tests.conftest import Start
from tests.integration.help import assert_as_found, child_of, lines_of, lines_until, sampler, started, wait_until

AT_STEP = ("*counter", "--at=step", "--instrument=ptrace")


@pytest.mark.parametrize("way", ["fork 200", "clone 0 100", "clone 10 100", "share 50", "kill 200"])
def test_a_child_copied_while_another_thread_meets_the_byte_has_none_of_ours(start: Start, way: str) -> None:
    crowd = start("3", program="crowd")
    with started("record", str(crowd.pid), *AT_STEP, "--rate=1000/s", "--window=1ms") as run:
        lines_until(run, "sample", 5)
        assert crowd.ask(way) == "0\n"
        run.send_signal(signal.SIGINT)
        assert list(lines_of(run))[-1]["ended"] == "interrupted"
    assert_as_found(crowd.pid)


def test_each_of_60_busy_threads_is_seen_before_we_leave(start: Start) -> None:
    crowd = start("60", program="crowd")
    with started("record", str(crowd.pid), *AT_STEP, "--rate=1000/s", "--count=10") as run:
        lines = list(lines_of(run))
    (detach,) = [line for line in lines if line.get("event") == "detach"]
    assert detach["unsettled"] == 0
    assert 0 < detach["suspended_ns"][0] <= detach["suspended_ns"][1]
    assert_as_found(crowd.pid)


def test_a_thread_that_was_stopped_in_its_trap_goes_on_after_we_have_left(start: Start) -> None:
    for _ in range(10):
        crowd = start("4", program="crowd")
        with started("record", str(crowd.pid), *AT_STEP, "--rate=1000/s", "--window=20ms") as run:
            lines_until(run, "sample", 5)
            os.kill(crowd.pid, signal.SIGSTOP)
            run.send_signal(signal.SIGINT)
            (detach,) = [line for line in lines_of(run) if line.get("event") == "detach"]
        assert detach["unsettled"] == 0
        wait_until_stopped(crowd.pid)
        os.kill(crowd.pid, signal.SIGCONT)
        assert_steps(crowd)
        assert_as_found(crowd.pid)
        crowd.process.kill()


def wait_until_stopped(pid: int) -> None:
    wait_until(lambda: procfs.stat(pid).state == procfs.JOB_STOPPED, "the target is stopped as it was")


def assert_steps(crowd: Tracee) -> None:
    crowd.report()
    wait_until(lambda: crowd.report()["steps"], "its threads go on")


def test_what_the_program_itself_has_written_there_meanwhile_stays(start: Start) -> None:
    ring = start("-stampede=1", program="c_ring")
    ask = ("1", "--at=stampede_run", "--instrument=ptrace", "--window=1m")
    with started("record", str(ring.pid), *ask) as run, Memory(ring.pid) as memory:
        (header, *_) = lines_until(run, "event")
        address = int(header["places"][0][0], 16)
        wait_until(lambda: memory.read(address, 1) == INT3, "the byte is planted")
        memory.write(address, b"\x90")
        run.send_signal(signal.SIGINT)
        assert list(lines_of(run))[-1]["ended"] == "interrupted"
        assert memory.read(address, 1) == b"\x90"


def test_a_byte_of_a_recorder_that_was_killed_is_put_back_before_anybody_meets_it(start: Start) -> None:
    ring = start("-stampede=1", program="c_ring")
    ask = ("1", "--at=stampede_run", "--instrument=ptrace", "--window=1m", "--format=jsonl")
    with started("watch", str(ring.pid), *ask) as front_end, Memory(ring.pid) as memory:
        (header, *_) = lines_until(front_end, "event")
        address = int(header["places"][0][0], 16)
        wait_until(lambda: memory.read(address, 1) == INT3, "the byte is planted")
        os.kill(child_of(front_end.pid), signal.SIGKILL)
        wait_until(lambda: memory.read(address, 1) != INT3, "the byte is back")
        assert ring.ask("stampede") == '{"ok":"stampede"}\n'
        assert "taken back by force, the target runs on" in front_end.communicate(timeout=20)[1]
    assert_as_found(ring.pid)


def test_what_was_compiled_for_one_program_is_not_planted_in_the_next(start: Start) -> None:
    offspring = start(program="offspring")
    compiled = compiled_for(offspring.pid)
    assert offspring.ask("exec") == "ready\n"
    # In a thread of its own, with whose end the kernel lets the target go.
    with ThreadPoolExecutor(1) as helper, pytest.raises(TargetEnded, match="another program"):
        helper.submit(compiled.__enter__).result()
    wait_until(lambda: procfs.tracer(offspring.pid) == 0, "the kernel has let it go")
    assert_as_found(offspring.pid)


def compiled_for(pid: int) -> Ptrace:
    stop, question = StopRequest(), Question("step", ("*counter",))
    return Ptrace(Assignment(question, resolve(pid), stop, lambda _event, _detail: None, 0))


@pytest.mark.parametrize(("program", "way"), [("offspring", "vfork 4000"), ("crowd", "share 1000")])
def test_a_child_that_runs_in_the_memory_when_we_come_and_when_we_go_lives(
    start: Start, program: str, way: str
) -> None:
    target = start(program=program)
    with ThreadPoolExecutor(1) as helper:
        answer = helper.submit(target.ask, way)
        while not answer.done():
            assert sampler("record", str(target.pid), *AT_STEP, "--rate=1000/s", "--count=5").returncode == 0
    assert answer.result() == "0\n"
    assert_as_found(target.pid)


def test_text_that_cannot_be_written_is_refused_and_the_target_not_said_to_have_ended(start: Start) -> None:
    shared = start(program="shared")
    done = sampler("record", str(shared.pid), *AT_STEP, "--count=1")
    assert done.returncode == 1
    assert "no breakpoint can be set" in done.stderr
    assert_as_found(shared.pid)
