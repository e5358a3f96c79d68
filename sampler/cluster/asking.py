"""From a process that was found to a member of a fleet: the same question, by a recorder at the agent near it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from sampler.cluster.containers import Container, choose
from sampler.cluster.discovery import Found, Near
from sampler.cluster.errors import ClusterError, ConnectionLost, PodError
from sampler.cluster.kubectl import Kubectl
from sampler.cluster.remote import RemoteRecorder
from sampler.commands.words import recorder_words
from sampler.fleet.member import Member
from sampler.question import AnyQuestion, Question
from sampler.recording import Line


class Asker:
    """Asks one question of whomever it is given."""

    def __init__(self, kube: Kubectl, near: Near, question: AnyQuestion, instrument: str, who: str) -> None:
        """``who``: for the agents' logs."""
        self.question = question
        self.agents = near.watched()
        # Called from any thread when one has ended; with the kind of its error.
        self.on_end: Callable[[Found, str | None], None] = lambda _found, _kind: None
        self._kube, self._near, self._instrument, self._who = kube, near, instrument, who
        self._recorders: dict[str, list[RemoteRecorder]] = {}  # by node
        self._lock = threading.Lock()

    def member(self, found: Found, most_suspended: float, left_ns: int | None) -> Member:
        """``most_suspended``: its share of time; ``left_ns``: until the whole run is to end."""
        question = self._of(found.container, most_suspended, left_ns)
        verb, *asked = recorder_words(question, self._instrument, str(found.process.pid))
        # Unless it is needed, the verb is left out: an agent that was installed by an older version knows of none.
        of_verb = [] if isinstance(question, Question) else [f"--verb={verb}"]
        about = [f"--who={self._who}", f"--container={found.container.id}", *of_verb]
        words = found.agent.words("agent", "ask", *about, "--", *asked, stdin=True)
        return Member(found.label, lambda: self._recorder(words, found))

    def remarks(self, found: Found) -> Iterator[str]:
        """What is to be said of it before it is asked."""
        if found.container.pause is not None and isinstance(self.question, Question):  # all others pause nobody
            yield found.container.pause.remark(self.question.budget.max_pause_ns)
        yield from filter(None, (found.remark, self._near.remark(found.container)))

    def cut(self, node: str) -> None:
        """That node answers nobody any more."""
        with self._lock:
            recorders = self._recorders.pop(node, [])
        for recorder in recorders:
            recorder.cut(f"node {node} does not answer the cluster any more")

    def _of(self, container: Container, most_suspended: float, left_ns: int | None) -> AnyQuestion:
        question = self.question
        pause_ns = question.budget.max_pause_ns
        if container.pause is not None:
            pause_ns = container.pause.within(pause_ns)
        budget = replace(question.budget, max_pause_ns=pause_ns, max_suspended=most_suspended)
        return replace(question, budget=budget, timing=replace(question.timing, duration_ns=left_ns))

    def _recorder(self, words: list[str], found: Found) -> RemoteRecorder:
        def ended(footer: Line | None) -> None:
            with self._lock, suppress(KeyError, ValueError):  # it may have been cut
                self._recorders[node].remove(recorder)
            self.on_end(found, ConnectionLost.__name__ if footer is None else footer.get("error", {}).get("kind"))

        node = found.container.node
        recorder = RemoteRecorder(words, lambda: self._fate(found.container), ended)
        with self._lock:
            self._recorders.setdefault(node, []).append(recorder)
        return recorder

    def _fate(self, container: Container) -> str:
        """Of the target, as the cluster and the agent know it."""
        try:
            now = choose(self._kube.json("get", "pod", container.pod), container.name)
        except (ClusterError, PodError) as error:
            return f"of the target: {error.reason}"
        if now.id != container.id:
            return f"the target's container was started anew ({now.restarts} restarts)"
        with suppress(ClusterError, PodError):
            self._near.forget(container)
            processes = self._near.near(container).processes([container.id])
            return "the target runs on" if processes else "the target has ended"
        return f"its node does not answer; by its last word the target's container ran ({now.restarts} restarts)"
