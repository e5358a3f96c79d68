"""Looks by the real Delve at real programs: the values, and whatever comes in between."""

from __future__ import annotations

import json
import os
import signal
import threading
from contextlib import suppress

from bench.tracee import ROOT, Tracee
from sampler.linux import procfs, text
from tests.integration.help import (
    BY_DLV,
    GAP,
    assert_as_found,
    assert_on_one_grid,
    child_of,
    ended,
    environment,
    lines_of,
    lines_until,
    sampler,
    started,
    wait_until,
)

FAST = ("--rate=20/s", "--max-suspended=100%", "--max-pause=20s")  # no test depends on speed


def recorded(*arguments: str) -> list[dict[str, object]]:
    done = sampler("record", BY_DLV, *arguments)
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_look_gives_every_value_with_its_cost(tracee: Tracee) -> None:
    lines = recorded(str(tracee.pid), GAP, "d.writeIndex", "d.readIndex", "--at=main.write", "--count=3", *FAST)
    samples = [line for line in lines if line["type"] == "sample"]
    assert len(samples) == 3
    for sample in samples:
        values, (low, high) = sample["values"], sample["cost"]["suspended_ns"]
        assert values[GAP] == (values["d.writeIndex"] - values["d.readIndex"]) % 2**64
        assert 0 < low <= high
        assert sample["cost"]["threads_stopped"] >= 3
        assert sample["cost"]["hits"] >= 1
    assert lines[-1]["ended"] == "count"
    assert_as_found(tracee.pid)


def test_each_kind_of_value_arrives_as_its_own_kind(values: Tracee) -> None:
    expected = {
        "v.Int": -7, "v.Small": 200, "v.Wrapped": 4294967295, "v.Float": 3.25, "v.Yes": True, "v.None": None,
        "v.Colour": 4, "v.Pair.B": 2, "v.Array[1]": 2, "len(v.Slice)": 2, "v.Text": 'a "b"\\n(dlv) c',
    }  # fmt: skip
    lines = recorded(str(values.pid), *expected, "--at=main.step", "--count=1")
    sample = next(line for line in lines if line["type"] == "sample")
    assert sample["values"] == expected
    assert "signed" not in sample
    assert_as_found(values.pid)


def test_a_difference_that_wrapped_is_given_as_the_language_does_and_as_signed(values: Tracee) -> None:
    lines = recorded(str(values.pid), "v.Small - 201", "v.Small - 199", "--at=main.step", "--count=1")
    sample = next(line for line in lines if line["type"] == "sample")
    assert sample["values"] == {"v.Small - 201": 255, "v.Small - 199": 1}
    assert sample["signed"] == {"v.Small - 201": -1}


def test_a_method_and_a_line_are_points_too(values: Tracee) -> None:
    for point in ("main.(*all).Method", "(*all).Method", "main.go:35"):
        lines = recorded(str(values.pid), "1 + 1", f"--at={point}", "--count=1")
        assert [line["values"] for line in lines if line["type"] == "sample"] == [{"1 + 1": 2}], point


def test_a_point_that_does_not_exist_is_refused_before_attaching(tracee: Tracee) -> None:
    done = sampler("watch", str(tracee.pid), GAP, "--at=main.wrte", BY_DLV, "--format=jsonl")
    assert done.returncode == 1
    assert "no function main.wrte" in done.stderr
    assert "main.write" in done.stderr
    assert done.stdout == ""


def test_a_line_without_code_is_refused(values: Tracee) -> None:
    done = sampler("watch", str(values.pid), "1", "--at=main.go:2", BY_DLV)
    assert done.returncode == 1
    assert "no code at main.go:2" in done.stderr
    assert_as_found(values.pid)


def test_an_ambiguous_point_is_refused_with_the_candidates(values: Tracee) -> None:
    done = sampler("watch", str(values.pid), "1", "--at=step", BY_DLV)
    assert done.returncode == 1
    assert "main.step" in done.stderr
    assert "runtime.step" in done.stderr
    assert_as_found(values.pid)


