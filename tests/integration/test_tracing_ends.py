"""What tracing needs and may not have, one clear line each; and what is left when something is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.tracee import ROOT, Tracee
from sampler.linux import procfs
from tests.conftest import Start
from tests.integration.help import (
    assert_as_found,
    child_of,
    children,
    ended,
    environment,
    refusing,
    run_as_nobody,
    sampler,
    start_as_nobody,
    wait_until,
)
from tests.integration.tracing import TOOLS, WITHOUT_BUDGET, tracing

PROBES = ("guarded:entry", "guarded:exit")


def assert_refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    for text in said:
        assert text in done.stderr


# What is missing.


@pytest.mark.parametrize(
    ("tool", "changes", "said"),
    [
        ("bpftrace", {"SAMPLER_BPFTRACE": "/nowhere/bpftrace"}, "does not start"),
        ("bpftrace", {"SAMPLER_BPFTRACE": "/bin/true"}, "is not bpftrace"),
        ("bcc", {"SAMPLER_BCC_PYTHON": sys.executable}, "apt-get install python3-bpfcc"),
        ("bcc", {"SAMPLER_BCC_PYTHON": "/nowhere/python3"}, "does not start"),
        ("bcc", {"BCC_KERNEL_SOURCE": "/nowhere"}, "see `sampler doctor`"),
    ],
)
def test_without_a_tool_one_line_says_what_is_missing(
    start: Start, tool: str, changes: dict[str, str], said: str
) -> None:
    caller = start("-rate=1", program="go_uprobe")
    done = sampler("count", str(caller.pid), "main.f", f"--with={tool}", "--quiet", env=environment(**changes))
    assert_refused(done, said)
    assert_as_found(caller.pid)


def test_without_bcc_bpftrace_is_taken(start: Start) -> None:
    caller = start("-rate=1", program="go_uprobe")
    with tracing("count", caller.pid, "main.f", tool="auto", env=environment(SAMPLER_BCC_PYTHON=sys.executable)) as run:
        run.attached()
        assert run.lines[0]["instrument"] == "bpftrace"
        assert "BCC is not installed" in run.lines[0]["passed_over"]["bcc"]
        run.end()


def test_a_plain_user_is_told_that_it_takes_root() -> None:
    with start_as_nobody("go_uprobe") as caller:
        for tool in TOOLS:
            done = run_as_nobody("count", str(caller.pid), "main.f", f"--with={tool}", "--quiet")
            assert_refused(done, "run" if tool == "bcc" else "run sampler as root")
        assert_as_found(caller.pid)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("call", ["bpf", "perf_event_open"])
def test_a_kernel_that_refuses_is_reported_in_one_line(start: Start, tool: str, call: str) -> None:
    caller = start("-rate=1", program="go_uprobe")
    done = refusing(call, "count", str(caller.pid), "main.f", f"--with={tool}", "--quiet")
    assert_refused(done, "refuse")
    assert_as_found(caller.pid)


def test_the_noise_of_the_tools_is_not_heard(start: Start) -> None:
    """Neither of a machine without tracefs, nor of limits that do not matter."""
    caller = start("-rate=1", program="go_uprobe")
    for tool in TOOLS:
        done = sampler("count", str(caller.pid), "main.f", f"--with={tool}", "--duration=100ms")
        assert (done.returncode, done.stderr) == (0, "")
        assert "ERROR" not in done.stdout


def test_doctor_says_what_there_is_and_how_to_have_it() -> None:
    done = sampler("doctor")
    assert "bpftrace 0." in done.stdout
    assert "BCC 0." in done.stdout
    without = sampler("doctor", env=environment(SAMPLER_BPFTRACE="/bin/true", SAMPLER_BCC_PYTHON=sys.executable))
    assert "apt-get install python3-bpfcc" in without.stdout


# Another mount namespace: the program is not there where its path says.


@contextmanager
def elsewhere(program: str) -> Iterator[Tracee]:
    """On a file system that only the process itself sees."""
    hidden = "/mnt"
    script = f"mount -t tmpfs none {hidden} && cp {ROOT}/build/{program} {hidden}/it && exec {hidden}/it"
    with Tracee("--mount", "sh", "-c", script, program=Path(shutil.which("unshare") or "unshare")) as target:
        assert not Path(hidden, "it").exists()
        yield target


@pytest.mark.parametrize("tool", TOOLS)
def test_a_program_in_another_mount_namespace_is_found(tool: str) -> None:
    with elsewhere("go_usdt") as requester:
        points = ("main.request", "usdt:entry", "main.request:return")
        with tracing("count", requester.pid, *points, tool=tool) as run:
            run.attached()
            assert requester.ask("requests 20") == '{"ok":"requests"}\n'
            found = run.tally(lambda line: line["counts"]["main.request:return"] >= 20)
            assert found["counts"] == dict.fromkeys(points, 20)
            run.end()
        assert_as_found(requester.pid)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_program_whose_file_is_gone_is_found(tmp_path: Path, tool: str) -> None:
    shutil.copy(ROOT / "build" / "go_uprobe", tmp_path / "it")
    with Tracee("-rate=1000", program=tmp_path / "it") as caller:
        (tmp_path / "it").unlink()
        with tracing("count", caller.pid, "main.f", tool=tool) as run:
            run.attached()
            run.tally(lambda line: line["counts"]["main.f"] > 0)
            run.end()


# Ends of all sorts. A probe is the kernel's own, and goes with its last descriptor; what it added to a semaphore too.


def tool_of(run_pid: int) -> int:
    return child_of(child_of(run_pid))


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("victim", ["front end", "recorder", "tool"])
def test_whoever_is_killed_the_probes_go_and_the_target_runs_on(start: Start, tool: str, victim: str) -> None:
    requester = start(program="go_usdt")
    with tracing("latency", requester.pid, *PROBES, "--key=arg0", tool=tool) as run:
        recorder = child_of(run.process.pid)
        run.attached()
        child = child_of(recorder)
        os.kill({"front end": run.process.pid, "recorder": recorder, "tool": child}[victim], signal.SIGKILL)
        run.process.wait(20)
        said = run.process.stderr.read() if run.process.stderr else ""
        ended(recorder)
        ended(child)
        if victim == "tool":
            assert "ended" in said
            assert said.count("\n") == 1
    assert_nobody_listens(requester)
    assert_as_found(requester.pid)


def assert_nobody_listens(requester: Tracee) -> None:
    """The kernel takes a moment to see to it."""

    def fired() -> int:
        before = requester.report()["guarded_enabled"]
        assert requester.ask("requests 1") == '{"ok":"requests"}\n'
        after = requester.report()["guarded_enabled"]
        return int(after["entry"] - before["entry"] + after["exit"] - before["exit"])

    wait_until(lambda: fired() == 0, "nobody listens")


@pytest.mark.parametrize("turns", [5, pytest.param(500, marks=pytest.mark.torture)])
@pytest.mark.parametrize("tool", TOOLS)
def test_a_recorder_that_is_killed_at_any_moment_leaves_the_target_as_found(
    start: Start, tool: str, turns: int
) -> None:
    """From before its tool has begun to when the probes are set."""
    caller = start("-rate=100000", program="go_uprobe")
    for turn in range(turns):
        with tracing("count", caller.pid, "main.f", "main.f:return", tool=tool) as run:
            recorder = child_of(run.process.pid)
            if turn % 3:
                wait_until(lambda recorder=recorder: children(recorder), "the tool has begun")
            if turn % 3 == 2:
                run.attached()
            started = children(recorder)
            os.kill(recorder, signal.SIGKILL)
            run.process.communicate()
            for child in started:
                ended(child)
        assert_as_found(caller.pid)
        before = caller.report()["calls"]
        wait_until(lambda before=before: caller.report()["calls"] > before, "it calls on")


def test_a_run_that_is_interrupted_before_the_tool_is_ready_ends_in_good_order(start: Start) -> None:
    caller = start(program="go_uprobe")
    with tracing("count", caller.pid, "main.f") as run:
        recorder = child_of(run.process.pid)
        wait_until(lambda: children(recorder), "the tool has begun")
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(60) == 0
    assert_as_found(caller.pid)


def test_nothing_is_left_in_the_folder_for_temporary_files(start: Start, tmp_path: Path) -> None:
    caller = start("-rate=1", program="go_uprobe")
    with tracing("count", caller.pid, "main.f", env=environment(TMPDIR=str(tmp_path))) as run:
        run.attached()
        os.kill(child_of(run.process.pid), signal.SIGKILL)
        run.process.communicate()
    assert list(tmp_path.iterdir()) == []
    assert WITHOUT_BUDGET in run.process.args
    assert procfs.stat(caller.pid).state not in "TtZ"
