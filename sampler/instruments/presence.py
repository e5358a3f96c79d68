"""Whether the target is still there, and still the program that was asked about: told without touching it."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from sampler.errors import TargetEnded
from sampler.linux import procfs
from sampler.linux.memory import Memory
from sampler.linux.signals import ProcessHandle
from sampler.linux.wakeup import StopRequest
from sampler.target import Target


class Presence:
    """Made when the question is compiled; open while it is asked. ``memory`` is that of the program asked about."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._program = procfs.program(target.pid)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Raises TargetEnded."""
        with ExitStack() as opened:
            try:
                self._process = opened.enter_context(ProcessHandle(self._target.pid))
                self.memory = opened.enter_context(Memory(self._target.pid, write=False))
            except (ProcessLookupError, FileNotFoundError) as error:
                raise self.ended() from error
            self.check_program()
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def check_program(self) -> None:
        """The question was compiled, or asked, a while ago: what is done now must be for the program that runs now.

        Raises TargetEnded; also where another process has its memory still, which ``check`` does not see.
        """
        if not self._is_same_process or procfs.program(self._target.pid) != self._program:
            raise self.ended()

    def check(self) -> None:
        """Raises TargetEnded; cheap enough for every look."""
        if not self.memory.is_in_use:
            raise self.ended()

    def rest(self, stop: StopRequest, until_ns: int) -> bool:
        """Until then, on the monotonic clock; False if asked to stop. Raises TargetEnded as soon as it has."""
        if stop.reason is None and stop.wait_until(until_ns, self._process.fileno()):
            raise self.ended()
        return stop.reason is None

    def ended(self) -> TargetEnded:
        another = self._is_same_process and procfs.program(self._target.pid)
        how = "it runs another program now" if another else ""
        return TargetEnded(f"process {self._target.pid} ({self._target.name}) ended", how)

    @property
    def _is_same_process(self) -> bool:
        return procfs.is_same_process(self._target.pid, self._target.start_ticks)