def test_an_expression_that_delve_refuses_ends_the_run_with_the_reason(tracee: Tracee) -> None:
    done = sampler("watch", str(tracee.pid), "d.writeIdx", "--at=main.write", BY_DLV)
    assert done.returncode == 1
    assert "d has no member writeIdx" in done.stderr
    assert_as_found(tracee.pid)


def test_a_value_that_is_nil_for_now_is_a_miss(values: Tracee) -> None:
    lines = recorded(str(values.pid), "v.None.A", "--at=main.step", "--count=2", *FAST)
    misses = [line for line in lines if line["type"] == "miss"]
    assert [miss["reason"] for miss in misses] == ["unreadable", "unreadable"]
    assert_as_found(values.pid)


def test_a_call_in_an_expression_is_not_made(values: Tracee) -> None:
    for expression in ("main.step(v)", "v.Method(1)"):
        done = sampler("watch", str(values.pid), expression, "--at=main.step", BY_DLV, "--count=1")
        assert done.returncode == 1, done.stdout
    assert_as_found(values.pid)


def test_a_function_that_is_not_called_is_a_miss_and_the_target_runs_on(tracee: Tracee) -> None:
    tracee.ask("quiet")
    lines = recorded(str(tracee.pid), GAP, "--at=main.write", "--window=150ms", "--count=3", *FAST)
    misses = [line for line in lines if line["type"] == "miss"]
    assert [miss["reason"] for miss in misses] == ["not-reached"] * 3
    for miss in misses:
        assert miss["cost"]["wait_ns"] >= 150_000_000
        assert miss["cost"]["suspended_ns"][0] < miss["cost"]["wait_ns"]
    assert_as_found(tracee.pid)
    tracee.ask("resume")
    tracee.report()
    assert tracee.report()["writes"] > 0


def armed_at(pid: int) -> set[int]:
    """Delve has breakpoints of its own all the time: where a program panics."""
    return {difference.address for difference in text.differences(pid)}


def test_a_look_that_is_given_up_is_no_look_but_tells_its_cost(tracee: Tracee) -> None:
    tracee.ask("quiet")
    told = sampler("vars", str(tracee.pid), "--at=main.write", "--format=jsonl").stdout.splitlines()
    places = {int(json.loads(line)["address"], 16) for line in told}
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--window=1h") as run:
        lines_until(run, "event")
        wait_until(lambda: armed_at(tracee.pid) & places, "the breakpoint is armed")
        wait_until(lambda: procfs.held(tracee.pid) is procfs.Held.NONE, "the window has begun")
        run.send_signal(signal.SIGINT)
        rest = list(lines_of(run))
    abandoned = [line for line in rest if line.get("event") == "abandoned"]
    assert len(abandoned) == 1, str(rest)
    low, high = abandoned[0]["suspended_ns"]
    assert 0 < low <= high
    assert (rest[-1]["samples"], rest[-1]["misses"]) == (0, 0)
    assert_as_found(tracee.pid)


def test_interrupts_that_land_in_other_stops_lose_nothing(tracee: Tracee) -> None:
    """Delve loses an interrupt that meets its own continue, and then hears none again: that must be told."""
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--count=30", *FAST) as run:
        head = lines_until(run, "event")
        over = threading.Event()
        bombard = threading.Thread(target=_interrupt_again_and_again, args=(child_of(run.pid), over))
        bombard.start()
        *rest, footer = lines_of(run)
        over.set()
        bombard.join()
    looks = [line for line in head + rest if line["type"] in ("sample", "miss")]
    assert footer["ended"] == "count" or footer["error"]["kind"] == "DebuggerHung", str(footer)
    assert footer["samples"] + footer["misses"] == len(looks)
    assert footer["ended"] != "count" or len(looks) == 30
    assert all(isinstance(look["values"][GAP], int) for look in looks if look["type"] == "sample")
    assert_as_found(tracee.pid)


