"""Comparisons of real instruments on running programs: what is kept, what is said, and how the target is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.tracee import Tracee
from sampler.compare.result import Comparison, load
from tests.conftest import Start
from tests.integration.help import (
    assert_as_found,
    child_of,
    children,
    ended,
    run_as_nobody,
    sampler,
    started,
    stopped,
    wait_until,
)

GAP = "r->write_index - r->read_index"
AT = "--at=ring_write"
PATIENT = ("--max-suspended=100%", "--max-pause=20s")
SHORT = ("--rounds=2", "--round=400ms", *PATIENT)
COUNTED = ("--progress=r->write_index",)


@pytest.fixture
def ring(start: Start) -> Iterator[Tracee]:
    """It is left as it was found, whatever happened in the test."""
    target = start("-rate=100000", program="c_ring")
    yield target
    if target.process.poll() is None:
        assert_as_found(target.pid)


def compare(ring: Tracee, path: Path, *options: str, **how: Any) -> subprocess.CompletedProcess[str]:
    words = ("compare", str(ring.pid), GAP, AT, f"--output={path}", *options)
    return subprocess.run(_command(words), capture_output=True, text=True, timeout=110, check=False, **how)


def _command(words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "sampler", *words]


def test_every_instrument_asks_in_turns(ring: Tracee, tmp_path: Path) -> None:
    done = compare(ring, tmp_path / "run.json", *SHORT, *COUNTED, "--rates=20")
    assert done.returncode == 0, done.stderr
    found = load(str(tmp_path / "run.json"))
    names = [arm.instrument for arm in found.arms]
    assert names == ["control", "gdb", "ptrace", "perf", "peek", "bpftrace", "bcc"]
    assert found.ended == "done"
    for arm in found.arms:
        windows = found.of(arm)
        assert [window.round for window in windows] == [1, 2]
        for window in windows:
            assert window.failed is None, window.failed
            assert window.progress is not None
            assert window.progress > 0
            assert not window.untidy
            assert (window.asked is None) == (arm.instrument == "control")
            if window.asked is not None:
                assert window.asked.samples + window.asked.hits > 0
    for name in names:
        assert f"\n{name}" in done.stdout
    assert done.stderr.count("\n") == 2 * len(names)


def test_untouched_windows_are_between_all_others(ring: Tracee, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    options = ("--rounds=2", "--round=50ms", "--instruments=ptrace:10:20,perf:10")
    assert compare(ring, path, *options, *COUNTED).returncode == 0
    order = [window.arm.name for window in load(str(path)).windows]
    assert len(order) == 2 * (2 * 4 + 1)
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    assert sorted(first) == sorted(second)
    for half in (first, second):
        assert set(half[::2]) == {"untouched"}
        assert "untouched" not in half[1::2]


def test_the_same_seed_gives_the_same_order(ring: Tracee, tmp_path: Path) -> None:
    orders = []
    for name in ("one.json", "other.json"):
        options = ("--seed=7", "--instruments=perf:10:20:30:40", "--round=20ms", "--rounds=2")
        assert compare(ring, tmp_path / name, *options, *COUNTED).returncode == 0
        orders.append([window.arm.name for window in load(str(tmp_path / name)).windows])
    assert orders[0] == orders[1]


def test_an_instrument_that_fails_is_shown_and_the_rest_goes_on(ring: Tracee, tmp_path: Path) -> None:
    options = ("--instruments=dlv:10,perf:20", "--rounds=3", "--round=200ms")
    done = compare(ring, tmp_path / "run.json", *options, *COUNTED)
    assert done.returncode == 0, done.stderr
    found = load(str(tmp_path / "run.json"))
    dlv, perf = found.arms[1:]
    assert all(window.failed for window in found.of(dlv))
    assert len(found.of(dlv)) == 2  # twice is enough
    assert not any(window.failed for window in found.of(perf))
    assert "dlv 10/s: failed: " in done.stdout


def test_the_budget_ends_what_takes_too_much(start: Start, tmp_path: Path) -> None:
    busy = start("-calm=50ms", program="c_ring")
    options = ("--instruments=bcc,perf:10", "--rounds=1", "--round=2s")
    done = compare(busy, tmp_path / "run.json", *options, *COUNTED)
    assert done.returncode == 0, done.stderr
    assert "bcc: failed: " in done.stdout
    (window,) = load(str(tmp_path / "run.json")).of(load(str(tmp_path / "run.json")).arms[1])
    assert window.failed is not None
    assert (window.failed["kind"], window.ended) == ("BudgetExceeded", "budget")
    assert_as_found(busy.pid)


def test_ctrl_c_keeps_what_was_measured(ring: Tracee, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    options = (f"--output={path}", "--rounds=1000", "--round=50ms", "--instruments=ptrace:100,perf:100", *COUNTED)
    with started("compare", str(ring.pid), GAP, AT, *options) as run:
        _after_some_windows(run)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 0
    found = load(str(path))
    assert found.ended == "interrupted"
    assert len(found.windows) >= 4
    assert "interrupted; what was measured is here" in said


def test_the_end_of_the_target_keeps_what_was_measured(start: Start, tmp_path: Path) -> None:
    path, target = tmp_path / "run.json", start(program="c_ring")
    options = (f"--output={path}", "--rounds=1000", "--round=50ms", "--instruments=perf:100", *COUNTED)
    with started("compare", str(target.pid), GAP, AT, *options) as run:
        _after_some_windows(run)
        target.tell("exit")
        said, errors = run.communicate(timeout=60)
    assert run.returncode == 4, errors
    assert load(str(path)).ended == "target-ended"
    assert "the target ended" in said
    assert errors.splitlines()[-1].startswith("sampler: ")


@pytest.mark.parametrize("instrument", ["ptrace", "perf", "gdb", "bcc"])
def test_a_comparison_that_is_killed_leaves_the_target_as_it_was(ring: Tracee, tmp_path: Path, instrument: str) -> None:
    options = (f"--output={tmp_path / 'run.json'}", "--rounds=1000", "--round=300ms", f"--instruments={instrument}")
    with started("compare", str(ring.pid), GAP, AT, *options, *COUNTED) as run:
        _after_some_windows(run)
        recorders = children(run.pid)
        run.kill()
        run.wait()
    for recorder in recorders:
        ended(recorder)
    assert_as_found(ring.pid)
    assert load(str(tmp_path / "run.json")).windows


def test_without_a_counter_processor_time_stands_for_progress(start: Start, tmp_path: Path) -> None:
    busy = start(program="c_ring")
    done = compare(busy, tmp_path / "run.json", *SHORT, "--instruments=perf:10")
    assert done.returncode == 0, done.stderr
    assert "its processor time" in done.stdout
    assert all(window.progress for window in load(str(tmp_path / "run.json")).windows)


def test_the_loss_of_the_counter_is_told(ring: Tracee, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    options = (f"--output={path}", "--rounds=1000", "--round=100ms", "--instruments=perf:100", *COUNTED)
    with started("compare", str(ring.pid), GAP, AT, *options) as run:
        counter = child_of(run.pid)
        _after_some_windows(run)
        os.kill(counter, signal.SIGKILL)
        said, errors = run.communicate(timeout=60)
    assert run.returncode == 1, errors
    assert load(str(path)).ended == "error"
    assert "\nperf " in said
    assert "the recorder ended by signal SIGKILL" in errors.splitlines()[-1]


def test_a_full_disk_loses_no_table(ring: Tracee, tmp_path: Path) -> None:
    limited = ("prlimit", f"--fsize={1 << 13}", *_command(("compare", str(ring.pid), GAP, AT)))
    options = (f"--output={tmp_path / 'run.json'}", "--rounds=30", "--round=20ms", "--instruments=perf:100", *COUNTED)
    done = subprocess.run([*limited, *options], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 1, done.stderr
    assert "\nperf " in done.stdout
    assert "cannot write" in done.stderr.splitlines()[-1]


def test_a_target_that_somebody_stops_is_not_blamed_on_the_instrument(ring: Tracee, tmp_path: Path) -> None:
    options = (f"--output={tmp_path / 'run.json'}", "--rounds=1000", "--round=100ms", "--instruments=perf:100")
    with started("compare", str(ring.pid), GAP, AT, *options, *COUNTED) as run:
        _after_some_windows(run)
        with stopped(ring.pid):
            said, errors = run.communicate(timeout=60)
    assert run.returncode == 1, said
    assert "stopped by a signal" in errors.splitlines()[-1]


def test_where_nobody_can_ask_that_is_the_end_of_it(ring: Tracee, tmp_path: Path) -> None:
    done = compare(ring, tmp_path / "run.json", "--instruments=dlv:10", "--rounds=2", "--round=20ms", *COUNTED)
    assert done.returncode == 1
    assert "dlv 10/s: failed: " in done.stdout
    assert done.stderr.splitlines()[-1].startswith("sampler: ")


# Wrong from the start: one line, nothing asked, no file.


@pytest.mark.parametrize(
    ("options", "said", "status"),
    [
        (("--progress=r->no_such",), "no_such", 1),
        (("--at=no_such",), "no_such", 1),
        (("--aggregate=count",), "distribution", 2),
        (("--progress=1", "--progress-at="), "not a program point", 2),
        (("--progress=r", "--progress-at=no_such"), "no_such", 1),
        (("--progress-at=ring_read",), "--progress COUNTER", 2),
        (("--instruments=nobody",), "nobody", 2),
        (("--instruments=bcc:10",), "every hit", 2),
        (("--rates=0,1",), "rates", 2),
        (("--rounds=0",), "rounds", 2),
    ],
)
def test_what_cannot_be_compared_is_refused(
    ring: Tracee, tmp_path: Path, options: tuple[str, ...], said: str, status: int
) -> None:
    done = compare(ring, tmp_path / "run.json", *options)
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert not os.listdir(tmp_path)


def test_a_file_is_never_overwritten(ring: Tracee, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text("mine")
    done = compare(ring, path)
    assert (done.returncode, path.read_text()) == (1, "mine")
    assert "exists" in done.stderr


def test_a_file_that_cannot_be_written_is_said_before_anything_is_asked(ring: Tracee, tmp_path: Path) -> None:
    done = compare(ring, tmp_path / "no" / "run.json", *SHORT)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot write" in done.stderr


def test_a_process_of_another_user_is_refused(ring: Tracee) -> None:
    done = run_as_nobody("compare", str(ring.pid), GAP, AT)
    assert done.returncode == 1
    assert "may not be traced" in done.stderr


def test_a_process_that_is_not_there_is_refused() -> None:
    done = sampler("compare", "4194000", GAP, AT)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_a_comparison_reads_back_as_it_was(ring: Tracee, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert compare(ring, path, "--rounds=1", "--round=50ms", "--instruments=perf:50,peek:50", *COUNTED).returncode == 0
    found = load(str(path))
    again = Comparison.from_json(json.loads(json.dumps(found.to_json())))
    assert (again.header, again.windows, again.ended) == (found.header, found.windows, found.ended)


def _after_some_windows(run: subprocess.Popen[str]) -> None:
    """Each line tells of one."""
    assert run.stderr is not None
    for _ in range(3):
        assert "round" in run.stderr.readline()


def test_nobody_is_left_of_a_comparison(ring: Tracee) -> None:
    with started("compare", str(ring.pid), GAP, AT, *SHORT, *COUNTED, "--instruments=perf:10") as run:
        seen: set[int] = set()

        def over() -> bool:
            seen.update(children(run.pid))
            return run.poll() is not None

        wait_until(over, "it has ended")
    assert seen
    for child in seen:
        assert not os.path.exists(f"/proc/{child}")
