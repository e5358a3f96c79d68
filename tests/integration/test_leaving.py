"""However a run ends, the target ends as it was found."""

from __future__ import annotations

import os
import pty
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from bench.tracee import Tracee
from sampler.budget import Budget
from sampler.errors import SamplerError
from sampler.instruments.base import Assignment
from sampler.instruments.custody import Custody
from sampler.instruments.dialogue import Dialogue
from sampler.instruments.dlv import DelveLanguage
from sampler.instruments.dlv_tool import find_delve
from sampler.linux import procfs, trapped
from sampler.linux.wakeup import StopRequest
from sampler.question import Question, Timing
from sampler.recorder import Order, record
from sampler.recording import load
from sampler.resolve import resolve
from sampler.units import NS_PER_SECOND
from tests.integration.help import (
    BY_DLV,
    GAP,
    assert_as_found,
    child_of,
    ended,
    lines_until,
    started,
    wait_until,
)

ASK = ("--rate=10/s", "--max-suspended=100%", "--max-pause=20s", "--format=jsonl")


def test_an_interrupt_too_many_does_not_end_the_target(tracee: Tracee) -> None:
    """Delve sends the target a SIGTRAP for each, also where it has stopped already, and forgets it when it leaves."""
    stop, found = StopRequest(), resolve(tracee.pid)
    question = Question("main.write", ("1",), budget=Budget(max_pause_ns=20 * NS_PER_SECOND))
    given = Assignment(question, found, stop, lambda *_: None, time.monotonic_ns())
    with closing(stop), Custody(given, DelveLanguage(find_delve())) as custody:
        custody.talk.interrupt()
        wait_until(lambda: procfs.held(tracee.pid) is procfs.Held.ALL, "it is stopped")
        custody.talk.interrupt()
        wait_until(lambda: trapped.to_come(tracee.pid, tracee.pid), "a SIGTRAP is on its way")
    assert_as_found(tracee.pid)
    tracee.report()
    assert tracee.report()["writes"] > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_front_end_is_a_normal_end(tracee: Tracee, number: signal.Signals) -> None:
    with started("diode-gap", str(tracee.pid), BY_DLV, *ASK) as front_end:
        lines_until(front_end, "sample")
        front_end.send_signal(number)
        rest, said = front_end.communicate(timeout=20)
        assert front_end.returncode == 0, said
    assert '"ended": "interrupted"' in rest.splitlines()[-1]
    assert_as_found(tracee.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1])
def test_a_signal_to_the_recorder_is_a_normal_end_too(tracee: Tracee, number: signal.Signals) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--rate=10/s") as run:
        lines_until(run, "sample")
        run.send_signal(number)
        assert '"ended": "interrupted"' in run.communicate(timeout=20)[0]
        assert run.returncode == 0
    assert_as_found(tracee.pid)


def test_a_terminal_does_not_stop_a_recorder_that_serves_a_target(tracee: Tracee) -> None:
    ask = (GAP, "--at=main.write", "--instrument=ptrace", "--rate=100/s")
    with started("record", str(tracee.pid), *ask) as run:
        lines_until(run, "sample")
        for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            run.send_signal(number)
        lines_until(run, "sample", 10)
        assert procfs.stat(run.pid).state != procfs.JOB_STOPPED
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20)
    assert_as_found(tracee.pid)


def test_a_recorder_that_somebody_stops_is_woken_by_the_front_end(tracee: Tracee) -> None:
    with started("diode-gap", str(tracee.pid), "--instrument=ptrace", "--rate=100/s", "--format=jsonl") as front_end:
        lines_until(front_end, "sample")
        os.kill(child_of(front_end.pid), signal.SIGSTOP)
        lines_until(front_end, "sample", 200)
        front_end.send_signal(signal.SIGINT)
        front_end.communicate(timeout=20)
        assert front_end.returncode == 0
    assert_as_found(tracee.pid)


