"""The ways of asking that the measurements compare: C references of the same loops, and sampler's instruments."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from bench.tracee import ROOT, Report, Tracee
from sampler.linux import procfs

Line = dict[str, Any]
#: What each instrument is held against, by what the kernel does for it: an int3 by ptrace, or a perf event.
REFERENCE, PERF_REFERENCE = "C reference", "C reference perf"
_REFERENCES = {REFERENCE: "c_reference", PERF_REFERENCE: "c_reference_perf"}
#: A handler at every call, and all the time.
UPROBE = "uprobe"
UNTOUCHED = "untouched"
#: A run goes on a little beyond the round that is measured.
_BEYOND_S = 0.2


@dataclass(frozen=True)
class Program:
    """A program to ask, and how a C reference is told the same question: register and offsets."""

    name: str
    expression: str
    point: str
    register: str
    offsets: tuple[int, int]
    position_independent: bool
    debugger: str

    def address(self, pid: int) -> int:
        """Of the point, in the running process."""
        base = next(procfs.mappings(pid)).start if self.position_independent else 0
        return base + self._symbol

    @property
    def path(self) -> Path:
        return ROOT / "build" / self.name

    @cached_property
    def file_offset(self) -> int:
        """Of the point, in the file: what a uprobe is told."""
        with self.path.open("rb") as file:
            segments = [segment.header for segment in ELFFile(file).iter_segments("PT_LOAD")]
        found = next(one for one in segments if 0 <= self._symbol - one.p_vaddr < one.p_filesz)
        return int(self._symbol - found.p_vaddr + found.p_offset)

    @cached_property
    def _symbol(self) -> int:
        listing = subprocess.run(["nm", self.path], capture_output=True, text=True, check=True).stdout
        return next(int(line.split()[0], 16) for line in listing.splitlines() if line.endswith(f" {self.point}"))


C_RING = Program("c_ring", "r->write_index - r->read_index", "ring_write", "rdi", (16, 24), True, "gdb")
TRACEE = Program("tracee-noinline", "d.writeIndex - d.readIndex", "main.write", "rax", (24, 32), False, "dlv")
PROGRAMS = (C_RING, TRACEE)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one arm. ``lines``: its recording; of a reference, the one object that it prints.

    ``report``: what the target saw from the moment that somebody was attached until just before the end.
    """

    lines: list[Line]
    report: Report


def run(program: Program, target: Tracee, arm: str, rate: float, seconds: float) -> Run:
    """Asks for so long, and lets the target tell of it."""
    if arm == UNTOUCHED:
        return Run([], untouched(target, seconds))
    with begun(program, target.pid, arm, rate, seconds) as (process, said):
        report = untouched(target, seconds)  # by us: the arm is at work meanwhile
        rest = process.stdout.read() if process.stdout else ""
    return Run([json.loads(line) for line in [*said, *rest.splitlines()]], report)


def untouched(target: Tracee, seconds: float) -> Report:
    target.report()
    time.sleep(seconds)  # the length of a round
    return target.report()


@contextmanager
def begun(
    program: Program, pid: int, arm: str, rate: float, seconds: float
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process, and the lines that it has printed until it was attached."""
    command = _command(program, pid, arm, rate, seconds + _BEYOND_S)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, [] if arm in _REFERENCES else _until_attached(process.stdout)
    assert process.returncode == 0, f"{arm} ended with status {process.returncode}"


def _until_attached(lines: Iterator[str]) -> list[str]:
    read = []
    for line in lines:
        read.append(line)
        if '"attach"' in line:
            return read
    raise AssertionError(f"nobody was attached: {read[-1:]}")


def _command(program: Program, pid: int, arm: str, rate: float, seconds: float) -> list[str]:
    asked = (program.register, *map(str, program.offsets))
    if arm in _REFERENCES:
        return [_built(_REFERENCES[arm]), str(pid), hex(program.address(pid)), *asked, str(rate), str(seconds)]
    if arm == UPROBE:
        return [_built("c_reference_uprobe"), str(pid), hex(program.file_offset), *asked, str(seconds)]
    how = (f"--instrument={arm}", f"--rate={rate}/s", f"--duration={seconds}s", "--max-suspended=100%")
    what = (program.expression, f"--at={program.point}")
    return [sys.executable, "-m", "sampler", "record", str(pid), *what, *how]


def _built(name: str) -> str:
    return str(ROOT / "build" / name)
