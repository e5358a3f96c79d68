"""A target is taken back from a tracer that stands still: running, its text as in its file, no instruction lost."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from bench.tracee import PROGRAM, ROOT, Tracee
from sampler.linux import fate, procfs, ptrace, rescue, text, trapped
from sampler.linux.signals import ProcessHandle
from tests.conftest import Start
from tests.integration.help import assert_as_found, wait_until

HOT = "main.(*writer).write"  # main.write itself is inlined there
TRACER = ROOT / "build" / "tracer"


@pytest.fixture
def native(start: Start) -> Tracee:
    """A program in C that ends as soon as an instruction is left out or done twice."""
    return start(program="native")


def address_of(name: str) -> int:
    with PROGRAM.open("rb") as file:
        (symbol,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name(name)
        return int(symbol["st_value"])


@contextmanager
def tracer(pid: int, address: int, kind: str) -> Iterator[ProcessHandle]:
    """One that has planted a breakpoint; if it is ``awake`` it has taken in a trap, if ``deaf`` there was one."""
    with subprocess.Popen([TRACER, str(pid), hex(address), kind], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "planted\n"
            if kind != "blind":
                assert process.stdout.readline() == "trapped\n"
            with ProcessHandle(process.pid) as handle:
                yield handle
        finally:
            process.kill()


def standing_at(pid: int, address: int) -> list[int]:
    """The threads that a tracer holds there. The file's last word is the instruction pointer: proc(5), syscall."""
    found = []
    for tid in procfs.threads(pid):
        held = procfs.stat(pid, tid).state == procfs.TRACING_STOP
        if held and Path(f"/proc/{pid}/task/{tid}/syscall").read_text().split()[-1] == hex(address):
            found.append(tid)
    return found


def assert_runs(native: Tracee) -> None:
    before = native.report()["turns"]
    wait_until(lambda: native.report()["turns"] > before, "it makes turns")
    assert native.report()["stored"] == 1, "what the spinning thread had done was done again"
    assert_as_found(native.pid)


def test_a_thread_whose_trap_nobody_has_taken_in_goes_on_from_the_breakpoint(tracee: Tracee) -> None:
    at = address_of(HOT)
    with tracer(tracee.pid, at, "deaf") as debugger:
        assert len(standing_at(tracee.pid, at + 1)) == 1
        done = rescue.take_back(tracee.pid, debugger)
    assert (done.bytes_restored, done.threads_repaired) == (1, 1)
    assert_as_found(tracee.pid)
    tracee.report()
    assert tracee.report()["writes"] > 0


def test_a_thread_whose_trap_was_taken_in_goes_on_from_the_breakpoint(tracee: Tracee) -> None:
    with tracer(tracee.pid, address_of(HOT), "awake") as debugger:
        done = rescue.take_back(tracee.pid, debugger)
    assert (done.bytes_restored, done.threads_repaired) == (1, 1)
    assert_as_found(tracee.pid)
    tracee.report()
    assert tracee.report()["writes"] > 0


def test_the_signals_by_which_delve_stops_a_process_do_not_end_it(tracee: Tracee) -> None:
    """One that each thread was stopped for, taken in by nobody, and one that is still to come."""

    def more() -> bool:
        os.kill(tracee.pid, signal.SIGTRAP)
        all_held = procfs.held(tracee.pid) is procfs.Held.ALL
        return all_held and all(trapped.to_come(tracee.pid, tid) for tid in procfs.threads(tracee.pid))

    with tracer(tracee.pid, address_of("main.main"), "blind") as debugger:
        wait_until(more, "each thread is stopped for one, and one is left")
        done = rescue.take_back(tracee.pid, debugger)
    assert done.bytes_restored == 1
    assert_as_found(tracee.pid)
    tracee.report()
    assert tracee.report()["writes"] > 0


def test_where_nobody_has_trapped_only_the_text_is_put_right(tracee: Tracee) -> None:
    with tracer(tracee.pid, address_of("main.main"), "blind") as debugger:
        done = rescue.take_back(tracee.pid, debugger)
    assert (done.bytes_restored, done.threads_repaired) == (1, 0)
    assert_as_found(tracee.pid)
    tracee.report()
    assert tracee.report()["writes"] > 0


def test_what_was_in_the_text_before_stays(tracee: Tracee) -> None:
    before, ours = address_of("main.main"), address_of(HOT)
    with open(f"/proc/{tracee.pid}/mem", "r+b", buffering=0) as memory:
        os.pwrite(memory.fileno(), bytes([text.INT3]), before)
    with tracer(tracee.pid, ours, "awake") as debugger:
        done = rescue.take_back(tracee.pid, debugger, as_found=[before])
    assert done.bytes_restored == 1
    assert [byte.address for byte in text.differences(tracee.pid)] == [before]


