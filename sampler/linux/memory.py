"""Another process's memory by ``/proc/PID/mem``: read, and its text written, without stopping anybody."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Self


class Memory:
    """Open for the length of a ``with`` block. It stays that of the program that was opened, also after exec."""

    def __init__(self, pid: int, write: bool = True) -> None:
        self._path, self._mode = f"/proc/{pid}/mem", os.O_RDWR if write else os.O_RDONLY
        self._file = -1

    def __enter__(self) -> Self:
        self._file = os.open(self._path, self._mode | os.O_CLOEXEC)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def read(self, address: int, size: int) -> bytes:
        """All of ``size`` bytes; raises OSError where some cannot be read."""
        try:
            data = os.pread(self._file, size, address)
        except (OSError, OverflowError) as error:  # the latter: beyond what any address can be
            raise OSError(f"memory at {address:#x} cannot be read") from error
        if len(data) < size:
            raise OSError(f"memory at {address + len(data):#x} cannot be read")
        return data

    @property
    def is_in_use(self) -> bool:
        """False once the program that was opened has ended or made way for another: nothing is read then, not even an
        error (mem_rw, fs/proc/base.c).
        """
        try:
            return os.pread(self._file, 1, 0) != b""
        except OSError:
            return True

    def write(self, address: int, data: bytes) -> None:
        """Raises OSError; ProcessLookupError when the process has ended."""
        if os.pwrite(self._file, data, address) < len(data):  # none: nobody uses it any longer (fs/proc/base.c)
            raise ProcessLookupError(f"the memory at {address:#x} is gone")
