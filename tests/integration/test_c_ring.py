"""The C programs keep their own promises: what others are measured by must be right first."""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
from typing import Any

import pytest

from bench.tracee import ROOT, Tracee
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
