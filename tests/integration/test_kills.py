"""Ends at random moments: a small share here, a hundred of each with `make torture`."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from bench.tracee import ROOT, Tracee
from tests.integration.help import BY_DLV, assert_as_found, child_of, ended, lines_until, started

# From the start of the front end over attaching into the looks.
LATEST_S = 1.2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("turns", [5, pytest.param(100, marks=pytest.mark.torture)])
def test_an_end_of_the_front_end_at_any_moment_leaves_the_target_as_found(turns: int, number: signal.Signals) -> None:
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    for turn in range(turns):
        with Tracee(program=ROOT / "build" / "tracee") as tracee:
            end_front_end(tracee, number, moments.uniform(0, LATEST_S))
            try:
                assert_as_found(tracee.pid)
            except AssertionError as error:
                raise AssertionError(f"turn {turn} of seed {seed}: {error}") from error
            tracee.report()
            assert tracee.report()["writes"] > 0


@pytest.mark.parametrize("program", ["tracee", "c_ring"])
@pytest.mark.parametrize("turns", [10, pytest.param(500, marks=pytest.mark.torture)])
def test_a_killed_front_end_of_ptrace_at_a_hot_function_leaves_the_target_as_found(turns: int, program: str) -> None:
    """Millions of calls a second, a hundred looks a second: hardly a moment at which nothing is under way."""
    asked = {"tracee": ("d.writeIndex", "main.write"), "c_ring": ("r->write_index", "ring_write")}[program]
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    with Tracee(program=ROOT / "build" / program) as target:
        for turn in range(turns):
            ask = (str(target.pid), asked[0], f"--at={asked[1]}", "--instrument=ptrace", "--rate=100/s")
            with started("watch", *ask, "--format=jsonl") as front_end:
                recorder = child_of(front_end.pid)
                lines_until(front_end, "event")
                time.sleep(
                    moments.uniform(0, 0.8)
                )  # from before it is let go between looks to after; the moment is what the test is about
                front_end.kill()
                front_end.communicate()
                ended(recorder)
            try:
                assert_as_found(target.pid)
            except AssertionError as error:
                raise AssertionError(f"turn {turn} of seed {seed}: {error}") from error
        target.report()
        assert target.report()["writes"] > 0


@pytest.mark.parametrize("instrument", ["perf", "peek"])
@pytest.mark.parametrize("victim", ["front end", "recorder"])
@pytest.mark.parametrize("turns", [5, pytest.param(1000, marks=pytest.mark.torture)])
def test_a_target_that_nobody_stops_runs_on_whoever_is_killed(turns: int, victim: str, instrument: str) -> None:
    """500 looks a second at a function that is called millions of times a second; whatever we leave is harmless."""
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    for turn in range(turns):
        with Tracee(program=ROOT / "build" / "c_ring") as target:
            ask = (str(target.pid), "r->write_index", "--at=ring_write", f"--instrument={instrument}", "--rate=500/s")
            with started("watch", *ask, "--format=jsonl") as front_end:
                recorder = child_of(front_end.pid)
                lines_until(front_end, "event")
                time.sleep(moments.uniform(0, 0.1))  # the moment is what the test is about
                os.kill(front_end.pid if victim == "front end" else recorder, signal.SIGKILL)
                front_end.communicate()
                ended(recorder)
            try:
                assert_as_found(target.pid)
                target.report()
                assert target.report()["writes"] > 0
            except AssertionError as error:
                raise AssertionError(f"turn {turn} of seed {seed}: {error}") from error


def end_front_end(tracee: Tracee, number: signal.Signals, after_s: float) -> None:
    """While it looks ten times a second; waits until its recorder has ended."""
    ask = ("--rate=10/s", "--max-suspended=100%", "--max-pause=20s", "--format=jsonl")
    with started("diode-gap", str(tracee.pid), BY_DLV, *ask) as front_end:
        recorder = child_of(front_end.pid)
        lines_until(front_end, "header")
        time.sleep(after_s)  # the moment is what the test is about
        front_end.send_signal(number)
        front_end.communicate()
        ended(recorder)
        assert front_end.returncode == (0 if number == signal.SIGINT else -number)


@pytest.mark.torture
def test_an_end_of_the_recorder_at_any_moment_of_the_looks_leaves_the_target_as_found() -> None:
    """The front end takes the target back from a Delve that has lost its master, in whatever state."""
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    for turn in range(100):
        with Tracee(program=ROOT / "build" / "tracee") as tracee:
            ask = ("--rate=10/s", "--max-suspended=100%", "--max-pause=20s", "--format=jsonl")
            with started("diode-gap", str(tracee.pid), BY_DLV, *ask) as front_end:
                recorder = child_of(front_end.pid)
                lines_until(front_end, "sample")
                time.sleep(moments.uniform(0, 0.3))  # likewise
                os.kill(recorder, signal.SIGKILL)
                front_end.communicate()
            try:
                assert_as_found(tracee.pid)
            except AssertionError as error:
                raise AssertionError(f"turn {turn} of seed {seed}: {error}") from error
