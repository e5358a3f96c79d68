"""What a recorder that was killed leaves behind is found, whether or not it has the target yet."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from bench.tracee import ROOT, Tracee
from sampler import frontend
from sampler.instruments.language import RUN_VARIABLE
from sampler.linux import leftovers, procfs
from tests.integration.help import (
    BY_DLV,
    GAP,
    assert_as_found,
    children,
    ended,
    environment,
    lines_until,
    started,
    wait_until,
)


def slow_delve(folder: Path) -> Path:
    """A Delve that does not attach before somebody writes to the FIFO beside it."""
    gate, program = folder / "gate", folder / "dlv"
    os.mkfifo(gate)
    program.write_text(f'#!/bin/sh\n[ "$1" = attach ] && read go < {gate}\nexec {ROOT}/.venv/bin/dlv "$@"\n')
    program.chmod(0o755)
    return program


def test_a_debugger_that_has_not_attached_when_the_recorder_is_killed_never_does(
    tracee: Tracee, tmp_path: Path
) -> None:
    late = environment(SAMPLER_DLV=str(slow_delve(tmp_path)))
    with started("diode-gap", str(tracee.pid), BY_DLV, "--format=jsonl", env=late) as front_end:
        lines_until(front_end, "header")
        recorder = children(front_end.pid)[0]
        wait_until(lambda: children(recorder), "the debugger is started")
        debugger = children(recorder)[0]
        os.kill(recorder, signal.SIGKILL)
        said = front_end.communicate(timeout=20)[1]
    ended(debugger)
    assert "the target runs on" in said
    assert_as_found(tracee.pid)


def test_a_debugger_in_mid_attach_when_the_recorder_is_killed_lets_go(tracee: Tracee) -> None:
    with started("diode-gap", str(tracee.pid), BY_DLV, "--format=jsonl") as front_end:
        lines_until(front_end, "header")
        recorder = children(front_end.pid)[0]
        wait_until(lambda: procfs.tracer(tracee.pid), "the debugger attaches")
        debugger = procfs.tracer(tracee.pid)
        os.kill(recorder, signal.SIGKILL)
        said = front_end.communicate(timeout=20)[1]
        ended(debugger)
    assert "taken back by force, the target runs on" in said
    assert_as_found(tracee.pid)


def test_a_debugger_of_another_run_is_not_touched(tracee: Tracee) -> None:
    with started(
        "record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, env=environment(**{RUN_VARIABLE: "other"})
    ) as run:
        lines_until(run, "sample")
        assert list(leftovers.marked(RUN_VARIABLE, "another")) == []
        found = [(process.pid, process.has_ended) for process in first_round("other")]
        assert sorted(found) == sorted((pid, False) for pid in (run.pid, procfs.tracer(tracee.pid)))
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20)
    assert_as_found(tracee.pid)


def first_round(value: str) -> list[leftovers.ProcessHandle]:
    """Those found before the search begins anew, for none of them is ended here."""
    seen: dict[int, leftovers.ProcessHandle] = {}
    for process in leftovers.marked(RUN_VARIABLE, value):
        if process.pid in seen:
            break
        seen[process.pid] = leftovers.ProcessHandle(process.pid)
    return list(seen.values())


def has_mark(pid: int) -> bool:
    """In execve(2) a process has its new name for a moment, and no environment yet."""
    return b"MARK=" in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_process_that_cannot_be_ended_is_not_searched_for_for_ever() -> None:
    with subprocess.Popen(["sleep", "60"], env={"MARK": "here"}) as process:
        wait_until(lambda: has_mark(process.pid), "it is executed")
        assert len(list(leftovers.marked("MARK", "here"))) < 100
        process.kill()


@pytest.mark.parametrize("besides", [True, False])
def test_those_that_are_named_are_passed_over(besides: bool) -> None:
    with subprocess.Popen(["sleep", "60"], env={"MARK": "there"}) as process:
        wait_until(lambda: has_mark(process.pid), "it is executed")
        found = leftovers.marked("MARK", "there", {process.pid} if besides else ())
        assert (next(found, None) is None) == besides
        process.kill()


def test_a_recorder_that_does_not_leave_is_killed_and_the_target_taken_back(
    tracee: Tracee, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend, "LEAVES_WITHIN_S", 0.1)  # less than until it would be woken
    with frontend.Recorder(["record", "--at=main.write", "--rate=10/s", "--", str(tracee.pid), GAP]) as recorder:
        for text in frontend.split_lines(recorder.chunks(lambda: None)):
            line = json.loads(text)
            recorder.take_note(line)
            if line["type"] == "sample":
                (process,) = set(children(os.getpid())) - {tracee.pid}
                os.kill(process, signal.SIGSTOP)
                recorder.stop()
        said = str(recorder.see_to())
    assert "the recorder ended by signal SIGKILL" in said
    assert "the target runs on" in said
    assert_as_found(tracee.pid)
