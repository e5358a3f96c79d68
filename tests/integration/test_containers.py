"""Targets below a root and in PID namespaces of their own, asked from outside and from beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bench.tracee import ROOT, Tracee
from sampler.recording import Recording
from tests.conftest import Start
from tests.integration.containers import SERVICE, Container, contained, lines, make_root
from tests.integration.help import (
    Line,
    assert_as_found,
    of_type,
    recorded,
    sampler,
)

ASKED = {"c_ring": ("r->write_index", "ring_write"), "tracee": ("d.writeIndex", "main.write")}
NATIVE = ("perf", "ptrace", "peek", "gdb", "bpftrace", "bcc")
GO = ("perf", "ptrace", "peek", "dlv", "bpftrace", "bcc")
BY_EACH = pytest.mark.parametrize(
    ("program", "instrument"), [*(("c_ring", one) for one in NATIVE), *(("tracee", one) for one in GO)]
)
ON_EACH = pytest.mark.parametrize("node", [False, True], ids=["plain", "on a node"])
RATE = "-rate=5000"
PATIENT = ("--max-suspended=100%", "--max-pause=20s", "--window=10s")
Run = Callable[..., Container]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Starts a program in a container."""
    with ExitStack() as stack:

        def started(program: str = "c_ring", *options: str, node: bool = False) -> Container:
            root = tmp_path / f"root-{program}"
            if not root.exists():
                make_root(root, program)
            return stack.enter_context(contained(root, *options, node=node))

        yield started


def words(program: str, instrument: str, target: object) -> tuple[str, ...]:
    expression, point = ASKED[program]
    pace = () if instrument in ("bpftrace", "bcc") else ("--rate=10/s",)
    return (f"--instrument={instrument}", "--count=3", *pace, *PATIENT, f"--at={point}", str(target), expression)


def assert_answered(found: list[Line], container: Container, program: str) -> None:
    """Three values, in order, and the target is as it was."""
    values = values_of(found, ASKED[program][0])
    assert len(values) >= 3, found[-1]
    assert min(values) > 0
    assert_runs_on(container.pid, container.program)


def values_of(found: list[Line], expression: str) -> list[Any]:
    """Also of those that came together."""
    recording = Recording(found[0])
    for line in found[1:]:
        recording.add(line)
    return [sample.values[expression] for sample in recording.samples]


def assert_runs_on(pid: int, program: Tracee) -> None:
    assert_as_found(pid)
    program.report()
    assert program.report()["writes"] > 0


# Each instrument.


@BY_EACH
def test_a_container_is_asked_from_outside_and_from_its_own_pid_namespace(
    run: Run, program: str, instrument: str
) -> None:
    """From there as by an ephemeral container: the kernel's numbers are not ours."""
    container = run(program, RATE)
    found = recorded(*words(program, instrument, container.pid))
    assert_answered(found, container, program)
    target = found[0]["target"]
    assert (target["pid"], target["ns_pid"]) == (container.pid, container.inside)
    assert target["executable"] == f"/{SERVICE}"
    found = lines(container.sampler("record", *words(program, instrument, container.beside)))
    assert_answered(found, container, program)
    target = found[0]["target"]
    assert target["pid"] == container.beside == container.inside
    assert "ns_pid" not in target


@BY_EACH
def test_a_container_is_asked_from_a_node_that_is_a_container(run: Run, program: str, instrument: str) -> None:
    """The kernel, the node and the container have a number each for the target."""
    container = run(program, RATE, node=True)
    found = lines(container.sampler("record", *words(program, instrument, container.beside)))
    assert_answered(found, container, program)
    target = found[0]["target"]
    assert (target["pid"], target["ns_pid"]) == (container.beside, container.inside)
    assert container.inside != container.beside != container.pid


@pytest.mark.parametrize("tool", ["bpftrace", "bcc"])
@ON_EACH
def test_calls_are_counted_and_timed_from_either_side(run: Run, tool: str, node: bool) -> None:
    container = run("c_ring", RATE, node=node)
    asked = (f"--instrument={tool}", "--duration=1s", "--max-suspended=100%", "--format=jsonl")
    for verb, points in (("count", ("ring_write",)), ("latency", ("ring_write", "ring_write:return"))):
        outside = sampler(verb, str(container.pid), *points, *asked)
        beside = container.sampler(verb, str(container.beside), *points, *asked)
        for done in (outside, beside):
            assert of_type(lines(done), "tally")[-1]["counts"]["ring_write"] > 10, done.stderr
    assert_runs_on(container.pid, container.program)


# Whose hits they are.


