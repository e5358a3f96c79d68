"""The C programs keep their own promises: what others are measured by must be right first."""

from __future__ import annotations

import ctypes
import itertools
import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from bench.tracee import ROOT, Report, Tracee
from sampler.linux import procfs
from tests.conftest import Start
from tests.integration.help import assert_as_found, wait_until

pytestmark = pytest.mark.skipif(not (ROOT / "build" / "c_ring").exists(), reason="built where there is a gcc")

LIBC = ctypes.CDLL(None, use_errno=True)


def c_reference(target: Tracee, rate: int, seconds: float) -> dict[str, Any]:
    """Looks at ring_write of a build/c_ring-nopie."""
    command = [str(ROOT / "build" / "c_reference"), str(target.pid), f"{ring_write():#x}", "rdi", "16", "24"]
    run = subprocess.run([*command, str(rate), str(seconds)], capture_output=True, text=True, timeout=60, check=True)
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def ring_write() -> int:
    symbols = subprocess.run(
        ["nm", str(ROOT / "build" / "c_ring-nopie")], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return next(int(line.split()[0], 16) for line in symbols if line.endswith(" ring_write"))


def queue(target: Tracee, value: int) -> bool:
    return bool(LIBC.sigqueue(target.pid, signal.SIGRTMIN, ctypes.c_void_p(value)) == 0)


@pytest.mark.parametrize(("threads", "churn"), [(1, 0), (16, 0), (200, 500)])
def test_the_reference_stops_no_thread_but_the_one_that_it_asks(start: Start, threads: int, churn: int) -> None:
    target = start(f"-threads={threads}", f"-churn={churn}", "-rate=1000", "-bystander", program="c_ring-nopie")
    target.report()
    result = c_reference(target, 100, 1)
    report = target.report()
    assert result["samples"] + result["misses"] + result["skipped"] == 100
    assert result["samples"] > 50
    assert report["bystander"]["voluntary_switches"] <= 1, "more than the stop of the leaving"
    if not churn:  # where threads come and go, one of them may be between two looks at it
        assert_as_found(target.pid)


def test_every_queued_signal_arrives_with_its_value_while_the_reference_looks(start: Start) -> None:
    target = start("-signals", "-rate=1000", program="c_ring-nopie")
    sent = 0
    command = [
        str(ROOT / "build" / "c_reference"),
        str(target.pid),
        f"{ring_write():#x}",
        "rdi",
        "16",
        "24",
        "500",
        "1",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as reference:
        while reference.poll() is None:
            sent += queue(target, 3)
            signal.sigtimedwait([], 0.0001)
    assert reference.returncode == 0
    seen = [0, 0]

    def all_are_there() -> bool:
        report = target.report()["signals"]
        seen[0] += report["realtime"]
        seen[1] += report["realtime_sum"]
        return seen == [sent, 3 * sent]

    wait_until(all_are_there, "all signals have arrived")


def test_a_stop_is_seen_by_the_bystander_as_one_switch(start: Start) -> None:
    target = start("-bystander", "-rate=1000", program="c_ring")
    bystander = target.report()["bystander"]["tid"]
    target.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: procfs.stat(target.pid, bystander).state == "T", "it is stopped")
    target.process.send_signal(signal.SIGCONT)
    assert target.report()["bystander"]["voluntary_switches"] == 1


def test_a_stampede_is_one_call_of_each_thread(start: Start) -> None:
    target = start("-stampede=50", program="c_ring")
    target.ask("quiet")
    target.report()
    assert target.ask("stampede") == '{"ok":"stampede"}\n'
    report = target.report()
    assert report["stampede"]["calls"] == report["calls"] == 50


PROGRAMS = pytest.mark.parametrize("program", ["c_ring", "tracee"])

Pairs = list[list[int]]


def reports(target: Tracee) -> Iterator[Report]:
    """Twenty of a target with ``-every``: where the machine stalls, what is made up for spoils one, not all."""
    assert target.process.stdout is not None
    return map(json.loads, itertools.islice(target.process.stdout, 20))


def shares(pairs: Pairs) -> list[float]:
    """Of the labels from 0 to 19, in all."""
    weights = dict(pairs)
    return [weights.get(label, 0) / max(sum(weights.values()), 1) for label in range(20)]


def total(pairs: Pairs) -> int:
    return sum(weight for _, weight in pairs)


def shows_pulses_of_20(report: Report) -> bool:
    after_rest, *others = shares(report["gap_waited"])
    return (
        all(0.03 < each < 0.07 for each in shares(report["gap"]))
        and 0.4 < after_rest < 0.65
        and all(0.01 < each < 0.05 for each in others)
    )


@PROGRAMS
def test_a_pulse_meets_each_gap_as_often_and_the_first_after_half_of_the_time(start: Start, program: str) -> None:
    target = start("-rate=1000", "-pulse=20", "-gaps=1", "-every=1s", program=program)
    assert any(map(shows_pulses_of_20, reports(target)))


@PROGRAMS
def test_the_time_before_an_observed_write_is_since_the_write_before_observed_or_not(
    start: Start, program: str
) -> None:
    target = start("-rate=1000", "-gaps=10", "-every=500ms", program=program)
    assert any(total(report["gap_waited"]) < 5_000_000 * total(report["gap"]) for report in reports(target))


@PROGRAMS
@pytest.mark.parametrize("pulse", [0, 20])
def test_the_time_before_writes_is_never_more_than_there_was(start: Start, program: str, pulse: int) -> None:
    target = start("-rate=1000", f"-pulse={pulse}", "-gaps=1", "-every=200ms", program=program)
    interval = waited = 0
    for report in itertools.islice(reports(target), 5):
        interval += report["interval_ns"]
        waited += total(report["gap_waited"])
        assert total(report["gap"]) + report["gap_under"] + report["gap_over"] == report["writes"]
        assert {gap for gap, _ in report["gap_waited"]} <= {gap for gap, _ in report["gap"]}
        assert waited <= interval
    assert waited > 0


@PROGRAMS
def test_without_a_rate_no_time_is_taken_before_a_write(start: Start, program: str) -> None:
    report = start("-gaps=1", program=program).report()
    assert report["gap"]
    assert report["gap_waited"] == []


@PROGRAMS
def test_the_first_write_after_a_resume_has_no_time_before_it(start: Start, program: str) -> None:
    target = start("-rate=1000", "-gaps=1", program=program)
    target.ask("quiet")
    quiet_since = target.report()["t_ns"]
    wait_until(lambda: target.report()["t_ns"] > quiet_since + 100_000_000, "it was quiet for long")
    still_quiet = target.report()["t_ns"]
    target.ask("resume")
    first = next(report for report in iter(target.report, None) if report["writes"])
    assert total(first["gap_waited"]) <= first["t_ns"] - still_quiet


@PROGRAMS
def test_a_pulse_is_of_a_program_at_a_rate(program: str) -> None:
    run = subprocess.run(
        [ROOT / "build" / program, "-pulse=20"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert run.returncode == 2
