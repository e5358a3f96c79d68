"""The tracee as a process under test: started, asked for its truth, and ended."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = ROOT / "build" / "tracee"

Report = dict[str, Any]


class Tracee:
    """``with Tracee("-rate=1000") as tracee``: it runs and is ready; it ends with the block."""

    def __init__(self, *options: str, program: Path = PROGRAM, environment: dict[str, str] | None = None) -> None:
        self._command, self._environment = [str(program), *options], os.environ | (environment or {})

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        assert self._read() == "ready\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def pid(self) -> int:
        return self.process.pid

    def report(self) -> Report:
        """What it saw since the last report."""
        report: Report = json.loads(self.ask("report"))
        return report

    def ask(self, command: str) -> str:
        """One command, one line of answer."""
        self.tell(command)
        return self._read()

    def tell(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()
