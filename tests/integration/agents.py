"""An agent and those who ask through it, as processes of a test; and groups that look like a container's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.tracee import ROOT
from tests.integration.help import Line, command, environment, lines_of

GROUPS = Path("/sys/fs/cgroup")


class Agent:
    """``sampler agent serve`` for the length of a ``with`` block; its log is read line by line."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.socket = folder / "agent.sock"
        self._options = options
        self.environment = environment(SAMPLER_AGENT_SOCKET=str(self.socket))

    def __enter__(self) -> Agent:
        self.process = subprocess.Popen(
            command("agent", "serve", *self._options), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, text=True, cwd=ROOT, env=self.environment,
        )  # fmt: skip
        self.began = self.logged("agent-began")
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def logged(self, what: str) -> Line:
        """The next line of its log that is about that."""
        for line in lines_of(self.process):
            if line["audit"] == what:
                return line
        raise AssertionError(f"the log ended without {what}: {self.process.communicate()[1]}")

    def end(self) -> list[Line]:
        """By SIGTERM; what it has logged since."""
        self.process.send_signal(signal.SIGTERM)
        rest = list(lines_of(self.process))
        assert self.process.wait(20) == 0
        return rest

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another part of ``sampler agent``, to its end."""
        return subprocess.run(
            command("agent", *words), capture_output=True, text=True, check=False, cwd=ROOT, env=self.environment,
            timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("status").stdout)
        return found

    @contextmanager
    def asked(self, *words: str, options: tuple[str, ...] = (), who: str = "jane") -> Iterator[subprocess.Popen[str]]:
        """A run, whose standard input is open until the test closes it."""
        process = subprocess.Popen(
            command("agent", "ask", f"--who={who}", *options, "--", *words), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=self.environment,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                with suppress(BrokenPipeError):
                    assert stream is not None
                    stream.close()


def hang_up(run: subprocess.Popen[str]) -> None:
    """The connection of the one who asks is gone."""
    assert run.stdin is not None
    run.stdin.close()


def finish(run: subprocess.Popen[str]) -> tuple[list[Line], str]:
    """To its end with its standard input open: the rest of the recording, and what it wrote to standard error."""
    assert run.stdout is not None
    assert run.stderr is not None
    lines = list(lines_of(run))
    said = run.stderr.read()
    run.wait(20)
    return lines, said


@contextmanager
def in_group(pid: int, form: str) -> Iterator[str]:
    """A process in a control group of its own, whose path is ``form`` with an id in the place of ``ID``; that id."""
    identity = uuid4().hex * 2
    hierarchy = next(
        path for path in (GROUPS / "freezer", GROUPS / "unified", GROUPS) if (path / "cgroup.procs").exists()
    )
    before = _group_of(pid, hierarchy)
    made: list[Path] = []
    folder = hierarchy
    for part in form.replace("ID", identity).split("/"):
        folder = folder / part
        if not folder.exists():
            folder.mkdir()
            made.append(folder)
    (folder / "cgroup.procs").write_text(str(pid))
    try:
        yield identity
    finally:
        with suppress(OSError):  # it has ended
            (before / "cgroup.procs").write_text(str(pid))
        for group in reversed(made):
            group.rmdir()


def _group_of(pid: int, hierarchy: Path) -> Path:
    name = hierarchy.name
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == name or (not controllers and name != "freezer"):
            return hierarchy / path.lstrip("/")
    return hierarchy


def unused_pid() -> int:
    """Of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert not os.path.exists(f"/proc/{process.pid}")
    return process.pid
