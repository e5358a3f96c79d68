"""Programs as a container runtime starts them, below a root of their own, and sampler in the same PID namespace."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.tracee import ROOT, Tracee
from sampler.linux import procfs
from tests.integration.help import Line, children, command

SERVICE = "app/service"


@dataclass(frozen=True)
class Container:
    """``pid``: of its program, as we see it; ``inside``: as it sees itself. ``first``: process 1 of the PID namespace
    in which a sampler "beside" it is started, and ``beside``: what the program is called there.
    """

    program: Tracee
    root: Path
    pid: int
    inside: int
    first: int
    beside: int

    def sampler(self, *words: str, **options: str) -> subprocess.CompletedProcess[str]:
        """A run in the PID namespace ``first``, with the file system of the host and a /proc of its own."""
        return subprocess.run(
            [*self.entered(), *command(*words)], capture_output=True, text=True, check=False, cwd=ROOT, timeout=90,
            stdin=subprocess.DEVNULL, env=os.environ | options,
        )  # fmt: skip

    def entered(self) -> list[str]:
        return ["nsenter", f"--target={self.first}", "--pid", "--", "unshare", "--mount-proc"]


def make_root(folder: Path, program: str | Path, place: str = SERVICE) -> Path:
    """A file system with one program of build/ and the libraries that it loads."""
    source = ROOT / "build" / program
    _copy(source, folder / place)
    loaded = subprocess.run(["ldd", source], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", loaded):
        _copy(Path(library), folder / library.lstrip("/"))
    return folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


@contextmanager
def contained(
    root: Path, *options: str, place: str = SERVICE, node: bool = False, user: int = 0
) -> Iterator[Container]:
    """``user``: whose process it is. ``node``: the container is in another PID namespace, as on a node that is one."""
    place_of_node = ["--node"] if node else []
    words = ["-m", "tests.integration.contained", *place_of_node, str(root), str(user), "/" + place, *options]
    with Tracee(*words, program=Path(sys.executable), environment={"PYTHONPATH": str(ROOT)}) as program:
        first = _only_child(program.pid)
        pid = _only_child(first) if node else first
        numbers = procfs.status(pid)["NSpid"].split()
        try:
            yield Container(program, root, pid, int(numbers[-1]), first, int(numbers[1]))
        finally:
            os.kill(first, signal.SIGKILL)  # the kernel ends all that is in its PID namespace, and our child reaps it
            program.process.wait()


def _only_child(pid: int) -> int:
    found = children(pid)
    assert len(found) == 1
    return found[0]


def lines(done: subprocess.CompletedProcess[str]) -> list[Line]:
    """The recording of a run that has ended."""
    return [json.loads(line) for line in done.stdout.splitlines()]
