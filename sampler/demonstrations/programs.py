"""The programs that are asked: started, asked for what they know of themselves, and ended by their own PID."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sampler.errors import SamplerError, TargetEnded

_ROOT = Path(__file__).resolve().parent.parent.parent
_ENDS_WITHIN_S = 5.0


class NotBuilt(SamplerError):
    """There is no such program here."""


def built(name: str) -> Path:
    """One of build/, or NotBuilt."""
    program = _ROOT / "build" / name
    if not program.exists():
        raise NotBuilt(
            f"{program} is not built", "demonstrations are shown on the programs of a checkout",
            "run `make demo-programs` there",
        )  # fmt: skip
    return program


def end(process: subprocess.Popen[Any]) -> None:
    """Waits for one that has been told to end; kills it if it does not."""
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Program:
    """For the length of a ``with`` block it runs. Its standard input is ours: it ends with us, however we end.

    It is in a session of its own, so that a Ctrl-C is for us alone.
    """

    def __init__(self, name: str, *options: str) -> None:
        self._name, self._words = name, [str(built(name)), *options]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self._hear()  # it is ready
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:  # it has ended before
            pass
        self._process.terminate()
        end(self._process)
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def report(self) -> dict[str, Any]:
        """What it has seen itself, since the last report."""
        found: dict[str, Any] = json.loads(self.tell("report"))
        return found

    def tell(self, command: str) -> str:
        """One line, and its answer. TargetEnded where there is none."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise TargetEnded(f"build/{self._name} has ended") from error
        return self._hear()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise TargetEnded(f"build/{self._name} has ended")
        return line
