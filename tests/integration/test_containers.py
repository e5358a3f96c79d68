"""Targets below a root and in PID namespaces of their own, asked from outside and from beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator
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
    command,
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
OF_FILES = pytest.mark.parametrize(("program", "instrument"), [*(("c_ring", one) for one in NATIVE), ("tracee", "dlv")])
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


IDLE = """#include <stdio.h>
int asked(int x) { return x + 1; }
int main(void) { char line[80]; puts("ready"); fflush(stdout); while (fgets(line, sizeof line, stdin)) asked(1); }
"""


def test_of_a_process_that_does_nothing_bpftrace_cannot_tell_the_hits_and_says_so(tmp_path: Path) -> None:
    built = tmp_path / "idle"
    subprocess.run(["cc", "-g", "-O0", "-x", "c", "-", "-o", built], input=IDLE, text=True, check=True)
    with contained(make_root(tmp_path / "root", built), node=True) as container:
        asked = ("count", str(container.beside), "asked", "--duration=1s", "--max-suspended=100%")
        done = container.sampler(*asked, "--instrument=bpftrace")
        assert done.returncode == 1
        assert "its number for the kernel is not known" in done.stderr
        assert "--instrument bcc" in done.stderr
        assert container.sampler(*asked, "--instrument=bcc").returncode == 0
        assert_as_found(container.pid)


# Files.


@OF_FILES
def test_an_executable_that_is_gone_is_asked_all_the_same(run: Run, program: str, instrument: str) -> None:
    container = run(program, RATE)
    (container.root / SERVICE).unlink()
    found = recorded(*words(program, instrument, container.pid))
    assert_answered(found, container, program)
    assert found[0]["target"]["executable"] == f"/{SERVICE} (deleted)"


@OF_FILES
def test_the_path_means_the_target_s_own_file(tmp_path: Path, program: str, instrument: str) -> None:
    """There is another one of that name for us. GDB would take that."""
    other = tmp_path / "service"
    shutil.copy(ROOT / "build" / "values", other)
    root = make_root(tmp_path / "root", program, place=str(other).lstrip("/"))
    with contained(root, RATE, place=str(other).lstrip("/")) as container:
        done = sampler("record", *words(program, instrument, container.pid))
        found = lines(done)
        if instrument == "gdb":
            assert found[0]["error"]["kind"] == "NotAnswerable"
            assert "is not the target's" in done.stderr
            assert_runs_on(container.pid, container.program)
        else:
            assert found[0]["target"]["executable"] == str(other)
            assert_answered(found, container, program)


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


# Rights.


NOBODY = 65534
TO_TRACE = "may not be traced by user 0"
TO_READ = "it is the file of user 65534; run as its owner, or with CAP_DAC_READ_SEARCH"
TO_WRITE = "it is the file of user 65534; run as its owner, or with CAP_DAC_OVERRIDE"
TO_SIGNAL = "it is another user's; run as its owner, or with CAP_KILL"
TO_PROBE = "that takes CAP_SYS_ADMIN"
READING = ("sys_ptrace", "dac_read_search")
IN_KERNEL = ("perfmon", "bpf")
NEEDED = {
    ("c_ring", "perf"): [(TO_TRACE, "sys_ptrace"), (TO_READ, "dac_read_search")],
    ("c_ring", "peek"): [(TO_TRACE, "sys_ptrace"), (TO_READ, "dac_read_search")],
    ("c_ring", "ptrace"): [(TO_TRACE, "sys_ptrace"), (TO_WRITE, "dac_override")],
    ("c_ring", "gdb"): [(TO_TRACE, "sys_ptrace"), (TO_WRITE, "dac_override"), (TO_SIGNAL, "kill")],
    ("tracee", "dlv"): [(TO_TRACE, "sys_ptrace"), (TO_WRITE, "dac_override"), (TO_SIGNAL, "kill")],
    ("c_ring", "bpftrace"): [(TO_READ, "dac_read_search"), (TO_PROBE, "sys_admin")],
    ("c_ring", "bcc"): [(TO_READ, "dac_read_search"), (TO_PROBE, "sys_admin")],
}


def with_only(capabilities: Collection[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A run as root that has these capabilities and no other."""
    given = "".join(f",+{name}" for name in sorted(capabilities))
    return subprocess.run(
        ["setpriv", f"--bounding-set=-all{given}", "--inh-caps=-all", *command(*arguments)],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=90, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.mark.parametrize(("program", "instrument"), NEEDED)
def test_the_rights_that_an_instrument_needs_are_enough_and_each_is_named_where_it_is_missing(
    tmp_path: Path, program: str, instrument: str
) -> None:
    """Of a process of another user, below its own root, as most are that run in a cluster."""
    tmp_path.chmod(0o755)
    asked = NEEDED[program, instrument]
    enough = {"sys_ptrace", *(capability for _, capability in asked)}
    root = make_root(tmp_path / "root", program)
    with contained(root, RATE, user=NOBODY) as container:
        for said, capability in asked:
            # What it contains is given all the same: who may write may read.
            lesser = {"dac_override": {"dac_read_search"}, "sys_admin": {*IN_KERNEL}}
            fewer = enough - {capability} | lesser.get(capability, set())
            done = with_only(fewer, "record", *words(program, instrument, container.pid))
            found = lines(done)
            assert [line["type"] for line in found] == ["footer"], found
            assert found[0]["error"]["kind"] in ("NotPermitted", "NotAnswerable")
            assert said in done.stderr
            assert done.stderr.count("\n") == 1
            assert_runs_on(container.pid, container.program)
        found = lines(with_only(enough, "record", *words(program, instrument, container.pid)))
        assert_answered(found, container, program)


def test_without_the_right_to_load_programs_perf_reads_memory_after_the_hit(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with contained(make_root(tmp_path / "root", "c_ring"), RATE, user=NOBODY) as container:
        asked = words("c_ring", "perf", container.pid)
        assert lines(with_only(READING, "record", *asked))[0]["atomic"] is False
        assert lines(with_only((*READING, *IN_KERNEL), "record", *asked))[0]["atomic"] is True


def test_of_a_process_of_one_s_own_user_no_right_over_files_is_needed(tmp_path: Path) -> None:
    with contained(make_root(tmp_path / "root", "c_ring"), RATE) as container:
        for instrument in ("perf", "ptrace", "gdb"):
            found = lines(with_only(("sys_ptrace",), "record", *words("c_ring", instrument, container.pid)))
            assert_answered(found, container, "c_ring")
