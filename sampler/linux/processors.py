"""On which processor a thread runs, and keeping off it."""

from __future__ import annotations

import os
from contextlib import suppress
from types import TracebackType
from typing import Self


class Elsewhere:
    """Keeps the calling thread off the processor of a thread that it watches.

    At a real-time priority it would keep that thread from running there, before and after it was asked.
    On one processor there is no elsewhere, and nothing is done.
    """

    def __enter__(self) -> Self:
        self._allowed = os.sched_getaffinity(0)
        self._avoided: int | None = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            os.sched_setaffinity(0, self._allowed)

    def keep_off(self, processor: int | None) -> None:
        if processor == self._avoided or not self._allowed - {processor}:
            return
        with suppress(OSError):  # the allowed ones have been changed from outside
            os.sched_setaffinity(0, self._allowed - {processor})
            self._avoided = processor


def processor_of(pid: int, tid: int) -> int | None:
    """The processor that a thread has last run on; None if it has ended. Field 39 of proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/task/{tid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[36])
    except (OSError, IndexError, ValueError):
        return None
