"""The budget is a promise, also when Delve hangs; the tracee itself says whether it was kept."""

from __future__ import annotations

import os
import signal

from bench.tracee import Tracee
from sampler.linux import procfs
from tests.integration.help import (
    BY_DLV,
    GAP,
    assert_as_found,
    assert_on_one_grid,
    child_of,
    lines_of,
    lines_until,
    sampler,
    started,
    wait_until,
)


def test_over_the_share_the_rate_backs_off_and_the_recording_says_so(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--rate=50/s", "--max-suspended=20%",
                 "--count=6") as run:  # fmt: skip
        lines = list(lines_of(run))
        assert run.wait() == 0
    backed_off = [line for line in lines if line.get("event") == "back-off"]
    assert backed_off
    assert backed_off[-1]["period_ns"] > 20_000_000
    assert_on_one_grid(lines, 20_000_000)
    assert lines[-1]["skipped"] == sum(line.get("skipped", 0) for line in lines[:-1])
    assert_as_found(tracee.pid)


def test_where_backing_off_does_not_help_the_target_is_let_go_with_status_3(tracee: Tracee) -> None:
    done = sampler("diode-gap", str(tracee.pid), BY_DLV, "--rate=10/s", "--max-suspended=0.001%")
    assert done.returncode == 3
    assert "--max-suspended" in done.stderr
    assert_as_found(tracee.pid)


def test_an_attach_that_takes_longer_than_the_pause_allowed_is_given_up_with_status_3(tracee: Tracee) -> None:
    done = sampler("diode-gap", str(tracee.pid), BY_DLV, "--max-pause=10ms")
    assert done.returncode == 3
    assert "--max-pause" in done.stderr
    assert_as_found(tracee.pid)


def test_a_delve_that_hangs_with_the_target_in_its_hands_does_not_break_the_promise(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--rate=20/s", "--max-suspended=100%",
                 "--max-pause=600ms") as run:  # fmt: skip
        lines_until(run, "sample", 2)
        debugger = child_of(run.pid)
        tracee.report()
        freeze_while_it_holds(tracee.pid, debugger)
        footer = list(lines_of(run))[-1]
        status = run.wait()
    assert (status, footer["ended"]) == (3, "budget"), str(footer)
    assert_as_found(tracee.pid)
    assert tracee.report()["stalls"]["longest_ns"] < 600_000_000


def freeze_while_it_holds(pid: int, debugger: int) -> None:
    """Delve may let go between our sight of it and our signal: then again."""

    def frozen() -> bool:
        wait_until(lambda: procfs.held(pid) is procfs.Held.ALL, "the target is held")
        os.kill(debugger, signal.SIGSTOP)
        wait_until(lambda: states(debugger) == {procfs.JOB_STOPPED}, "it is stopped")
        if procfs.held(pid) is procfs.Held.ALL:
            return True
        os.kill(debugger, signal.SIGCONT)
        return False

    wait_until(frozen, "it is stopped while it holds the target")


def states(pid: int) -> set[str]:
    return {procfs.stat(pid, tid).state for tid in procfs.threads(pid)}


def test_a_delve_that_hangs_while_it_attaches_is_a_matter_of_the_budget_however_long(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--max-pause=7s") as run:
        lines_until(run, "header")
        freeze_while_it_holds(tracee.pid, child_of(run.pid))
        footer = list(lines_of(run))[-1]
        assert (run.wait(), footer["ended"]) == (3, "budget"), str(footer)
    assert_as_found(tracee.pid)


def test_a_delve_that_hangs_while_the_target_runs_is_noticed(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--rate=2/s") as run:
        lines_until(run, "sample", 2)
        os.kill(child_of(run.pid), signal.SIGSTOP)
        *_, detach, footer = lines_of(run)
        status = run.wait()
    assert detach["rescued"]
    low, high = detach["suspended_ns"]
    assert 0 <= low <= high
    assert 0 < high < 2_000_000_000  # of the rescue, not of the five seconds without an answer
    # Any signal to the target stops one of its threads for its tracer, and this one does not resume it.
    assert (status, footer["error"]["kind"]) in ((1, "DebuggerHung"), (3, "BudgetExceeded"))
    assert_as_found(tracee.pid)
