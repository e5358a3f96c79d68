"""What cannot be asked gets one clear line and status 1 or 2, and the target does not notice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.tracee import Tracee
from sampler.linux import procfs
from tests.conftest import Start
from tests.integration.help import (
    BY_DLV,
    as_nobody,
    assert_as_found,
    command,
    environment,
    lines_until,
    sampler,
    started,
    wait_until,
)


def assert_refused(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert done.returncode == status, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("pid", ["4194303", "99999999999999999999", "0"])
def test_a_pid_that_does_not_exist(pid: str) -> None:
    assert_refused(sampler("diode-gap", pid), 1, "no process")


def test_no_target_at_all() -> None:
    assert_refused(sampler("diode-gap"), 2, "$PID")


def test_an_empty_target_from_a_pgrep_that_found_nothing() -> None:
    assert_refused(sampler("diode-gap", env=environment(PID="")), 2, "$PID")


def test_several_pids_in_the_variable() -> None:
    assert_refused(sampler("diode-gap", env=environment(PID="12\n13")), 1, "several")


def test_a_name_that_nobody_has() -> None:
    assert_refused(sampler("diode-gap", "no-such-program"), 1, "no process is named")


def test_a_name_that_several_have(start: Start) -> None:
    first, second = start(), start()
    done = sampler("diode-gap", "tracee")
    assert_refused(done, 1, str(first.pid), str(second.pid))


def test_a_name_that_one_has_and_the_variable_both_name_it(values: Tracee) -> None:
    for target, variables in ((["values"], {}), ([], {"PID": str(values.pid)})):
        done = sampler("watch", *target, "1 + 1", "--at=main.step", "--count=1", env=environment(**variables))
        assert done.returncode == 0, done.stderr


def test_a_process_of_another_user(tracee: Tracee) -> None:
    done = subprocess.run(
        [*as_nobody(), *command("diode-gap", str(tracee.pid))], capture_output=True, text=True, check=False, cwd="/"
    )
    assert_refused(done, 1, "may not be traced")


def test_a_zombie() -> None:
    with subprocess.Popen(["true"]) as child:
        wait_until(lambda: procfs.stat(child.pid).state == procfs.ZOMBIE, "it is a zombie")
        assert_refused(sampler("diode-gap", str(child.pid)), 1, "zombie")


def test_a_kernel_thread() -> None:
    assert_refused(sampler("diode-gap", "2"), 1, "kernel thread")


def test_a_process_that_a_signal_has_stopped(tracee: Tracee) -> None:
    tracee.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: procfs.stat(tracee.pid).state == procfs.JOB_STOPPED, "it is stopped")
    assert_refused(sampler("diode-gap", str(tracee.pid)), 1, f"kill -CONT {tracee.pid}")
    assert procfs.stat(tracee.pid).state == procfs.JOB_STOPPED
    tracee.process.send_signal(signal.SIGCONT)


def test_a_process_that_is_traced_already(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), "1", "--at=main.write", BY_DLV) as other:
        lines_until(other, "sample")
        done = sampler("diode-gap", str(tracee.pid))
        assert_refused(done, 1, "already traced by dlv")
        other.send_signal(signal.SIGTERM)
        other.communicate()
    assert_as_found(tracee.pid)


def test_a_thread_of_a_process(tracee: Tracee) -> None:
    thread = procfs.threads(tracee.pid)[-1]
    assert_refused(sampler("diode-gap", str(thread)), 1, str(tracee.pid))


def test_a_stripped_binary(start: Start) -> None:
    assert_refused(sampler("diode-gap", str(start(program="stripped").pid)), 1, "stripped")


def test_a_program_that_is_not_go() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert_refused(sampler("diode-gap", str(other.pid), BY_DLV), 1, "not a Go program")
        other.kill()


@pytest.mark.parametrize(
    "expression",
    ["x\nquit", "x; exit", "x\rquit", "x\x03", "x\x1b[A", "x = 3", "", "  ", "call f()", "x y", "(" * 400, "x" * 5000],
)
def test_an_expression_that_is_none(tracee: Tracee, expression: str) -> None:
    assert_refused(sampler("watch", "--at=main.write", "--", str(tracee.pid), expression), 2, "expression")
    assert_as_found(tracee.pid)


@pytest.mark.parametrize(
    "point", ["main.write\nquit", "main.write if true", "main.write;x", "", "+1", "/.*/", "a" * 600]
)
def test_a_point_that_is_none(tracee: Tracee, point: str) -> None:
    assert_refused(sampler("watch", str(tracee.pid), "1", f"--at={point}"), 2, "program point")


OUT_OF_RANGE = """
--rate=0 --rate=-1 --rate=1e9 --rate=10/fortnight --rate=99999999999999999999999999999999999999 --every=0s --every=1ns
--every=nonsense --duration=0 --duration=99999h --count=0 --count=-1 --count=1.5 --jitter=200% --max-pause=0
--max-suspended=0 --max-suspended=101% --window=0s --format=xml --instrument=strace --no-such-option
"""


@pytest.mark.parametrize("option", OUT_OF_RANGE.split())
def test_an_option_out_of_range(tracee: Tracee, option: str) -> None:
    assert_refused(sampler("diode-gap", str(tracee.pid), option), 2)


def test_a_file_that_cannot_be_written(tracee: Tracee, tmp_path: Path) -> None:
    done = sampler("diode-gap", str(tracee.pid), f"--output={tmp_path}/no/such/folder.jsonl")
    assert_refused(done, 1, "cannot write")


def test_a_recording_is_never_overwritten(tracee: Tracee, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text("precious\n")
    assert_refused(sampler("diode-gap", str(tracee.pid), f"--output={file}"), 1, "exists")
    assert file.read_text() == "precious\n"


def test_a_disk_that_is_full(tracee: Tracee) -> None:
    done = sampler("diode-gap", str(tracee.pid), "--output=/dev/full", "--quiet")
    assert_refused(done, 1, "No space left")
    assert_as_found(tracee.pid)


def test_nothing_is_left_of_a_file_when_nothing_was_asked(tracee: Tracee, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    sampler("watch", str(tracee.pid), "1", "--at=main.nosuch", f"--output={file}")
    assert not file.exists()


def test_a_delve_that_is_not_there(tracee: Tracee, tmp_path: Path) -> None:
    done = sampler("diode-gap", str(tracee.pid), BY_DLV, env=environment(SAMPLER_DLV=str(tmp_path / "dlv")))
    assert_refused(done, 1, "does not start")


def test_a_tool_that_is_not_delve(tracee: Tracee) -> None:
    assert_refused(
        sampler("diode-gap", str(tracee.pid), BY_DLV, env=environment(SAMPLER_DLV="/bin/true")), 1, "not Delve"
    )


def test_a_home_folder_without_delve_settings_stays_so(tracee: Tracee, tmp_path: Path) -> None:
    done = sampler("diode-gap", str(tracee.pid), BY_DLV, "--count=1", "--quiet", env=environment(HOME=str(tmp_path)))
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == []
