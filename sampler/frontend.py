"""The user's side of a run: starts a recorder, passes its lines on, and sees to the target if it dies.

The recorder is a process in a session of its own: no signal that is meant for us reaches it, and when
we end in whatever way, the kernel closes our end of the lifeline and of the pipe, and it leaves.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Protocol, Self

from sampler.errors import RecorderLost, SamplerError
from sampler.instruments.base import TRACING
from sampler.instruments.language import RUN_VARIABLE
from sampler.linux import fate, procfs, text
from sampler.linux.signals import signal_name
from sampler.recording import Line
from sampler.target import START_VARIABLE

_TICK_S = 0.25
#: To leave takes a recorder milliseconds; with a debugger that hangs, a few silences of it and a rescue.
LEAVES_WITHIN_S = 120.0
# These write nothing and stop nobody: whatever is found in a target of theirs is somebody else's.
_HARMLESS = ("perf", *TRACING)
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Asking(Protocol):
    """A recorder somewhere, for the length of a ``with`` block; the block's end asks it to leave and waits."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def stop(self) -> None:
        """Asks it to leave the target and to end; once is enough. From any thread."""

    def chunks(self, tick: Callable[[], None]) -> Iterator[bytes]:
        """What it writes, as it comes; ``tick`` is called a few times a second."""

    def take_note(self, line: Line) -> None:
        """Is told each line of its recording."""

    def see_to(self) -> SamplerError:
        """After an end without a footer: does for the target what can be done, and says what has become of it."""


