"""Several running programs asked at once: what is seen and saved of them; the end of one is not that of the others."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bench.tracee import ROOT, Tracee
from sampler.compare import several
from sampler.fleet import joined
from sampler.recording import Recording
from tests.conftest import Start
from tests.integration.help import (
    GAP,
    PATIENCE_S,
    Line,
    assert_as_found,
    children,
    ended,
    lines_of,
    lines_until,
    sampler,
    started,
    traced_by_another,
)
from tests.integration.test_screen import Screen
from tests.integration.tracing import TOOLS, WITHOUT_BUDGET

NAME = f"fleet-{os.getpid()}"
BY_PERF = ("--at=main.write", "--instrument=perf")
RING = ("r->write_index - r->read_index", "--at=ring_write")
Kin = Callable[..., list[Tracee]]


@pytest.fixture
def kin(start: Start, tmp_path: Path) -> Iterator[Kin]:
    """Starts so many programs of a name that nobody else here has; those that still run are left as they were found."""
    found: list[Tracee] = []

    def begin(count: int, program: str = "tracee", *options: str) -> list[Tracee]:
        file = shutil.copy(ROOT / "build" / program, tmp_path / NAME)
        found.extend(start(*options, program=str(file)) for _ in range(count))
        return found

    yield begin
    for one in found:
        if one.process.poll() is None:
            assert_as_found(one.pid)
            one.report()
            assert one.report()["writes"] > 0


def pids(of: list[Tracee]) -> list[str]:
    return [str(one.pid) for one in of]


def label(one: Tracee) -> str:
    return f"{NAME} ({one.pid})"


def lines_until_each(process: subprocess.Popen[str], labels: set[str], samples: int) -> list[Line]:
    """Reads a joined recording until each of these has so many more samples."""
    read, seen = [], Counter[str]()
    for line in lines_of(process):
        read.append(line)
        seen[line.get("of", "")] += line["type"] == "sample"
        if all(seen[one] >= samples for one in labels):
            return read
    raise AssertionError(f"the recording ended with {seen}: {read[-1:]}")


def rest_of(process: subprocess.Popen[str]) -> list[Line]:
    """To its end; by the same reader, which may have more than was taken of it."""
    read = list(lines_of(process))
    process.wait(PATIENCE_S)
    return read


@pytest.mark.parametrize(("program", "count", "asked"), [("tracee", 3, (GAP, "--at=main.write")), ("c_ring", 2, RING)])
def test_several_are_watched_at_once(
    kin: Kin, tmp_path: Path, program: str, count: int, asked: tuple[str, ...]
) -> None:
    targets, file = kin(count, program), tmp_path / "run.jsonl"
    expression, at = asked
    options = (at, "--instrument=perf", "--rate=20/s", "--count=4", f"--output={file}")
    done = sampler("watch", *pids(targets), expression, *options)
    assert (done.returncode, done.stderr) == (0, "")
    found = joined.load(str(file))
    assert set(found.members) == set(map(label, targets))
    for recording in found.members.values():
        assert (recording.sample_count, recording.miss_count) == (4, 0)
        assert recording.footer is not None
        assert recording.footer["ended"] == "count"
    assert json.loads(file.read_text().splitlines()[-1])["type"] == "fleet-footer"
    for one in targets:
        assert sum(line.startswith(label(one)) and " = " in line for line in done.stdout.splitlines()) == 4
    assert any(line.split()[0] == "all" and str(4 * count) in line.split() for line in done.stdout.splitlines() if line)


def test_all_of_a_name_are_asked(kin: Kin) -> None:
    targets = kin(3)
    done = sampler("diode-gap", f"--all={NAME}", "--instrument=perf", "--count=1", "--format=csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert {row["target"] for row in csv.DictReader(io.StringIO(done.stdout))} == set(map(label, targets))


def test_a_name_of_several_is_refused_with_the_option_that_asks_them_all(kin: Kin) -> None:
    kin(2)
    done = sampler("watch", NAME, GAP, *BY_PERF, "--count=1")
    assert done.returncode == 1
    assert f"--all {NAME}" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("watch", "1", *BY_PERF),
        ("diode-gap",),
        ("compare", "1", "--at=main.write"),
        ("count", "f"),
        ("latency", "f", "g"),
    ],
)
def test_all_of_a_name_that_nobody_has_is_refused(command: tuple[str, ...]) -> None:
    done = sampler(*command, f"--all={NAME}-x")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "no process is named" in done.stderr


@pytest.mark.parametrize("instrument", ["perf", "ptrace"])
def test_the_end_of_one_does_not_end_the_others(kin: Kin, instrument: str) -> None:
    first, *others = kin(3)
    options = ("--at=main.write", f"--instrument={instrument}", "--rate=20/s", "--format=jsonl")
    with started("watch", *pids([first, *others]), GAP, *options) as run:
        lines_until_each(run, {label(first), *map(label, others)}, 2)
        first.process.kill()
        read = lines_until_each(run, set(map(label, others)), 10)
        run.send_signal(signal.SIGINT)
        read += rest_of(run)
    (end,) = [line for line in read if line["type"] == "ended" and line["of"] == label(first)]
    assert end["error"]["kind"] == "TargetEnded"
    assert [line["ended"] for line in read if line["type"] == "footer" and line["of"] != label(first)] == [
        "interrupted",
        "interrupted",
    ]
    assert run.returncode == 4
    assert read[-1]["type"] == "fleet-footer"


def test_the_end_of_a_recorder_does_not_end_the_others(kin: Kin) -> None:
    targets = kin(3)
    with started("watch", *pids(targets), GAP, *BY_PERF, "--rate=20/s", "--format=jsonl") as run:
        lines_until_each(run, set(map(label, targets)), 2)
        os.kill(children(run.pid)[0], signal.SIGKILL)
        read: list[Line] = []
        for line in lines_of(run):
            read.append(line)
            if line["type"] == "ended":
                break
        lost = read[-1]["of"]
        read += lines_until_each(run, set(map(label, targets)) - {lost}, 5)
        run.send_signal(signal.SIGINT)
        read += rest_of(run)
    assert [(line["of"], line["error"]["kind"]) for line in read if "error" in line and line["type"] == "ended"] == [
        (lost, "RecorderLost")
    ]
    assert run.returncode == 1


def test_one_that_cannot_be_asked_does_not_keep_the_others_from_it(kin: Kin) -> None:
    targets = kin(3)
    with traced_by_another(targets[1].pid) as tracer:
        done = sampler("watch", *pids(targets), GAP, *BY_PERF, "--count=2", "--rate=20/s", "--format=jsonl")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert f"1 of 3 targets failed: {label(targets[1])}" in done.stderr
    assert str(tracer) in done.stderr
    assert Counter(line["of"] for line in lines if line["type"] == "sample") == {
        label(targets[0]): 2,
        label(targets[2]): 2,
    }


def test_a_question_that_is_wrong_for_all_is_said_once(kin: Kin) -> None:
    done = sampler("watch", *pids(kin(2)), "d.nothingSuch", *BY_PERF)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.count("nothingSuch") <= 2


def test_a_process_that_is_not_there_is_said_before_anybody_is_asked(kin: Kin) -> None:
    (one,) = kin(1)
    done = sampler("watch", str(one.pid), str((1 << 22) - 1), GAP, *BY_PERF)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no process" in done.stderr


def test_signals_in_quick_succession_end_a_run_as_one_does(start: Start) -> None:
    """As timeout(1) sends two. Each may come while another is being attended to."""
    target = start()
    with started("watch", str(target.pid), "d.writeIndex", "--at=main.write", "--rate=20/s", "--format=jsonl") as run:
        lines_until(run, "sample")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) * 30:
            run.send_signal(number)
        run.communicate(timeout=PATIENCE_S)  # a last one may have come when it had answered, and ended it
    assert_as_found(target.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_all_end_in_good_order_when_asked_to(kin: Kin, tmp_path: Path, number: signal.Signals) -> None:
    targets, file = kin(3), tmp_path / "run.jsonl"
    with started("watch", *pids(targets), GAP, *BY_PERF, "--rate=20/s", "--format=jsonl", f"--output={file}") as run:
        read = lines_until_each(run, set(map(label, targets)), 2)
        run.send_signal(number)
        read += rest_of(run)
    assert run.returncode == 0
    assert [line["ended"] for line in read if line["type"] == "footer"] == ["interrupted"] * 3
    assert [json.loads(line) for line in file.read_text().splitlines()] == read


@pytest.mark.parametrize("instrument", ["perf", "ptrace", "dlv"])
def test_a_killed_front_end_leaves_all_targets_as_found(kin: Kin, instrument: str) -> None:
    targets = kin(3, "tracee", "-rate=1000")
    patient = ("--max-pause=20s", "--max-suspended=100%")  # three debuggers at once, on few processors
    options = ("--at=main.write", f"--instrument={instrument}", "--rate=5/s", "--format=jsonl", *patient)
    with started("watch", *pids(targets), GAP, *options) as run:
        lines_until_each(run, set(map(label, targets)), 2)
        recorders = children(run.pid)
        assert len(recorders) == 3
        run.kill()
        run.communicate()
        for recorder in recorders:
            ended(recorder)
    for one in targets:
        assert_as_found(one.pid)


def test_a_reader_that_goes_away_ends_all_in_good_order(kin: Kin, tmp_path: Path) -> None:
    targets, file = kin(2), tmp_path / "run.jsonl"
    with started("watch", *pids(targets), GAP, *BY_PERF, "--rate=20/s", f"--output={file}") as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.wait(PATIENCE_S) == 0
    assert all(recording.footer for recording in joined.load(str(file)).members.values())


def test_the_live_view_has_a_row_a_target_and_one_of_all(kin: Kin) -> None:
    targets = kin(3)
    for columns in (40, 120):
        screen = Screen(columns)
        with screen.run("watch", *pids(targets), GAP, *BY_PERF, "--rate=5/s") as process:
            screen.read_until("3/3", "asking", "Ctrl-C", "of the time")
            rows = [line.split() for line in screen.text().splitlines()]
            assert [row[0] for row in rows if "asking" in row and row[0] != "all"] != []
            assert sum("asking" in row for row in rows) == 3
            process.send_signal(signal.SIGINT)
            screen.read_to_end()
            assert process.wait(PATIENCE_S) == 0
        assert "interrupted" in screen.text()


def test_what_was_saved_is_reported_and_drawn(kin: Kin, tmp_path: Path) -> None:
    targets, file = kin(2), tmp_path / "run.jsonl"
    run = sampler("watch", *pids(targets), GAP, "d == nil", *BY_PERF, "--count=3", "--rate=20/s", f"--output={file}")
    report = sampler("report", str(file))
    assert report.returncode == 0, report.stderr
    summary = run.stdout.partition("\n\n")[2]
    assert sorted(report.stdout.splitlines()) == sorted(summary.splitlines())  # members in the order of their begin
    assert "all" in report.stdout
    for form, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        picture = tmp_path / f"run{form}"
        drawn = sampler("plot", str(file), "-o", str(picture))
        assert drawn.returncode == 0, drawn.stderr
        assert picture.read_bytes().startswith(magic)


@pytest.mark.parametrize(("own", "share"), [((), 0.01), (("--max-suspended=0.5%",), 0.005)])
def test_the_budget_for_all_is_divided(kin: Kin, own: tuple[str, ...], share: float) -> None:
    targets = kin(3)
    done = sampler(
        "watch", *pids(targets), GAP, *BY_PERF, "--count=1", "--max-suspended-all=3%", *own, "--format=jsonl"
    )
    headers = [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "header"]
    assert [header["question"]["max_suspended"] for header in headers] == pytest.approx([share] * 3)


def test_hits_of_several_are_summed_up_together(kin: Kin) -> None:
    targets = kin(2, "tracee", "-rate=1000")
    options = ("--at=main.write", "--instrument=bcc", "--aggregate=hist", "--duration=1s")
    done = sampler("watch", *pids(targets), GAP, *options)
    assert done.returncode == 0, done.stderr
    summary = [line.split() for line in done.stdout.partition("\n\n")[2].splitlines() if line]
    assert sum(row[0] == NAME and len(row) > 4 for row in summary) == 2
    assert ["answer", *GAP.split()] in summary


# --- comparisons -----------------------------------------------------------------------------------------------------

COMPARED = (
    *RING,
    "--instruments=perf",
    "--rates=20",
    "--round=200ms",
    "--max-suspended=100%",
    "--max-pause=20s",
    "--progress=r->write_index",
)


def test_several_are_compared_one_after_another(kin: Kin, tmp_path: Path) -> None:
    targets, file = kin(2, "c_ring", "-rate=10000"), tmp_path / "run.json"
    done = sampler("compare", *pids(targets), *COMPARED, "--rounds=2", f"--output={file}")
    assert done.returncode == 0, done.stderr
    found = several.load(str(file))
    assert list(found.of) == list(map(label, targets))
    assert [one.ended for one in found.of.values()] == ["done", "done"]
    assert "2 targets together" in done.stdout
    report = sampler("report", str(file))
    assert report.stdout == done.stdout


def test_a_target_that_ends_does_not_end_the_comparison_of_the_others(kin: Kin, tmp_path: Path) -> None:
    targets, file = kin(2, "c_ring", "-rate=10000"), tmp_path / "run.json"
    with started("compare", *pids(targets), *COMPARED, "--rounds=20", f"--output={file}") as run:
        assert run.stderr is not None
        assert label(targets[0]) in run.stderr.readline()
        targets[0].process.kill()
        while label(targets[1]) not in (said := run.stderr.readline()):
            assert said
        run.send_signal(signal.SIGINT)
        error = run.stderr.read()
        assert run.wait(PATIENCE_S) == 4
    assert f"1 of 2 targets failed: {label(targets[0])}" in error
    found = several.load(str(file))
    assert [one.ended for one in found.of.values()] == ["target-ended", "interrupted"]
    assert found.of[label(targets[1])].windows


# What is counted and timed in the kernel.


def total(recording: Recording) -> int:
    """How many were timed."""
    return sum(count for found in recording.tallies[-1].histograms.values() for _, _, count in found)


def traced_until(process: subprocess.Popen[str], whole: Callable[[Mapping[str, Recording]], bool]) -> joined.Joined:
    """Reads the joined recording of a run until that holds, then ends it as by Ctrl-C; all of it."""
    found = joined.Joined()
    for line in lines_of(process):
        found.add(line)
        if line["type"] == "tally" and whole(found.members):
            process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0
    return found


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("whom", ["by PID", "--all"])
def test_each_target_is_counted_by_itself(start: Start, tmp_path: Path, tool: str, whom: str) -> None:
    """Though bpftrace's probes are on the file, and so are met by both."""
    file = shutil.copy(ROOT / "build" / "go_uprobe", tmp_path / NAME)
    calls = {}
    for count in (300, 700):
        caller = start(program=str(file))
        assert caller.ask("pause") == '{"ok":"pause"}\n'
        calls[caller] = count
    words = [f"--all={NAME}"] if whom == "--all" else pids(list(calls))
    options = (f"--instrument={tool}", WITHOUT_BUDGET, "--every=100ms", "--format=jsonl")
    begun = False

    def whole(members: Mapping[str, Recording]) -> bool:
        nonlocal begun
        if not begun and len(members) == len(calls) and all(one.tallies for one in members.values()):
            begun = True  # the probes of each are set
            for caller, count in calls.items():
                assert caller.ask(f"calls {count}") == '{"ok":"calls"}\n'
        return begun and all(members[label(one)].tallies[-1].counts["main.f"] >= count for one, count in calls.items())

    with started("count", *options, *words, "main.f") as run:
        found = traced_until(run, whole)
    for caller, count in calls.items():
        assert found.members[label(caller)].tallies[-1].counts == {"main.f": count}
        assert_as_found(caller.pid)


