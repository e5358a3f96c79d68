"""A conversation with a debugger on a pseudo-terminal: one command, one prompt.

While we wait for a prompt, the target is watched: how long it has been held counts against the
budget, whatever the debugger says or fails to say. No wait here is without a bound.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sampler.errors import BudgetExceeded, DebuggerEnded, DebuggerHung
from sampler.instruments.language import Command
from sampler.instruments.suspension import Suspension
from sampler.linux import procfs, signals
from sampler.linux.procfs import Held
from sampler.linux.signals import ProcessHandle
from sampler.linux.wakeup import StopRequest
from sampler.units import NS_PER_SECOND, format_duration

if TYPE_CHECKING:
    import pexpect

#: A debugger that says nothing for so long, while the target runs, will not speak again. While it is
#: held, it may have a reason, and the budget is the bound.
_SILENCE_NS = 5 * NS_PER_SECOND
_SHORTEST_STEP_S, _LONGEST_STEP_S = 0.001, 0.05  # poll(2) counts in milliseconds
_COLUMNS = 10_000  # of the pseudo-terminal: a line of output is never folded


class Dialogue:
    """One debugger process, from its start to its end. ``at_prompt``: it waits for a command."""

    def __init__(self, command: Command, prompt: str, pid: int, limit_ns: int, stop: StopRequest) -> None:
        import pexpect

        self._end_of_file, self._timeout = pexpect.EOF, pexpect.TIMEOUT
        self._pid, self._limit_ns, self._stop = pid, limit_ns, stop
        # Only where a line begins: a string of the target's that is printed can hold the prompt's text.
        self._prompt = re.compile(r"(?:\A|\n)" + re.escape(prompt))
        self._name, self._stop_signal = os.path.basename(command.program), command.stop_signal
        self.at_prompt = False
        self._run_times: dict[int, int] = {}
        self.suspension = Suspension(time.monotonic_ns())
        self._child: pexpect.spawn[str] = pexpect.spawn(
            command.program,
            command.arguments,
            env=command.environment,
            echo=False,
            encoding="utf-8",
            codec_errors="backslashreplace",
            timeout=None,
            maxread=1 << 16,
            dimensions=(24, _COLUMNS),
            ignore_sighup=True,
            preexec_fn=signals.unblock_all,  # a debugger hears of its tracees by SIGCHLD too
        )
        # pexpect's own pauses (50 ms before each send) would all be spent with the target suspended.
        self._child.delaybeforesend = self._child.delayafterread = None
        # Now, while it cannot have been waited for: pexpect does that whenever it looks whether it is alive.
        self.process = ProcessHandle(int(self._child.pid))

    @property
    def is_overdue(self) -> bool:
        """True once the target has been held for longer than the budget allows."""
        return self.suspension.pause_ns(time.monotonic_ns()) > self._limit_ns

    def keep_open(self, lifeline: int) -> None:
        """Leaves a second descriptor of the terminal with the front end.

        Without it the debugger's terminal would hang up if we were killed, and the debugger end with
        the target in its hands. The message need not be read: a descriptor under way is open.
        """
        # A front end that has gone is noticed elsewhere, and is no reason to leave in mid-attach.
        with suppress(OSError), socket.socket(fileno=os.dup(lifeline)) as link:
            socket.send_fds(link, [b"terminal"], [self._child.child_fd])

    def ask(self, command: str) -> str:
        """Sends one command and returns what was printed up to the next prompt."""
        self.send(command)
        return self.answer()

    def send(self, command: str) -> None:
        """Sends one command; the answer may take any time."""
        assert self.at_prompt, "a debugger takes one command at a time"
        assert "\n" not in command, "a line is a command"
        self.at_prompt = False
        try:
            self._child.send(command + "\n")
        except OSError as error:
            raise self._ended() from error

    def resume(self, command: str, armed: bool = False) -> None:
        """Sends a command that lets the target run; ``armed``: to a breakpoint."""
        self.suspension.resuming(time.monotonic_ns(), armed)
        self.send(command)
        self._run_times = procfs.run_times(self._pid)

    def answer(self, *others: str) -> str:
        """What is printed up to the prompt, or up to one of ``others`` (regular expressions)."""
        begun_ns = time.monotonic_ns()
        while self.may_answer(begun_ns):
            text = self.wait(time.monotonic_ns() + _SILENCE_NS // 10, *others)
            if text is not None:
                return text
        raise self._hung(f"no answer for {format_duration(time.monotonic_ns() - begun_ns)}")

    def may_answer(self, asked_ns: int) -> bool:
        """False once it has been silent for too long since ``asked_ns``."""
        now_ns = time.monotonic_ns()
        patience_ns = _SILENCE_NS + (self._limit_ns if self.suspension.pause_ns(now_ns) else 0)
        return now_ns < asked_ns + patience_ns

    def interrupt(self) -> None:
        """Has the debugger stop the target."""
        self.suspension.requested(time.monotonic_ns())
        if self._stop_signal is None:
            self.process.send(signal.SIGINT)
            return
        with suppress(ProcessLookupError):  # the debugger will tell that the target has ended
            os.kill(self._pid, self._stop_signal)

    def wait(self, until_ns: int, *others: str, stoppable: bool = False) -> str | None:
        """What is printed up to the next prompt; None when ``until_ns`` comes first.

        With ``stoppable``, also None as soon as there is a reason to stop. Raises DebuggerEnded, and
        BudgetExceeded when the target has been held for too long.
        """
        step_s = _SHORTEST_STEP_S
        while True:
            text = self._read(*others)
            if text is not None:
                return text
            self.observe()
            now_ns = time.monotonic_ns()
            if now_ns >= until_ns or (stoppable and self._stop.reason):
                return None
            step_s = self._next_step(step_s)
            self._stop.wait(min(step_s, (until_ns - now_ns) / NS_PER_SECOND), self._child.child_fd)

    def wait_until_running(self) -> str | None:
        """After a resume: until the target was seen running (None), or is at a prompt again (its text)."""
        begun_ns = time.monotonic_ns()
        while not self.suspension.is_over:
            text = self.wait(time.monotonic_ns() + round(_SHORTEST_STEP_S * NS_PER_SECOND))
            if text is not None:
                return text
            if not self.may_answer(begun_ns):
                raise self._hung("the target was not seen running again")
        return None

    def observe(self) -> None:
        """Looks at the target, and keeps the promise about the longest pause."""
        pause_ns = self.suspension.pause_ns(self.look_at_target())
        if pause_ns > self._limit_ns:
            raise BudgetExceeded(
                f"the target was held for {format_duration(pause_ns)}",
                f"{self._name} did not let it go within the budget",
                "allow more with --max-pause if the target can bear it",
            )

    def look_at_target(self) -> int:
        """One sight of it for the bounds, and when that was; also after the debugger's end."""
        now_ns = time.monotonic_ns()
        held = procfs.held(self._pid)
        waiting = held is Held.NONE and not self.suspension.is_over and procfs.starved(self._pid, self._run_times)
        self.suspension.see(held, now_ns, waiting)
        return now_ns

    def taken_back(self, let_go_ns: int) -> None:
        """The debugger was ended by force, and the target let go at that time."""
        self.suspension.released(let_go_ns)
        self._run_times = procfs.run_times(self._pid)

    def wait_for_end(self) -> None:
        """Until the debugger has closed its terminal, then until it has ended."""
        begun_ns = time.monotonic_ns()
        try:
            while self.may_answer(begun_ns):
                self.wait(time.monotonic_ns() + _SILENCE_NS // 10)
        except DebuggerEnded:
            return
        raise self._hung("it does not quit")

    def bury(self) -> None:
        """Takes note of the debugger's end, so that it does not stay a zombie.

        One that has not ended may still hold the target: it is left alone, its terminal open as long as
        we live. pexpect would kill it, now or when it is collected.
        """
        if self._child.closed:
            return
        if self.process.has_ended:
            self._child.delayafterclose = self._child.ptyproc.delayafterclose = 0
            self._child.close(force=False)
        else:
            os.dup(self._child.child_fd)  # closed by nobody: a terminal that hangs up would end the debugger
            self._child.ptyproc.fileobj.close()
            self._child.closed = self._child.ptyproc.closed = True
        self.process.close()

    def _next_step(self, step_s: float) -> float:
        # Close looks while the target is held, where every millisecond of the bound counts; wide ones else.
        if self.suspension.is_over:
            return min(step_s * 1.5, _LONGEST_STEP_S, self._limit_ns / 4 / NS_PER_SECOND)
        return _SHORTEST_STEP_S

    def _read(self, *others: str) -> str | None:
        patterns = [self._prompt, *(re.compile(other) for other in others), self._end_of_file, self._timeout]
        try:
            found = self._child.expect_list(patterns, timeout=0)
        except OSError as error:
            raise self._ended() from error
        if found == len(patterns) - 1:
            return None
        if found == len(patterns) - 2:
            raise self._ended()
        self.at_prompt = True
        self.suspension.stopped(time.monotonic_ns())
        return str(self._child.before)

    def _ended(self) -> DebuggerEnded:
        said = str(self._child.before or "").strip().splitlines()
        return DebuggerEnded(f"{self._name} ended before it was let go", said[-1] if said else "")

    def _hung(self, why: str) -> DebuggerHung:
        return DebuggerHung(f"{self._name} hangs", why)