def _interrupt_again_and_again(debugger: int, over: threading.Event) -> None:
    while not over.wait(0.007):
        try:
            os.kill(debugger, signal.SIGINT)
        except ProcessLookupError:
            return


def test_a_panic_is_passed_on_and_the_run_ends_with_status_4(tracee: Tracee) -> None:
    for_its_own_reason(tracee, "panic", "asked to")


def test_a_nil_dereference_is_passed_on(tracee: Tracee) -> None:
    for_its_own_reason(tracee, "nil", "nil pointer dereference")


def for_its_own_reason(tracee: Tracee, order: str, said: str) -> None:
    """The target ends as it would have, with its own message and status; the recording tells."""
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, *FAST) as run:
        lines_until(run, "sample")
        tracee.tell(order)
        rest = list(lines_of(run))
        assert run.wait() == 4
    assert rest[-1]["ended"] == "target-ended"
    assert any(line.get("event") == "stopped-by-target" for line in rest)
    for line in rest:
        low, high = line.get("suspended_ns", [0, 0])
        assert 0 <= low <= high, str(line)
    assert tracee.process.wait() == 2
    assert tracee.process.stderr is not None
    assert said in tracee.process.stderr.read()


def test_a_target_that_exits_ends_the_run_with_status_4(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, *FAST) as run:
        lines_until(run, "sample")
        tracee.tell("exit")
        assert list(lines_of(run))[-1]["ended"] == "target-ended"
        assert run.wait() == 4
    assert tracee.process.wait() == 0


def test_a_target_that_is_killed_in_mid_dialogue_ends_the_run_with_status_4(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, *FAST) as run:
        lines_until(run, "sample")
        wait_until(lambda: procfs.held(tracee.pid) is not procfs.Held.NONE, "a look is under way")
        tracee.process.kill()
        footer = list(lines_of(run))[-1]
        assert footer["ended"] == "target-ended", str(footer)
        assert run.wait() == 4


def test_a_delve_that_ends_leaves_the_target_running(tracee: Tracee) -> None:
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--rate=2/s") as run:
        lines_until(run, "sample", 2)  # and now half a second until the next
        os.kill(child_of(run.pid), signal.SIGKILL)
        footer = list(lines_of(run))[-1]
        assert run.wait() == 1
    assert footer["error"]["kind"] == "DebuggerEnded"
    assert_as_found(tracee.pid)


def test_a_delve_too_old_for_the_program_is_said_before_attaching(tracee: Tracee) -> None:
    old = environment(SAMPLER_DLV=str(ROOT / "build" / "dlv-old"))
    done = sampler("diode-gap", str(tracee.pid), BY_DLV, "--format=jsonl", env=old)
    assert done.returncode == 1
    assert "too old" in done.stderr
    assert done.stdout == ""


def test_two_hundred_looks_neither_drift_nor_leak(tracee: Tracee) -> None:
    period_ns = 40_000_000
    with started("record", str(tracee.pid), GAP, "--at=main.write", BY_DLV, "--every=40ms", "--max-suspended=100%",
                 "--count=200") as run:  # fmt: skip
        lines = lines_until(run, "sample", 20)
        debugger = child_of(run.pid)
        early = open_files(run.pid), open_files(debugger)
        lines += lines_until(run, "sample", 170)
        late = open_files(run.pid), open_files(debugger)
        lines += list(lines_of(run))
    assert early == late
    assert sum(line["type"] == "sample" for line in lines) == 200
    assert_on_one_grid(lines, period_ns)
    ended(debugger)
    assert_as_found(tracee.pid)


def open_files(pid: int) -> int:
    """How many, but for the looks at /proc, which come and go."""
    links = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        with suppress(OSError):
            links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
    return sum(not link.startswith("/proc/") for link in links)
