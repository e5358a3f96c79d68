"""What the integration tests share: programs to ask, sampler as a process, and the look of a target left as found."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.tracee import ROOT, Tracee
from sampler.linux import procfs, text
from sampler.linux.signals import ProcessHandle
from sampler.question import MOST_EXPRESSIONS

PATIENCE_S = 20.0
GAP = "d.writeIndex - d.readIndex"
BY_DLV = "--instrument=dlv"
Line = dict[str, Any]


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Waits for a state of another process that has no event of its own."""
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < give_up, f"waited in vain until {what}"
        time.sleep(0.002)


def sampler(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A run to its end, its output captured."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60, check=False, **options)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sampler", *arguments]


def recorded(*arguments: str) -> list[Line]:
    """The recording of a run to its end."""
    done = sampler("record", *arguments)
    assert done.stdout, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def of_type(lines: list[Line], kind: str) -> list[Line]:
    return [line for line in lines if line["type"] == kind]


@contextmanager
def started(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A run in the background, its output in pipes; ended with the block if it has not ended by itself."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    with subprocess.Popen(command(*arguments), text=True, cwd=ROOT, **streams) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def lines_of(process: subprocess.Popen[str]) -> Iterator[Line]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def lines_until(process: subprocess.Popen[str], kind: str, count: int = 1) -> list[Line]:
    """Reads a recording until it holds ``count`` lines of that type."""
    read, found = [], 0
    for line in lines_of(process):
        read.append(line)
        found += line["type"] == kind
        if found >= count:
            return read
    raise AssertionError(f"the recording ended without {count} × {kind}: {read[-1:]}")


def stampede_until_some_meet(ring: Tracee, run: subprocess.Popen[str], threads: int) -> None:
    """Lets the threads come by together, anew after each look that ends, until a look has met several; all go on."""
    stampedes = met_together = 0
    for line in lines_of(run):
        met_together += line["type"] == "sample" and line["cost"]["hits"] > 1
        if stampedes >= 20 and met_together:
            break
        assert ring.ask("stampede") == '{"ok":"stampede"}\n'
        stampedes += 1
    assert ring.report()["stampede"]["calls"] == stampedes * threads


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process of ours, by SIGSTOP, for the length of the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: procfs.stat(pid).state == "T", "it is stopped")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def traced_by_another(pid: int) -> Iterator[int]:
    """Somebody else has the process for the length of the block; the PID of that tracer."""
    seize = (
        "import sys; from sampler.linux import procfs, tracing; pid = int(sys.argv[1]);"
        "[tracing.seize(tid) for tid in procfs.threads(pid)]; print('seized', flush=True); sys.stdin.read()"
    )
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", seize, str(pid)], cwd=ROOT, text=True, **streams) as tracer:
        assert tracer.stdout is not None
        assert tracer.stdin is not None
        assert tracer.stdout.readline() == "seized\n"
        yield tracer.pid
        tracer.stdin.close()


def child_of(pid: int) -> int:
    """The only child of a process, once it has one."""
    found: list[int] = []

    def look() -> list[int]:
        found[:] = children(pid)
        return found

    wait_until(look, f"{pid} has a child")
    return found[0]


def children(pid: int) -> list[int]:
    found = []
    for candidate in procfs.all_pids():
        try:
            if procfs.stat(candidate).parent == pid:
                found.append(candidate)
        except OSError:
            continue
    return found


def ended(pid: int) -> None:
    """Waits until a process that is not ours has ended."""
    with suppress(ProcessLookupError), ProcessHandle(pid) as process:
        assert process.wait_for_end(PATIENCE_S), f"process {pid} does not end"