def test_a_latency_is_measured_in_each_and_reported_of_all(start: Start, tmp_path: Path) -> None:
    requesters = {start(program="go_usdt"): count for count in (50, 80)}
    saved = tmp_path / "run.jsonl"
    options = ("--key=arg0", "--unit=ms", WITHOUT_BUDGET, "--every=100ms", f"--output={saved}", "--format=jsonl")
    begun = False

    def whole(members: Mapping[str, Recording]) -> bool:
        nonlocal begun
        if not begun and len(members) == len(requesters) and all(one.tallies for one in members.values()):
            begun = True
            for one, count in requesters.items():
                assert one.ask(f"requests {count}") == '{"ok":"requests"}\n'
        return begun and sum(map(total, members.values())) >= sum(requesters.values())

    with started("latency", *options, *pids(list(requesters)), "usdt:entry", "usdt:exit") as run:
        found = traced_until(run, whole)
    for one, count in requesters.items():
        assert total(found.members[f"go_usdt ({one.pid})"]) == count
    report = sampler("report", str(saved)).stdout
    assert any(line.split()[:2] == ["all", "130"] for line in report.splitlines())


def test_what_all_may_be_suspended_is_divided_among_those_that_are_counted(start: Start) -> None:
    callers = [start("-rate=10", program="go_uprobe") for _ in range(2)]
    options = ("--max-suspended-all=60%", "--max-suspended=40%", "--duration=200ms", "--every=100ms", "--format=jsonl")
    done = sampler("count", *options, *pids(callers), "main.f")
    assert (done.returncode, done.stderr) == (0, "")
    headers = [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "header"]
    assert [line["question"]["max_suspended"] for line in headers] == [0.3, 0.3]