class Recorder:
    """A recorder process for the length of a ``with`` block; the block's end asks it to leave and waits."""

    def __init__(self, words: list[str]) -> None:
        """``words``: the command that records, and its arguments."""
        #: When the process that is meant was started (``procfs.Stat``), where that is known: no other one is asked.
        self.start_ticks: int | None = None
        self._verb, *self._arguments = words
        self._run = uuid.uuid4().hex
        self._started: subprocess.Popen[bytes] | None = None
        self._stopped_at: float | None = None
        self._target: Line | None = None
        self._attached = False
        self._harmless = False
        self._bytes: dict[int, bytes] = {}  # of the target's file, where the recorder plants

    def __enter__(self) -> Self:
        self._ours, theirs = socket.socketpair()
        self._said = tempfile.TemporaryFile("w+", errors="replace")
        with theirs:
            self._started = subprocess.Popen(
                [sys.executable, "-m", "sampler", self._verb, f"--lifeline={theirs.fileno()}", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,
                pass_fds=[theirs.fileno()],
                env=os.environ | {RUN_VARIABLE: self._run} | self._meant(),
            )
        if self._stopped_at is not None:  # before it was there
            self._ask_to_leave()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        assert self._process.stdout is not None
        self._process.stdout.close()  # first: a recorder that still has much to say must not wait for us
        if not self._ends():
            self._take_back(self._put_back())
        self._ours.close()
        self._said.close()

    def _meant(self) -> dict[str, str]:
        return {} if self.start_ticks is None else {START_VARIABLE: str(self.start_ticks)}

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        assert self._started is not None, "not entered"
        return self._started

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Asks it to leave the target and to end; once is enough, and before it was started is early enough."""
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
            if self._started is not None:
                self._ask_to_leave()

    def _ask_to_leave(self) -> None:
        with suppress(ProcessLookupError):  # Popen sends nothing to one that it knows to have ended
            self._process.send_signal(signal.SIGTERM)

    def chunks(self, tick: Callable[[], None], every_s: float = _TICK_S) -> Iterator[bytes]:
        """What it writes, as it comes; ``tick`` is called by the clock, however much comes.

        A recorder that was asked to leave and does not is killed, so that this ends. One that was stopped is
        woken: it holds every thread of the target that has met a breakpoint or is about to receive a signal.
        """
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            due_s = time.monotonic()
            while True:
                if selector.select(max(0.0, due_s - time.monotonic())):
                    data = os.read(self._process.stdout.fileno(), 1 << 16)
                    if not data:
                        return
                    yield data
                elif self._stopped_at is not None and time.monotonic() > self._stopped_at + LEAVES_WITHIN_S:
                    self._process.kill()
                elif procfs.task_state(self._process.pid, None) == procfs.JOB_STOPPED:
                    self._process.send_signal(signal.SIGCONT)
                if time.monotonic() >= due_s:
                    tick()
                    due_s = time.monotonic() + every_s

    def _ends(self) -> bool:
        """Waits for its end; False if it had to be killed."""
        try:
            self._process.wait(LEAVES_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(LEAVES_WITHIN_S)
            return False
        return True

    def take_note(self, line: Line) -> None:
        """A line of its recording: whom it asks, and whether it has held them, must be known if it is killed."""
        if line["type"] == "header":
            self._target = line["target"]
            self._harmless = line.get("anchored_by", line["instrument"]) in _HARMLESS
            with suppress(OSError):  # the target has ended
                planted = [] if self._harmless else [int(at, 16) for at, _ in line.get("places", ())]
                self._bytes = text.in_file(line["target"]["pid"], planted)
        self._attached = self._attached or line.get("event") == "attach"

    def see_to(self) -> RecorderLost:
        """After a recorder that ended without a footer: does for the target what it could not do."""
        restored = self._put_back()  # first: whoever meets a byte now is ended by it
        self._ends()
        self._said.seek(0)
        said = self._said.read().strip().splitlines()
        status = self._process.returncode or 0
        how = f"by signal {signal_name(-status)}" if status < 0 else f"with status {status}"
        return RecorderLost(f"the recorder ended {how}", said[-1] if said else "", self._take_back(restored))

    def _put_back(self) -> int:
        """The bytes that the recorder itself has planted; those of a debugger are for ``rescue``."""
        target = self._target
        if not self._bytes or target is None or not procfs.is_same_process(target["pid"], target["start_ticks"]):
            return 0
        with suppress(OSError):  # it has ended meanwhile
            return text.restore_known(target["pid"], self._bytes)
        return 0

    def _take_back(self, restored: int) -> str:
        if self._harmless and self._target is not None:
            return fate.describe(self._target["pid"], self._target["start_ticks"])
        return _take_back(self._target, self._attached, self._run, self._process.pid, restored)


def lost(asking: Asking, begun: bool, stopped: bool) -> SamplerError | None:
    """What a recorder ended with that ended without a footer, once the target was seen to; None for a good end.

    ``begun``: it had said a word. Who was asked to leave before, and that is no more than a process that starts,
    asked nobody yet: that is a run that was interrupted.
    """
    error = asking.see_to()
    return error if begun or not stopped else None


def _take_back(target: Line | None, attached: bool, run: str, recorder: int, restored: int) -> str:
    """Ends what the run has left, also a debugger that has not attached yet; what became of the target."""
    from sampler.linux import leftovers, rescue  # the binding of ptrace behind it is slow to load, and seldom needed

    patched = set(target.get("patched", ())) if target else set()
    rescues: list[rescue.Rescue] = []
    for debugger in leftovers.marked(RUN_VARIABLE, run, (os.getpid(), recorder)):
        rescue.freeze(debugger)  # whom it traces changes no more
        rescues += [rescue.take_back(pid, debugger, patched) for pid in leftovers.traced_by(debugger.pid)]
        rescue.end_debugger(debugger)
    if target is None:
        return ""
    pid, start_ticks = target["pid"], target["start_ticks"]
    if procfs.is_same_process(pid, start_ticks) and not procfs.tracer(pid):
        rescues.append(rescue.tidy(pid, patched, attached))
    how = "taken back by force, " if restored or any(done.needed for done in rescues) else ""
    return how + fate.describe(pid, start_ticks)


@contextmanager
def stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """For the length of the block, Ctrl-C, SIGTERM and a lost terminal ask for an orderly end.

    ``stop`` is called in a thread of its own: a signal's handler runs in the middle of anything, also of whoever holds
    the lock that ``stop`` would take, or of ``stop`` itself.
    """
    told, teller = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(teller, False)

    def handle(_number: int, _frame: FrameType | None) -> None:
        with suppress(BlockingIOError):  # told often enough
            os.write(teller, b"s")

    def wait() -> None:
        while os.read(told, 512):
            stop()

    thread = threading.Thread(target=wait, name="stop", daemon=True)
    thread.start()
    before = {number: signal.signal(number, handle) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(teller)
        thread.join()
        os.close(told)


def split_lines(chunks: Iterator[bytes]) -> Iterator[str]:
    """Whole lines, each with its end; a last one that was cut comes without."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", errors="replace") + "\n"
    if rest:
        yield rest.decode("utf-8", errors="replace")
