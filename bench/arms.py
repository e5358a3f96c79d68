"""The ways of asking that the measurements compare: the C reference of the same loop, and sampler's instruments."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.tracee import ROOT, Report, Tracee
from sampler.linux import procfs

Line = dict[str, Any]
REFERENCE = "C reference"


@dataclass(frozen=True, slots=True)
class Program:
    """A program to ask, and how the C reference is told the same question: register and offsets."""

    name: str
    expression: str
    point: str
    register: str
    offsets: tuple[int, int]
    position_independent: bool

    def address(self, pid: int) -> int:
        """Of the point, in the running process."""
        listing = subprocess.run(["nm", self.path], capture_output=True, text=True, check=True).stdout
        symbol = next(line.split()[0] for line in listing.splitlines() if line.endswith(f" {self.point}"))
        base = next(procfs.mappings(pid)).start if self.position_independent else 0
        return base + int(symbol, 16)

    @property
    def path(self) -> Path:
        return ROOT / "build" / self.name


PROGRAMS = (
    Program("c_ring", "r->write_index - r->read_index", "ring_write", "rdi", (16, 24), True),
    Program("tracee-noinline", "d.writeIndex - d.readIndex", "main.write", "rax", (24, 32), False),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one arm. ``lines``: its recording; of the reference, the one object that it prints.

    ``report``: what the target saw from the moment that somebody was attached until just before the end.
    """

    lines: list[Line]
    report: Report


def run(program: Program, target: Tracee, arm: str, rate: float, seconds: float) -> Run:
    """Asks for so long, and lets the target tell of it."""
    with _begun(program, target.pid, arm, rate, seconds) as (process, begun):
        target.report()
        time.sleep(seconds)  # the length of a round
        report = target.report()
        rest = process.stdout.read() if process.stdout else ""
    return Run([json.loads(line) for line in [*begun, *rest.splitlines()]], report)


def untouched(target: Tracee, seconds: float) -> Report:
    target.report()
    time.sleep(seconds)  # likewise
    return target.report()


@contextmanager
def _begun(
    program: Program, pid: int, arm: str, rate: float, seconds: float
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process, and the lines that it has printed until it was attached. It goes on a little beyond the round."""
    length = seconds + 0.2
    command = _reference(program, pid, rate, length) if arm == REFERENCE else _sampler(program, pid, arm, rate, length)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, [] if arm == REFERENCE else _until_attached(process.stdout)
    assert process.returncode == 0, f"{arm} ended with status {process.returncode}"


def _until_attached(lines: Iterator[str]) -> list[str]:
    read = []
    for line in lines:
        read.append(line)
        if '"attach"' in line:
            return read
    raise AssertionError(f"nobody was attached: {read[-1:]}")


def _reference(program: Program, pid: int, rate: float, seconds: float) -> list[str]:
    where = (hex(program.address(pid)), program.register, *map(str, program.offsets))
    return [str(ROOT / "build" / "c_reference"), str(pid), *where, str(rate), str(seconds)]


def _sampler(program: Program, pid: int, instrument: str, rate: float, seconds: float) -> list[str]:
    how = (f"--instrument={instrument}", f"--rate={rate}/s", f"--duration={seconds}s", "--max-suspended=100%")
    what = (program.expression, f"--at={program.point}")
    return [sys.executable, "-m", "sampler", "record", str(pid), *what, *how]