@pytest.mark.parametrize("kind", ["deaf", "awake"])
def test_an_instruction_of_one_byte_is_neither_left_out_nor_done_twice(native: Tracee, kind: str) -> None:
    at = native.report()["looped"]
    with tracer(native.pid, at, kind) as debugger:
        assert len(standing_at(native.pid, at + 1)) == 1
        done = rescue.take_back(native.pid, debugger)
    assert (done.bytes_restored, done.threads_repaired) == (1, 1)
    assert_runs(native)


def test_a_thread_that_stands_behind_the_breakpoint_without_a_trap_stays_there(native: Tracee) -> None:
    at = native.report()["passed"]
    if procfs.kernel_entry(native.pid, native.pid) is None:  # it sleeps, in a system call
        pytest.skip("only CAP_SYS_ADMIN may see how a thread came into the kernel")
    with tracer(native.pid, at, "blind") as debugger:
        done = rescue.take_back(native.pid, debugger)
    assert (done.bytes_restored, done.threads_repaired) == (1, 0)
    assert_runs(native)


def test_a_thread_asleep_in_the_kernel_is_no_hindrance_and_is_not_kept(native: Tracee) -> None:
    native.ask("sleep")
    at = native.report()["looped"]
    wait_until(lambda: asleep(native.pid), "a thread is in state D")
    with tracer(native.pid, at, "awake") as debugger:
        done = rescue.take_back(native.pid, debugger)
    assert (done.bytes_restored, done.threads_repaired) == (1, 1)
    assert asleep(native.pid)
    assert_runs(native)


def asleep(pid: int) -> list[int]:
    return [tid for tid in procfs.threads(pid) if procfs.stat(pid, tid).state == procfs.UNINTERRUPTIBLE]


def test_a_thread_that_does_not_stop_is_let_go_with_the_end_of_the_caller(native: Tracee) -> None:
    native.ask("sleep")
    wait_until(lambda: asleep(native.pid), "a thread is in state D")

    def seize() -> None:
        with pytest.raises(TimeoutError), ptrace.stopped(asleep(native.pid)[0], 0.05):
            pass

    with ThreadPoolExecutor(1) as helper:
        helper.submit(seize).result()
    wait_until(lambda: procfs.tracer(native.pid) == 0, "the kernel has let it go")
    assert_runs(native)


def test_a_target_that_somebody_else_stopped_stays_stopped(tracee: Tracee) -> None:
    with subprocess.Popen(["sleep", "60"]) as never_attached, ProcessHandle(never_attached.pid) as debugger:
        os.kill(tracee.pid, signal.SIGSTOP)
        wait_until(lambda: procfs.stat(tracee.pid).state == procfs.JOB_STOPPED, "it is stopped")
        assert not rescue.take_back(tracee.pid, debugger).needed
        assert debugger.has_ended
    assert not rescue.tidy(tracee.pid).needed
    assert procfs.stat(tracee.pid).state == procfs.JOB_STOPPED
    assert "is stopped by a signal" in fate.describe(tracee.pid, procfs.stat(tracee.pid).start_ticks)


def test_a_target_that_a_debugger_of_ours_left_stopped_runs_again(tracee: Tracee) -> None:
    os.kill(tracee.pid, signal.SIGSTOP)
    wait_until(lambda: procfs.stat(tracee.pid).state == procfs.JOB_STOPPED, "it is stopped")
    assert rescue.tidy(tracee.pid, held=True).continued
    assert_as_found(tracee.pid)
    assert fate.describe(tracee.pid, procfs.stat(tracee.pid).start_ticks) == "the target runs on"


def test_where_the_text_cannot_be_put_right_the_debugger_lives(native: Tracee, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> list[text.Difference]:
        raise PermissionError(f"/proc/{pid}/mem")

    with tracer(native.pid, native.report()["looped"], "awake") as debugger:
        with monkeypatch.context() as patch:
            patch.setattr(text, "differences", refuse)
            with pytest.raises(PermissionError):
                rescue.take_back(native.pid, debugger)
        wait_until(lambda: procfs.stat(debugger.pid).state not in "TZ", "it is awake again")
        said = fate.describe(native.pid, procfs.stat(native.pid).start_ticks)
        assert said == f"the target is traced by process {debugger.pid} and held by it"
        assert rescue.take_back(native.pid, debugger).bytes_restored == 1
    assert_runs(native)


def test_a_target_that_has_ended_is_no_error(tracee: Tracee) -> None:
    with tracer(tracee.pid, address_of(HOT), "awake") as debugger:
        tracee.process.kill()
        wait_until(lambda: procfs.stat(tracee.pid).state == procfs.ZOMBIE, "it has ended")
        assert rescue.restore_text(tracee.pid, ()) == []
        rescue.take_back(tracee.pid, debugger)
        assert debugger.has_ended
    assert fate.describe(tracee.pid, 1) == "the target has ended"
