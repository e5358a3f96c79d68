"""A target in a debugger's hands: taken, and given back whatever happened in between."""

from __future__ import annotations

import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from sampler.errors import DebuggerEnded, DebuggerHung, DebuggerRefused, TargetEnded
from sampler.instruments.base import Assignment
from sampler.instruments.dialogue import Dialogue
from sampler.instruments.language import Language, Stop
from sampler.linux import fate, procfs, rescue, trapped
from sampler.linux.procfs import Held
from sampler.units import NS_PER_SECOND

# An interrupt that lands before the debugger has registered its continue is lost: ask again.
_INTERRUPT_AGAIN_NS = NS_PER_SECOND // 4
# What a rescue takes on a small program, beside comparing the text; it must end within the budget.
_RESCUE_NS = 30_000_000
_FREE_AGAIN_NS = NS_PER_SECOND
_NEXT_SIGHT_S = 0.001


class Custody:
    """Attaches on entry. On exit the debugger leaves by its own way out, or is made to.

    In between the target is in one of two states, running or at a prompt; ``halt`` and ``resume``
    lead from one to the other.
    """

    def __init__(self, assignment: Assignment, language: Language) -> None:
        self._given, self._language = assignment, language
        self._target = assignment.target
        self._open: Dialogue | None = None
        self._attached = False  # the first prompt was seen

    @property
    def talk(self) -> Dialogue:
        assert self._open is not None, "entered before it is used"
        return self._open

    def __enter__(self) -> Self:
        budget = self._given.question.budget.max_pause_ns
        reserve = min(budget // 2, _RESCUE_NS + round(2 * self._given.text_check_s * NS_PER_SECOND))
        command = self._language.start(self._target.pid)
        self._open = Dialogue(command, self._language.prompt, self._target.pid, budget - reserve, self._given.stop)
        try:
            self._attach()
        except BaseException as error:
            self._let_go(error)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go(value)

    def halt(self) -> Stop:
        """From running to a prompt; the stop may be another's that came first."""
        begun_ns, asked = time.monotonic_ns(), False
        while self.talk.may_answer(begun_ns):
            if not asked or procfs.held(self._target.pid) is not Held.ALL:  # else the stop is under way
                self.talk.interrupt()
                asked = True
            text = self.talk.wait(time.monotonic_ns() + _INTERRUPT_AGAIN_NS)
            if text is not None:
                stop = self._language.parse_stop(text)
                if self.talk.unmet == 1 and not stop.hits and not stop.named:
                    self.talk.unmet = 0
                return stop
        raise DebuggerHung("the debugger hangs", "it does not answer an interrupt")

    def resume(self) -> None:
        """From a prompt to running, and seen to be so; a stop that follows at once is passed on too."""
        while True:
            self.talk.resume(self._language.resume)
            text = self.talk.wait_until_running()
            if text is None:
                return
            self.take_note(self._language.parse_stop(text))

    def take_note(self, stop: Stop) -> None:
        """Reports a stop that the target brought about itself; TargetEnded if it is no more."""
        if stop.exit_status is not None:
            who = f"process {self._target.pid} ({self._target.name})"
            raise TargetEnded(f"{who} ended", f"exit status {stop.exit_status}")
        if stop.named:
            self.report("stopped-by-target", name=stop.named)

    def report(self, event: str, **detail: Any) -> None:
        """An event, with the time for which the target was suspended since the last look or event."""
        spent = self.talk.suspension.take(time.monotonic_ns())
        self._given.report(event, {"suspended_ns": spent.to_json()} | detail)

    def _attach(self) -> None:
        if self._given.lifeline is not None:
            self.talk.terminal.keep_open(self._given.lifeline)
        try:
            self.talk.answer()
        except DebuggerEnded as error:
            raise self._language.explain_end(error) from error
        self._attached = True
        self._language.discard_files()
        self._check_all_held()
        self.resume()
        self.report("attach", debugger_pid=self.talk.process.pid)

    def _check_all_held(self) -> None:
        """Delve lists the threads once, and misses one that is made meanwhile (updateThreadList in proc_linux.go)."""
        missed = len(procfs.untraced(self._target.pid))
        if missed:
            raise DebuggerRefused(
                f"the debugger has missed {missed} of the target's threads, made while it attached",
                "one of them that met a breakpoint would end the target",
                "ask again",
            )

    def _let_go(self, error: BaseException | None) -> None:
        if self._open is None:
            return
        try:
            done = self._leave(error)
        finally:
            self._language.discard_files()
            self.talk.terminal.bury()
        self._wait_until_free()
        if isinstance(error, (DebuggerHung, DebuggerEnded)):
            how = "taken back by force, " if done.needed else ""
            error.fix = how + fate.describe(self._target.pid, self._target.start_ticks)
        self.report(
            "detach", rescued=done.needed, bytes_restored=done.bytes_restored, threads_repaired=done.threads_repaired
        )

    def _leave(self, error: BaseException | None) -> rescue.Rescue:
        """By the debugger's own way out if it still answers; else by force."""
        pid, as_found = self._target.pid, self._target.patched
        if not isinstance(error, (DebuggerHung, DebuggerEnded)) and not self.talk.is_overdue:
            with suppress(Exception):  # whatever goes wrong on the polite way: the other one follows
                self._quit()
                return (
                    rescue.tidy(pid, as_found, self.talk.suspension.was_held)
                    if self._same_target()
                    else rescue.Rescue()
                )
        return self._by_force()

    def _by_force(self) -> rescue.Rescue:
        talk = self.talk
        if not self._same_target():
            done = rescue.end_debugger(talk.process)
        else:
            talk.look_at_target()  # what is running now is suspended by the rescue at most
            done = rescue.take_back(self._target.pid, talk.process, self._target.patched, held=talk.suspension.was_held)
        talk.taken_back(done.let_go_ns or time.monotonic_ns())
        return done

    def _quit(self) -> None:
        if not self._attached:
            self.talk.answer()  # an interrupt would end a debugger that is still attaching
        elif not self.talk.at_prompt:
            self.halt()
        self._language.check_all_cleared(self.talk.ask(self._language.clear_all))
        self._check_no_trap_to_come()
        with suppress(DebuggerEnded):  # it does not ask what to do with a target that has ended
            self._language.quit(self.talk)

    def _check_no_trap_to_come(self) -> None:
        """Delve answers an interrupt by a SIGTRAP to the target, and lets go of it with that signal on the way.

        It does so also where something else has stopped the target first, and for each interrupt anew.
        """
        pid = self._target.pid
        if self.talk.unmet or any(trapped.to_come(pid, tid) for tid in procfs.threads(pid)):
            raise DebuggerRefused("a SIGTRAP may be on its way to the target", "let go now, it would be ended by that")

    def _same_target(self) -> bool:
        return procfs.is_same_process(self._target.pid, self._target.start_ticks)

    def _wait_until_free(self) -> None:
        give_up_ns = time.monotonic_ns() + _FREE_AGAIN_NS
        while not self.talk.suspension.is_over and time.monotonic_ns() < give_up_ns:
            self.talk.look_at_target()
            self._given.stop.wait(_NEXT_SIGHT_S)