def assert_as_found(pid: int) -> None:
    """Running, untraced, and its text equal to its file, byte for byte."""
    assert Path(f"/proc/{pid}").exists(), "the target is gone"
    state = procfs.stat(pid).state
    assert state not in "TtZX", f"the target is in state {state}"
    assert procfs.tracer(pid) == 0
    assert text.differences(pid) == []
    for tid in procfs.threads(pid):
        try:
            pending = procfs.status(pid, tid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        assert int(pending["SigPnd"], 16) >> 18 & 1 == 0, "a SIGSTOP is on the way"


def assert_on_one_grid(lines: list[Line], period_ns: int) -> None:
    """Each deadline is a whole number of periods after the one before, and those between are all counted."""
    before, stretched = None, []
    for line in lines:
        if line.get("event") in ("back-off", "speed-up"):
            stretched.append((line["t_ns"], line["period_ns"]))
        if line["type"] not in ("sample", "miss"):
            continue
        deadline = line["cost"]["during_ns"][0] - line["late_ns"]
        if stretched:
            ((at_ns, new_ns),) = stretched
            assert before is None or _counted(before, deadline, period_ns, new_ns, at_ns, line.get("skipped", 0))
            period_ns = new_ns
        elif before is not None:
            assert deadline - before == period_ns * (1 + line.get("skipped", 0))
        before, stretched = deadline, []


def _counted(before: int, deadline: int, old_ns: int, new_ns: int, reported_ns: int, skipped: int) -> bool:
    """A stretch was at some whole number of new periods before the deadline, and not after it was reported."""
    for of_new in range(skipped + 1):
        stretched_ns = deadline - (1 + of_new) * new_ns
        if stretched_ns <= reported_ns and -((before - stretched_ns) // old_ns) - 1 == skipped - of_new:
            return True
    return False


def answers(
    pid: int, instrument: str, point: str, expressions: list[str], at_once: int = MOST_EXPRESSIONS
) -> dict[str, Any]:
    """The values of expressions at a point, from looks that ask so many of them at once."""
    found: dict[str, Any] = {}
    for start in range(0, len(expressions), at_once):
        part = expressions[start : start + at_once]
        patient = ("--count=1", "--window=10s", "--max-pause=10s", "--max-suspended=100%")
        options = (*patient, f"--instrument={instrument}", f"--at={point}")
        done = sampler("record", *options, str(pid), "--", *part)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        sample = next((line for line in lines if line["type"] == "sample"), None)
        assert sample is not None, f"{instrument} at {point}: {done.stderr} {lines[-2:]}"
        found |= sample["values"]
    return found


def assert_of_the_diode(samples: list[Line]) -> None:
    """Of the tracee: its index only grows, and its ring is of that size."""
    indices = [sample["values"]["d.writeIndex"] for sample in samples]
    assert indices == sorted(indices)
    assert all(sample["values"]["len(d.buffer)"] == 4096 for sample in samples)
    assert all(sample["values"]["d == nil"] is False for sample in samples)


def differing(expected: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    """The answers that are not equal, in words."""
    for expression, value in expected.items():
        other = found[expression]
        same = other == value and isinstance(other, bool) == isinstance(value, bool)
        close = isinstance(value, float) and isinstance(other, float) and math.isclose(value, other, rel_tol=1e-15)
        if not same and not close:
            yield f"{expression}: {value!r} and {other!r}"


def as_nobody() -> list[str]:
    """Runs a program as a user without rights over root's processes, who can still read its files."""
    return [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    ]


def start_as_nobody(program: str) -> Tracee:
    """A program of a user without rights; it is what setpriv has become."""
    setpriv, *options = as_nobody()
    return Tracee(*options, str(ROOT / "build" / program), program=Path(setpriv))


def run_as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A run of that user, to its end."""
    return subprocess.run(
        [*as_nobody(), *command(*arguments)], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )


def refusing(calls: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A run for which the kernel refuses these system calls."""
    words = [sys.executable, "-m", "tests.integration.refusing", calls, *command(*arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)


def environment(**changes: str) -> dict[str, str]:
    return os.environ | changes


def address_of(pid: int, point: str) -> int:
    """Where it begins in the running process."""
    place = json.loads(sampler("vars", str(pid), f"--at={point}", "--format=jsonl").stdout.splitlines()[0])
    return int(place["address"], 16)


def assert_untouched(felt: dict[str, Any]) -> None:
    """A stop is a voluntary switch: there was none."""
    assert felt["writer"]["voluntary_switches"] == 0
    assert "bystander" not in felt or felt["bystander"]["voluntary_switches"] == 0
