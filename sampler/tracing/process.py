"""A tool's process: started, its output read line by line, asked to end, and gone with us whatever happens."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

from sampler.linux import signals
from sampler.linux.calls import failure

_PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h
_MOST_READ = 1 << 18
_PIPE_BYTES = 1 << 20  # /proc/sys/fs/pipe-max-size: a tool that is to end seldom has to wait for us first
_ENDS_WITHIN_S = 20.0
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Command:
    """``order``: what it gets on its standard input. ``files``: content by path, in a folder that is the tool's own and
    that ``{folder}`` stands for.
    """

    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    order: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)


class Process:
    """Running for the length of a ``with`` block. ``descriptor`` can be read once it has said something or ended.

    ``forget_files``: takes away its folder, once it has read what is there: nobody would, if we were killed.
    """

    def __init__(self, command: Command, more_s: float = 0.0) -> None:
        """``more_s``: so much longer may it take to end."""
        self._command, self._ends_within_s = command, _ENDS_WITHIN_S + more_s
        self._rest = b""
        self._open = ExitStack()
        self.has_ended = self.was_killed = self._asked = False

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="sampler-", ignore_cleanup_errors=True))
            self.forget_files = partial(shutil.rmtree, folder, ignore_errors=True)
            for path, content in self._command.files.items():
                _write(os.path.join(folder, path.lstrip("/")), content)
            self._said = opened.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
            self._process = self._started(folder)
            opened.callback(self._bury)
            assert self._process.stdout is not None
            self.descriptor = self._process.stdout.fileno()
            os.set_blocking(self.descriptor, False)
            with suppress(OSError):
                fcntl.fcntl(self.descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _started(self, folder: str) -> subprocess.Popen[bytes]:
        words = [word.replace("{folder}", folder) for word in self._command.words]
        environment = {name: value.replace("{folder}", folder) for name, value in self._command.environment.items()}
        parent = os.getpid()
        with tempfile.TemporaryFile("w+") as order:
            order.write(self._command.order)
            order.seek(0)
            return subprocess.Popen(
                words, stdin=order, stdout=subprocess.PIPE, stderr=self._said, env=os.environ | environment,
                start_new_session=True, preexec_fn=lambda: _end_with(parent),
            )  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Some of those that are there, without their ends. ``has_ended`` is set when no more will come."""
        if self.has_ended:
            return
        try:
            data = os.read(self.descriptor, _MOST_READ)
        except BlockingIOError:
            return
        self.has_ended = not data
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace")

    def ask_to_end(self) -> None:
        """By SIGINT, once: it says what it still knows, and ends."""
        if not self._asked:
            self._asked = True
            self._process.send_signal(signal.SIGINT)

    def last_lines(self) -> Iterator[str]:
        """What it says until its end; it is killed if it does not end in time."""
        until = time.monotonic() + self._ends_within_s
        while not self.has_ended:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.descriptor], [], [], left)[0]:
                self._process.kill()
                self.was_killed = True
                return
            yield from self.lines()

    def complaints(self) -> list[str]:
        """What it has written to its standard error, line by line."""
        self._said.seek(0)
        return [line.rstrip() for line in self._said if line.strip()]

    def _bury(self) -> None:
        """What hangs in the kernel while it takes probes away ends by itself: it is not waited for beyond a bound."""
        if self._process.poll() is None:
            self.ask_to_end()
            for _ in self.last_lines():
                pass
        for _ in range(2):
            try:
                self._process.wait(self._ends_within_s)
                break
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _end_with(parent: int) -> None:
    """In the child: it ends when the thread that has started it does; the kernel then takes its probes away."""
    signals.unblock_all()
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise failure()
    if os.getppid() != parent:
        os._exit(1)


def _write(path: str, content: bytes) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
