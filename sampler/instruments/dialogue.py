"""A conversation with a debugger: one command, one prompt.

While we wait for a prompt, the target is watched: how long it has been held counts against the
budget, whatever the debugger says or fails to say. No wait here is without a bound.
"""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import suppress

from sampler.errors import BudgetExceeded, DebuggerEnded, DebuggerHung
from sampler.instruments.language import Command
from sampler.instruments.suspension import Suspension
from sampler.instruments.terminal import Terminal
from sampler.linux import procfs
from sampler.linux.procfs import Held
from sampler.linux.signals import ProcessHandle
from sampler.linux.wakeup import StopRequest
from sampler.units import NS_PER_SECOND, format_duration

#: A debugger that says nothing for so long, while the target runs, will not speak again. While it is
#: held, it may have a reason, and the budget is the bound.
_SILENCE_NS = 5 * NS_PER_SECOND
_SHORTEST_STEP_S, _LONGEST_STEP_S = 0.001, 0.05  # poll(2) counts in milliseconds


class Dialogue:
    """One debugger process, from its start to its end. ``at_prompt``: it waits for a command.

    ``marks``: monotonic times of what was sent and printed; whoever makes a look of it empties it before.
    """

    def __init__(self, command: Command, prompt: str, pid: int, limit_ns: int, stop: StopRequest) -> None:
        self._pid, self._limit_ns, self._stop = pid, limit_ns, stop
        # Only where a line begins: a string of the target's that is printed can hold the prompt's text.
        self._prompt = r"(?:\A|\n)" + re.escape(prompt)
        self._name, self._stop_signal = os.path.basename(command.program), command.stop_signal
        self.at_prompt = False
        self.unmet = 0  # interrupts that are not known to have stopped the target
        self.marks: list[tuple[str, int]] = []
        self._prompt_ns = 0  # when the last one was seen
        self._run_times: dict[int, int] = {}
        self.suspension = Suspension(time.monotonic_ns())
        self.terminal = Terminal(command)

    @property
    def process(self) -> ProcessHandle:
        return self.terminal.process

    @property
    def is_overdue(self) -> bool:
        """True once the target has been held for longer than the budget allows."""
        return self.suspension.pause_ns(time.monotonic_ns()) > self._limit_ns

    def ask(self, command: str) -> str:
        """Sends one command and returns what was printed up to the next prompt."""
        self.send(command)
        return self.answer()

    def send(self, command: str) -> None:
        """Sends one command; the answer may take any time."""
        assert self.at_prompt, "a debugger takes one command at a time"
        assert "\n" not in command, "a line is a command"
        self.at_prompt = False
        self.terminal.send(command + "\n")

    def resume(self, command: str, armed: bool = False) -> None:
        """Sends a command that lets the target run; ``armed``: to a breakpoint."""
        now_ns = time.monotonic_ns()
        self.suspension.resuming(now_ns, armed)
        self.send(command)
        self.marks.append(("continued" if armed else "released", now_ns))
        self._run_times = procfs.run_times(self._pid)

    def mark(self, phase: str) -> None:
        """The last prompt has told of this."""
        self.marks.append((phase, self._prompt_ns))

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
        now_ns = time.monotonic_ns()
        self.suspension.requested(now_ns)
        self.marks.append(("requested", now_ns))
        if self._stop_signal is None:
            self.unmet += 1
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
            self._stop.wait(min(step_s, (until_ns - now_ns) / NS_PER_SECOND), self.terminal.descriptor)

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

    def _next_step(self, step_s: float) -> float:
        # Close looks while the target is held, where every millisecond of the bound counts; wide ones else.
        if self.suspension.is_over:
            return min(step_s * 1.5, _LONGEST_STEP_S, self._limit_ns / 4 / NS_PER_SECOND)
        return _SHORTEST_STEP_S

    def _read(self, *others: str) -> str | None:
        text = self.terminal.read(self._prompt, *others)
        if text is None:
            return None
        self.at_prompt = True
        self._prompt_ns = time.monotonic_ns()
        self.suspension.stopped(self._prompt_ns)
        return text

    def _hung(self, why: str) -> DebuggerHung:
        return DebuggerHung(f"{self._name} hangs", why)
