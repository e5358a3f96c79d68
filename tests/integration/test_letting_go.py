"""A target that is not traced between two looks: what is seen of it, and what it may do meanwhile."""

from __future__ import annotations

import os
import signal
from typing import Any

from bench.tracee import Tracee
from sampler.linux import procfs
from tests.conftest import Start
from tests.integration.help import (
    assert_as_found,
    lines_of,
    lines_until,
    sampler,
    started,
    traced_by_another,
    wait_until,
)

SELDOM = ("r->write_index - r->read_index", "--at=ring_write", "--instrument=ptrace", "--rate=1/s")
OF_OFFSPRING = ("*counter", "--at=step", "--instrument=ptrace")


def is_let_go(pid: int) -> None:
    """The last of the threads is let go by the end of the one that looked, a moment after the sample is there."""
    wait_until(lambda: procfs.tracer(pid) == 0, "nobody traces it")


def test_asked_once_a_second_a_target_is_traced_for_the_looks_only(start: Start) -> None:
    ring = start("-bystander", program="c_ring")
    with started("record", str(ring.pid), *SELDOM, "--count=3") as run:
        for _ in range(2):
            lines_until(run, "sample")
            is_let_go(ring.pid)
            assert_as_found(ring.pid)
        *_, detach, footer = lines_of(run)
    assert (footer["samples"], footer["ended"]) == (3, "count")
    assert (detach["suspended_ns"], detach["unsettled"]) == ([0, 0], 0)
    assert_as_found(ring.pid)


def test_who_sleeps_is_not_woken_by_looks_nor_by_their_ends(start: Start) -> None:
    ring = start(program="c_ring")
    ring.report()

    def wakes() -> str:
        """Of the first thread, which waits for a command."""
        return procfs.status(ring.pid, ring.pid)["voluntary_ctxt_switches"]

    wait_until(lambda: procfs.task_state(ring.pid, ring.pid) == "S", "it waits")
    before = wakes()
    done = sampler("record", str(ring.pid), *SELDOM, "--count=3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert wakes() == before


def test_a_target_that_is_stopped_all_the_time_is_let_go_at_any_rate(start: Start) -> None:
    """Each thread that is made is two stops: of its maker, and of itself."""
    ring = start("-churn=1000", program="c_ring")
    often = (*SELDOM[:-1], "--rate=50/s", "--max-suspended=100%")
    with started("record", str(ring.pid), *often) as run:
        event = let_go_in(lines_until(run, "event", 2))
        lines_until(run, "sample", 20)
        run.send_signal(signal.SIGINT)
        *_, detach, footer = lines_of(run)
    assert event["stops"] > 2 * event["running"] >= 2
    assert (footer["ended"], detach["unsettled"]) == ("interrupted", 0)
    assert ring.report()["churn"]["threads"] > 0
    assert_as_found(ring.pid)


def let_go_in(lines: list[dict[str, Any]]) -> dict[str, Any]:
    (event,) = (line for line in lines if line.get("event") == "let-go")
    return event


def test_asked_a_thousand_times_a_second_it_is_kept(start: Start) -> None:
    ring = start("-churn=1000", program="c_ring")
    with started("record", str(ring.pid), *SELDOM[:-1], "--rate=1000/s", "--max-suspended=100%") as run:
        looks = lines_until(run, "sample", 1500)
        run.send_signal(signal.SIGINT)
        run.communicate()
    assert not [line for line in looks if line.get("event") == "let-go"]
    assert_as_found(ring.pid)


def test_the_end_of_a_target_is_noticed_while_nobody_traces_it(offspring: Tracee) -> None:
    with started("record", str(offspring.pid), *OF_OFFSPRING, "--every=1m") as run:
        lines_until(run, "sample")
        is_let_go(offspring.pid)
        offspring.process.kill()
        *_, footer = lines_of(run)  # long before the minute is over, or the test's time is
        assert run.wait() == 4
    assert footer["ended"] == "target-ended"


def test_another_program_is_not_asked_what_was_compiled_for_the_first(offspring: Tracee) -> None:
    with started("record", str(offspring.pid), *OF_OFFSPRING, "--rate=1/s") as run:
        lines_until(run, "sample")
        is_let_go(offspring.pid)
        assert offspring.ask("exec") == "ready\n"
        *_, footer = lines_of(run)
        assert run.wait() == 4
    assert footer["error"]["why"] == "it runs another program now"
    assert_as_found(offspring.pid)


def test_a_debugger_that_comes_in_between_may_stay(start: Start) -> None:
    ring = start(program="c_ring")
    with started("record", str(ring.pid), *SELDOM) as run:
        lines_until(run, "sample")
        is_let_go(ring.pid)
        with traced_by_another(ring.pid) as other:
            *_, footer = lines_of(run)
            assert run.wait() == 1
            assert procfs.tracer(ring.pid) == other
    assert "is already traced by python" in footer["error"]["what"]


def test_a_target_that_was_stopped_in_between_stays_so(start: Start) -> None:
    ring = start(program="c_ring")
    with started("record", str(ring.pid), *SELDOM, "--window=50ms") as run:
        lines_until(run, "sample")
        is_let_go(ring.pid)
        os.kill(ring.pid, signal.SIGSTOP)
        (miss,) = (line for line in lines_until(run, "miss") if line["type"] == "miss")
        assert miss["reason"] == "not-reached"
        is_let_go(ring.pid)
        wait_until(lambda: procfs.stat(ring.pid).state == "T", "it is stopped as it was")
        os.kill(ring.pid, signal.SIGCONT)
        lines_until(run, "sample")
        run.send_signal(signal.SIGINT)
        run.communicate()
    assert_as_found(ring.pid)