@pytest.mark.parametrize("tool", ["bpftrace", "bcc"])
@ON_EACH
def test_another_container_of_the_same_image_is_not_counted(run: Run, tool: str, node: bool) -> None:
    """It runs the same file, and meets bpftrace's probes too."""
    quiet, loud = run("c_ring", "-rate=50", node=node), run("c_ring", node=node)
    asked = (f"--instrument={tool}", "--duration=2s", "--max-suspended=100%", "--format=jsonl")
    for done in (
        sampler("count", str(quiet.pid), "ring_write", *asked),
        quiet.sampler("count", str(quiet.beside), "ring_write", *asked),
    ):
        counted = of_type(lines(done), "tally")[-1]["counts"]["ring_write"]
        assert 10 < counted < 1000, done.stderr
    assert_runs_on(loud.pid, loud.program)


@pytest.mark.parametrize("tool", ["bpftrace", "bcc"])
def test_values_are_those_of_the_container_that_was_meant(run: Run, tool: str) -> None:
    quiet, loud = run("c_ring", "-rate=50"), run("c_ring")
    found = lines(quiet.sampler("record", *words("c_ring", tool, quiet.beside)))
    values = values_of(found, "r->write_index")
    assert len(values) >= 3
    assert max(values) < 100_000
    assert_runs_on(loud.pid, loud.program)


def test_of_a_process_that_does_nothing_bpftrace_cannot_tell_the_hits_and_says_so(tmp_path: Path) -> None:
    root = make_root(tmp_path / "idle", "values")
    with contained(root) as container:
        done = container.sampler("count", str(container.beside), "main.main", "--instrument=bpftrace")
        assert done.returncode == 1
        assert "its number for the kernel is not known" in done.stderr
        assert "--instrument bcc" in done.stderr
        assert_as_found(container.pid)


# Files.


@pytest.mark.parametrize("instrument", NATIVE)
def test_an_executable_that_is_gone_is_asked_all_the_same(run: Run, instrument: str) -> None:
    container = run("c_ring", RATE)
    (container.root / SERVICE).unlink()
    found = recorded(*words("c_ring", instrument, container.pid))
    assert_answered(found, container, "c_ring")
    assert found[0]["target"]["executable"] == f"/{SERVICE} (deleted)"


@pytest.mark.parametrize("instrument", NATIVE)
def test_the_path_means_the_target_s_own_file(tmp_path: Path, instrument: str) -> None:
    """There is another one of that name for us."""
    other = tmp_path / "service"
    shutil.copy(ROOT / "build" / "values", other)
    root = make_root(tmp_path / "root", "c_ring", place=str(other).lstrip("/"))
    with contained(root, RATE, place=str(other).lstrip("/")) as container:
        found = recorded(*words("c_ring", instrument, container.pid))
        assert found[0]["target"]["executable"] == str(other)
        assert_answered(found, container, "c_ring")


@pytest.mark.parametrize("instrument", ["perf", "ptrace", "peek", "bpftrace", "bcc"])
def test_debug_information_is_found_in_the_target_s_own_root(tmp_path: Path, instrument: str) -> None:
    root = make_root(tmp_path / "root", "c_ring")
    service = root / SERVICE
    debug = tmp_path / "service.debug"
    for words_ in (
        ["--only-keep-debug", service, debug],
        ["--strip-all", service],
    ):
        subprocess.run(["objcopy", *map(str, words_)], check=True)
    notes = subprocess.run(["readelf", "-n", service], capture_output=True, text=True, check=True).stdout
    build_id = notes.partition("Build ID: ")[2].split()[0]
    kept = root / f"usr/lib/debug/.build-id/{build_id[:2]}/{build_id[2:]}.debug"
    kept.parent.mkdir(parents=True)
    with contained(root, RATE) as container:
        done = sampler("record", *words("c_ring", instrument, container.pid))
        assert lines(done)[-1]["error"]["kind"] == "NoDebugInfo"
        shutil.move(debug, kept)
        assert_answered(recorded(*words("c_ring", instrument, container.pid)), container, "c_ring")


# Names and numbers.


def test_a_process_in_a_container_is_found_by_its_name(run: Run) -> None:
    container = run("c_ring", RATE)
    found = recorded(*words("c_ring", "perf", "service"))
    assert found[0]["target"]["pid"] == container.pid
    found = lines(container.sampler("record", *words("c_ring", "perf", "service")))
    assert found[0]["target"]["pid"] == container.beside


def test_one_that_is_in_no_container_has_one_number(start: Start) -> None:
    ring = start(program="c_ring")
    assert "ns_pid" not in recorded(*words("c_ring", "perf", ring.pid))[0]["target"]


def test_the_proc_of_another_namespace_is_refused(run: Run) -> None:
    container = run("c_ring", RATE)
    entered = ["nsenter", f"--target={container.first}", "--pid", "--"]
    done = subprocess.run(
        [*entered, "python3", "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < os.getpid()
    refused = subprocess.run(
        [*entered, *(str(ROOT / ".venv/bin/sampler"), "record", *words("c_ring", "perf", container.pid))],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert "/proc tells of another PID namespace" in refused.stderr