def test_a_signal_while_attaching_leaves_too(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV) as run:
        lines_until(run, "header")
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 0
    assert_as_found(tracee.pid)


def test_a_front_end_that_is_killed_takes_nobody_with_it(tracee: Tracee) -> None:
    with started("diode-gap", str(tracee.pid), BY_DLV, *ASK) as front_end:
        lines_until(front_end, "sample")
        recorder = child_of(front_end.pid)
        front_end.kill()
        ended(recorder)
    assert_as_found(tracee.pid)


def test_a_recorder_that_is_killed_leaves_a_target_that_the_front_end_saves(tracee: Tracee) -> None:
    with started("diode-gap", str(tracee.pid), BY_DLV, *ASK) as front_end:
        lines_until(front_end, "sample", 2)
        recorder = child_of(front_end.pid)
        debugger = child_of(recorder)
        os.kill(recorder, signal.SIGKILL)
        said = front_end.communicate(timeout=20)[1]
        assert front_end.returncode == 1
        ended(debugger)
    assert "the recorder ended by signal SIGKILL" in said
    assert "runs on" in said
    assert_as_found(tracee.pid)


def test_a_recorder_killed_while_it_holds_the_target_leaves_one_that_is_saved(tracee: Tracee) -> None:
    with started("diode-gap", str(tracee.pid), BY_DLV, *ASK) as front_end:
        lines_until(front_end, "sample", 2)
        recorder = child_of(front_end.pid)
        wait_until(lambda: procfs.held(tracee.pid) is procfs.Held.ALL, "the target is held")
        os.kill(recorder, signal.SIGKILL)
        front_end.communicate(timeout=20)
    assert_as_found(tracee.pid)


def test_a_closed_pipe_is_a_normal_end_and_the_file_is_whole(tracee: Tracee, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    with started("diode-gap", str(tracee.pid), BY_DLV, *ASK, f"--output={file}") as front_end:
        lines_until(front_end, "sample")
        assert front_end.stdout is not None
        front_end.stdout.close()
        assert front_end.wait(20) == 0
    assert load(str(file)).footer is not None
    assert_as_found(tracee.pid)


def test_a_reader_of_the_recorder_that_goes_away_ends_it(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--every=1h") as run:
        lines_until(run, "sample")
        assert run.stdout is not None
        run.stdout.close()
        run.wait(20)
    assert_as_found(tracee.pid)


def test_a_lost_terminal_is_a_normal_end(tracee: Tracee, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    master, slave = pty.openpty()
    with started("diode-gap", str(tracee.pid), BY_DLV, "--rate=10/s", f"--output={file}", stdin=slave, stdout=slave,
                 stderr=slave, start_new_session=True) as front_end:  # fmt: skip
        os.close(slave)
        wait_until(lambda: file.exists() and '"sample"' in file.read_text(), "there is a sample")
        os.close(master)
        front_end.send_signal(signal.SIGHUP)  # what the kernel sends to those whose terminal it was
        front_end.wait(20)
    assert load(str(file)).footer is not None
    assert_as_found(tracee.pid)


def test_an_error_of_our_own_leaves_the_target_as_found(
    tracee: Tracee, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter(range(100))

    def fail(self: Dialogue, command: str) -> str:
        if next(turns) == 7:
            raise ZeroDivisionError("of our own")
        self.send(command)
        return self.answer()

    monkeypatch.setattr(Dialogue, "ask", fail)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    file = tmp_path / "run.jsonl"
    question = Question("main.write", (GAP,), Timing(period_ns=50_000_000))
    with file.open("w") as stream, pytest.raises(SamplerError, match="of our own"):
        record(Order(str(tracee.pid), question, "dlv"), stream)
    for number, handler in before.items():
        signal.signal(number, handler)
    recording = load(str(file))
    assert recording.footer is not None
    assert recording.footer["error"]["why"] == "ZeroDivisionError: of our own"
    assert len(recording.samples) >= 1
    assert_as_found(tracee.pid)
