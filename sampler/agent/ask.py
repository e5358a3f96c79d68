"""One run on behalf of somebody far away: what ``kubectl exec -i`` runs beside the agent.

It is a front end: the recorder that it starts is a process in a session of its own, and leaves the target when we end,
in whatever way. The recording goes to standard output as it comes. Nothing is touched before the agent knows of it.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass

from sampler.agent import patient
from sampler.agent.account import Account
from sampler.agent.channel import Broken, Channel, connected, missing
from sampler.agent.listener import Listener
from sampler.agent.status import status
from sampler.errors import AlreadyTraced, NoSuchProcess, SamplerError, WrongContainer
from sampler.frontend import Recorder, lost, split_lines, stop_signals
from sampler.linux import cgroups, procfs
from sampler.question import AnyQuestion
from sampler.recording import Footer, Line

_TOLD_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Asked:
    """``words``: the recorder's command and its arguments, which ask this ``question`` of process ``pid``.

    ``container``: of which the process must be. ``silence_s``: without a word from the one who asks.
    """

    who: str
    pid: int
    question: AnyQuestion
    instrument: str
    words: list[str]
    container: str | None = None
    silence_s: float = 15.0


def ask(asked: Asked, heartbeat: int, output: int) -> None:
    """Runs to the end; raises the SamplerError that the run ended with, which the footer has too.

    ``heartbeat`` and ``output``: descriptors, see ``Listener``.
    """
    output_to, recorder = Output(output, asked.silence_s), Recorder(asked.words)
    listener = Listener(heartbeat, output, asked.silence_s, recorder.stop)
    with stop_signals(listener.end):  # first: whoever is told to leave before there is anything to leave does so too
        try:
            with connected() as agent:
                _announce(asked, agent)
                _run(OnBehalf(asked, agent, recorder, listener, output_to))
        except SamplerError as error:
            output_to.finish(error)
            raise


def _run(run: OnBehalf) -> None:
    """Whatever becomes of it, the agent is told."""
    error: SamplerError | None = None
    try:
        run.run()
    except SamplerError as failure:
        error = failure
        raise
    finally:
        run.tell_end(error)


class Output:
    """Where the recording goes. Once its reader has gone, or does not read, nothing more is written."""

    def __init__(self, descriptor: int, patience_s: float) -> None:
        self.descriptor, self._patience_s = descriptor, patience_s
        self.failed = self._has_footer = False

    def write(self, line: Line, text: str, wanted: Listener | None = None) -> None:
        self._has_footer = self._has_footer or line["type"] == "footer"
        if self.failed:
            return
        try:
            patient.write(
                self.descriptor, text.encode(), self._patience_s, lambda: wanted is not None and not wanted.wanted
            )
        except OSError:
            self.failed = True

    def finish(self, error: SamplerError) -> None:
        """A footer with the error, where there is none."""
        if not self._has_footer:
            line = Footer("error", error=error.to_json()).to_json()
            self.write(line, json.dumps(line, ensure_ascii=False) + "\n")


def _announce(asked: Asked, agent: Channel) -> None:
    """Raises what the agent refuses the run with; AgentMissing."""
    try:
        agent.send({
            "op": "begin", "who": asked.who, "pid": asked.pid, "question": asked.question.to_json(),
            "instrument": asked.instrument, "container": asked.container,
        })  # fmt: skip
        answer = agent.answer()
    except Broken as error:
        raise missing(str(error)) from error
    if answer.get("op") != "welcome":
        raise SamplerError.from_json(answer.get("error", {}))


def _check_container(asked: Asked) -> int:
    """When the process was started; WrongContainer, NoSuchProcess.

    That is read first: if the PID becomes another's then or later, the recorder asks nobody.
    """
    try:
        start_ticks = procfs.stat(asked.pid).start_ticks
        inside = asked.container is None or asked.container in cgroups.containers_of(asked.pid)
    except OSError as error:
        raise NoSuchProcess(f"no process {asked.pid}", "it has ended, or never was", "look for it anew") from error
    if not inside:
        what = f"process {asked.pid} is not of container {asked.container}"
        raise WrongContainer(what, "that has ended, and the PID is another's", "look for its process anew")
    return start_ticks


class OnBehalf:
    """One run that the agent has taken."""

    def __init__(self, asked: Asked, agent: Channel, recorder: Recorder, listener: Listener, output: Output) -> None:
        self._asked, self._agent, self._recorder = asked, agent, recorder
        self._listener, self._output = listener, output
        self._account = Account()
        self._told_s, self._told = time.monotonic(), self._account.cost()

    def run(self) -> None:
        """Raises what it ended with; the footer has it too, where there is one to say it in."""
        self._recorder.start_ticks = _check_container(self._asked)
        with self._recorder, self._listener.listening(self._agent):
            for text in split_lines(self._recorder.chunks(self._tick)):
                if text.endswith("\n"):
                    self._take(text)
                if self._output.failed:
                    self._listener.end()
            error = self._error()
        if error is not None:
            raise error

    def tell_end(self, error: SamplerError | None) -> None:
        ended = (self._account.footer or {}).get("ended", "error" if error else "lost")
        told = {} if error is None else {"error": error.to_json()}
        with suppress(Broken):
            self._agent.send({"op": "ended", "ended": ended, "cost": self._account.cost(), **told})

    def _take(self, text: str) -> None:
        line: Line = json.loads(text)
        self._account.take(line)
        if line["type"] == "header":
            with suppress(Broken):
                self._agent.send({"op": "header", "target": line["target"], "instrument": line["instrument"]})
        if line["type"] == "footer":
            return  # written once it is known how the run has ended
        self._recorder.take_note(line)
        self._output.write(line, text, self._listener)

    def _tick(self) -> None:
        """Tells the agent what the run has cost so far, for it to know if we are killed."""
        now, cost = time.monotonic(), self._account.cost()
        if cost != self._told and now >= self._told_s + _TOLD_EVERY_S:
            self._told_s, self._told = now, cost
            with suppress(Broken):  # who listens there sees that too
                self._agent.send({"op": "so-far", "cost": cost})

    def _error(self) -> SamplerError | None:
        """What the run ended with, and the footer that tells it."""
        if self._account.footer is None:
            begun, stopped = self._account.header is not None, not self._listener.wanted
            if error := lost(self._recorder, begun, stopped):
                return error
            self._account.take(Footer("interrupted").to_json())
        footer = self._account.footer or {}
        error = SamplerError.from_json(footer["error"]) if "error" in footer else None
        if isinstance(error, AlreadyTraced):
            error = self._by_whom(error)
        if error is None:
            error = self._listener.error
        if error is not None:
            footer = footer | {"error": error.to_json()}
        self._output.write(footer, json.dumps(footer, ensure_ascii=False) + "\n", None)
        return error

    def _by_whom(self, error: AlreadyTraced) -> AlreadyTraced:
        """The registry knows whose tracer it is."""
        with suppress(SamplerError):
            for run in status()["runs"]:
                if run["target"]["pid"] == self._asked.pid and "name" in run["target"]:
                    who = f"{run['who']} asks it since {run['since']} by {run['instrument']}"
                    return AlreadyTraced(error.what, f"{who}; {error.why}", "wait until that has ended")
        return error
