"""The phases of one look, as each instrument marks them: named as the README says, in time order, within the look."""

from __future__ import annotations

import json
from itertools import groupby, pairwise

import pytest

from bench.tracee import Tracee
from tests.conftest import Start
from tests.integration.help import GAP, Line, of_type, recorded, run_as_nobody, start_as_nobody

BY_DEBUGGER = ["requested", "stopped", "set", "continued", "hit", "answered", "cleared", "released", "resumed"]
BY_PTRACE = ["armed", "hit", "read", "restored", "resumed"]
BY_PERF = ["opening", "opened", "arming", "armed", "hit", "read", "noticed", "closed"]
PATIENT = ("--max-suspended=100%", "--max-pause=20s")
RING = ("r->write_index - r->read_index", "--at=ring_write")


def names_of(look: Line) -> list[str]:
    """A phase that came several times in a row, as an interrupt that was repeated, once."""
    return [name for name, _ in groupby(name for name, _ in look["cost"]["marks"])]


def times_of(look: Line) -> dict[str, int]:
    """All in time order, and within the look."""
    marks = look["cost"]["marks"]
    times, (begun, ended) = [at_ns for _, at_ns in marks], look["cost"]["during_ns"]
    assert begun <= times[0]
    assert all(before <= after for before, after in pairwise(times))
    assert times[-1] <= ended
    return dict(marks)


def samples_of(target: Tracee, *asked: str) -> list[Line]:
    samples = of_type(recorded(str(target.pid), *asked, *PATIENT), "sample")
    assert len(samples) >= 3
    return samples


def test_by_delve(tracee: Tracee) -> None:
    samples = samples_of(tracee, GAP, "--at=main.write", "--instrument=dlv", "--rate=20/s", "--count=3")
    for sample in samples:
        assert_by_debugger(sample)


def test_by_gdb(start: Start) -> None:
    ring = start("-rate=100000", program="c_ring")
    for sample in samples_of(ring, *RING, "--instrument=gdb", "--rate=20/s", "--count=3"):
        assert_by_debugger(sample)


def assert_by_debugger(sample: Line) -> None:
    """A stop that an interrupt causes which was asked for twice may come in between: each phase where it came first."""
    assert list(dict.fromkeys(names_of(sample))) == BY_DEBUGGER
    at = times_of(sample)
    assert at["hit"] <= sample["t_ns"] <= at["answered"]
    assert at["resumed"] == sample["cost"]["during_ns"][1]


def test_by_ptrace(start: Start) -> None:
    for sample in samples_of(start(program="c_ring"), *RING, "--instrument=ptrace", "--rate=100/s", "--count=50"):
        assert names_of(sample) == BY_PTRACE
        at = times_of(sample)
        assert at["hit"] == sample["t_ns"]
        if sample["cost"]["hits"] == 1:
            assert at["resumed"] - at["hit"] == sample["cost"]["suspended_ns"][0]


def test_by_perf(start: Start) -> None:
    for sample in samples_of(start(program="c_ring"), *RING, "--instrument=perf", "--rate=100/s", "--count=50"):
        assert_by_perf(sample, BY_PERF)


def test_by_perf_without_a_program_of_the_kernel() -> None:
    with start_as_nobody("c_ring") as ring:
        done = run_as_nobody("record", str(ring.pid), *RING, "--instrument=perf", "--rate=100/s", "--count=20")
    samples = of_type([json.loads(line) for line in done.stdout.splitlines()], "sample")
    assert len(samples) == 20, done.stderr
    for sample in samples:
        assert_by_perf(sample, [name for name in BY_PERF if name != "read"])


def assert_by_perf(sample: Line, phases: list[str]) -> None:
    """A hit may come while other breakpoints are being armed still."""
    assert sorted(names_of(sample)) == sorted(phases)
    at = times_of(sample)
    before, after = sample["cost"]["setup_ns"]
    assert at["hit"] == sample["t_ns"]
    assert at["arming"] <= at["hit"] <= at.get("read", at["hit"]) <= at["noticed"] <= at["closed"]
    assert at["opened"] - at["opening"] <= before <= at["armed"] - at["opening"]
    assert at["closed"] - at["noticed"] <= after


@pytest.mark.parametrize(
    ("instrument", "phases"),
    [
        ("gdb", [*BY_DEBUGGER[:4], "requested", "stopped", *BY_DEBUGGER[6:]]),
        ("ptrace", ["armed", "restored"]),
        ("perf", ["opening", "opened", "arming", "armed", "closed"]),
    ],
)
def test_a_miss_has_those_that_came(start: Start, instrument: str, phases: list[str]) -> None:
    ring = start("-stampede=1", "-rate=100000", program="c_ring")
    asked = ("1 + 1", "--at=stampede_run", f"--instrument={instrument}", "--rate=5/s", "--count=2", "--window=50ms")
    misses = of_type(recorded(str(ring.pid), *asked, *PATIENT), "miss")
    assert [names_of(miss) for miss in misses] == [phases] * 2
    for miss in misses:
        times_of(miss)
