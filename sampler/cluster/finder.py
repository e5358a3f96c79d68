"""Finds the pods of a run: those there are, then those that are started anew or take another's place.

It waits for what the API server tells of them, and of the agents while one that was lost may be asked again, and asks
for nothing over and over.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sampler.cluster.asking import Asker
from sampler.cluster.containers import Container, is_ready
from sampler.cluster.discovery import Discovery, Found, Refused
from sampler.cluster.errors import ConnectionLost
from sampler.cluster.kubectl import Kubectl, Object
from sampler.cluster.selection import Selection
from sampler.cluster.waiting import REPLACED_WITHIN_S, Waiting
from sampler.cluster.watches import Watch, Watches
from sampler.errors import AgentExpired, InternalError, NoSuchProcess, SamplerError, TargetEnded, WrongContainer
from sampler.fleet.member import Member
from sampler.fleet.run import Fleet
from sampler.frontend import Asking
from sampler.units import NS_PER_SECOND

# What another pod, or another agent, may put right; or another look, where one was started anew between look and ask.
_REPLACED = {error.__name__ for error in (TargetEnded, ConnectionLost, AgentExpired, NoSuchProcess, WrongContainer)}
# Who was cut off has left its target by then, so that another may ask it.
_LEFT_WITHIN_S = 16.0


class Finder:
    """Adds members to a fleet; ``watch`` is a thread's."""

    def __init__(self, kube: Kubectl, selection: Selection, discovery: Discovery, asker: Asker) -> None:
        self._kube, self._selection, self._discovery, self._asker = kube, selection, discovery, asker
        self._began_s = time.monotonic()
        self._share = asker.question.budget.max_suspended
        self._most: int | None = None  # how many shares there are
        self._watches = Watches()
        self._stopped = False
        self._first: list[Found | Refused] = []
        self._labels: set[str] = set()
        self._ended: deque[tuple[Found, str | None]] = deque()  # of whom the thread does not know yet
        # All below are the thread's alone.
        self._living: set[str] = set()
        self._shareless: list[Found] = []
        self._refused: dict[str, Container] = {}  # they run, and could not be asked
        self._given_up: dict[str, tuple[float, Refused]] = {}  # late ones of them: when they are told of as such
        self._pods: dict[str, Object] = {}  # as they were last told of
        self._away: list[Found] = []  # lost, and to be looked for
        self._look_s: float | None = None
        self._told: set[str] = set()

    def look(self) -> int:
        """Finds whom there is now; how many nodes they are on. Raises what concerns them all: no such object, no
        rights, no connection, or one and the same reason.
        """
        self._first = look(self._kube, self._selection, self._discovery)
        return len({one.container.node for one in self._first if isinstance(one, Found)})

    def begin(self, fleet: Fleet, share_of_all: float | None) -> None:
        """Adds those that were found, from when on the time of the run counts. ``share_of_all``: of the time, for all
        together; each gets as much of it, and a later one what another has left.
        """
        self._fleet, self._waiting = fleet, Waiting(fleet)
        self._began_s = time.monotonic()
        self._asker.on_end = self.ended
        if share_of_all is not None:
            self._most = max(1, sum(isinstance(one, Found) for one in self._first))
            self._share = min(self._share, share_of_all / self._most)
        for one in self._first:
            self._add(one)
            if isinstance(one, Refused) and one.container is not None:
                self._refused[one.container.id] = one.container

    def ended(self, one: Found, kind: str | None) -> None:
        """A member has. If another may come or waits for its share, the run goes on without for a while. From any
        thread.
        """
        if kind in _REPLACED or self._shareless:
            self._waiting.lost(one, self._ends_s)
        self._ended.append((one, kind))
        self._watches.wake()

    def stop(self) -> None:
        """From any thread."""
        self._stopped = True
        self._watches.wake()

    def close(self) -> None:
        """After ``watch``, and after the run."""
        self._watches.close()

    def watch(self) -> None:
        """Until ``stop``; whatever goes wrong here ends nobody's run."""
        try:
            with self._watches:
                self._watch()
        except Exception as error:
            reason = (error if isinstance(error, SamplerError) else InternalError.of(error)).reason
            self._fleet.say(self._selection.what, f"no more pods are looked for: {reason}")
        finally:
            self._waiting.close()

    def _watch(self) -> None:
        pods = Watch(self._kube.words("get", *self._selection.words))
        agents: Watch | None = None
        self._watches.add(pods)
        while not self._stopped:
            agents = self._needed(agents)
            for watch, event in self._watches.wait(min(self._due(), default=None)):
                if event is None:
                    self._tell(watch)
                elif watch is pods:
                    self._take(event)
                else:
                    self._take_agent(event)
            self._hear()
            if self._look_s is not None and time.monotonic() >= self._look_s:
                self._look_s = None
                self._look_at(self._pods.values())
            self._waiting.look_at_clock()
            self._give_up()

    def _needed(self, agents: Watch | None) -> Watch | None:
        """The agents are followed while one of them may bring back somebody."""
        needed = bool(self._away or self._refused) and self._asker.agents is not None
        if needed and agents is None:
            agents = Watch(self._asker.agents or [])
            self._watches.add(agents)
        elif not needed and agents is not None:
            self._watches.drop(agents)
            agents = None
        return agents

    def _tell(self, watch: Watch) -> None:
        """Of a watch that is refused, once."""
        if watch.refusal is not None and watch.refusal.reason not in self._told:
            self._told.add(watch.refusal.reason)
            why = f"{watch.refusal.reason}; they are looked for twice a minute"
            self._fleet.say(self._selection.what, f"pods cannot be followed as they change: {why}")

    def _take(self, event: Object) -> None:
        pod = event["object"]
        if pod.get("kind") != "Pod":
            return
        uid = pod["metadata"]["uid"]
        self._pods.pop(uid, None)
        if event["type"] not in ("ADDED", "MODIFIED"):
            self._forget(uid)
        elif _node_is_gone(pod):
            self._asker.cut(pod["spec"]["nodeName"])
        elif "deletionTimestamp" not in pod["metadata"]:
            self._pods[uid] = pod
            self._look_at([pod])

    def _forget(self, pod_uid: str) -> None:
        """Whom it has lost is not looked for: it is there no more, or somebody else was found in it."""
        self._away = [one for one in self._away if one.container.pod_uid != pod_uid]
        for container in [one for one in self._refused.values() if one.pod_uid == pod_uid]:
            del self._refused[container.id]
            self._given_up.pop(container.id, None)

    def _take_agent(self, event: Object) -> None:
        """One that is ready, and another than the one that was lost, may ask those on its node."""
        agent = event["object"]
        if agent.get("kind") != "Pod" or event["type"] not in ("ADDED", "MODIFIED") or not is_ready(agent):
            return
        node, name = agent["spec"]["nodeName"], agent["metadata"]["name"]
        refused = {one.node for one in self._refused.values()}
        if node in refused or any(one.container.node == node and one.agent.pod != name for one in self._away):
            self._look_at(pod for pod in list(self._pods.values()) if pod["spec"].get("nodeName") == node)

    def _hear(self) -> None:
        """Of those that have ended."""
        while self._ended:
            one, kind = self._ended.popleft()
            self._living.discard(one.label)
            if kind in _REPLACED and not self._fleet.stopping.is_set():
                self._discovery.forget(one)
                self._away.append(one)
                if kind != AgentExpired.__name__:  # that one would say the same once more
                    self._look_s = time.monotonic() + _LEFT_WITHIN_S
        waiting, self._shareless = self._shareless, []
        for found in waiting:
            if found.container.pod_uid in self._pods:
                self._add(found)

    def _look_at(self, pods: Iterable[Object]) -> None:
        for one in self._discovery.of(pods, waiting=True):
            if isinstance(one, Found):
                self._forget(one.container.pod_uid)
                self._add(one)
            elif one.container is not None and one.container.id not in self._refused:
                self._refused[one.container.id] = one.container
                if all(other.container != one.container for other in self._away):  # else it has been told of as lost
                    self._given_up[one.container.id] = time.monotonic() + REPLACED_WITHIN_S, one
                self._fleet.say(one.label, f"not asked yet: {one.error.reason}")

    def _give_up(self) -> None:
        """Late ones that could not be asked in all the time are told of like those at the start."""
        for container, (at_s, one) in list(self._given_up.items()):
            if at_s <= time.monotonic():
                del self._given_up[container]
                self._add(one)

    def _due(self) -> Iterator[float]:
        """When there is something to do by the clock."""
        yield from (at_s for at_s in (self._look_s, self._waiting.until_s) if at_s is not None)
        yield from (at_s for at_s, _ in self._given_up.values())

    def _add(self, one: Found | Refused) -> None:
        if isinstance(one, Refused):
            self._fleet.add(_failed(self._unique(one.label), one.error))
            return
        left_ns = self._left_ns()
        if left_ns is not None and left_ns <= 0:
            self._fleet.say(one.label, "not asked: the time of --duration is over")
        elif self._most is not None and len(self._living) >= self._most:
            self._shareless.append(one)
            if one.container.id not in self._told:
                self._told.add(one.container.id)
                why = f"--max-suspended-all is used up by the {self._most} that are asked"
                self._fleet.say(one.label, f"not asked until one of them has ended: {why}")
        else:
            one = replace(one, label=self._unique(one.label))
            self._living.add(one.label)
            self._fleet.add(self._asker.member(one, self._share, left_ns))
            self._waiting.found()
            for remark in self._asker.remarks(one):
                self._fleet.say(one.label, remark)

    def _unique(self, label: str) -> str:
        """A pod of a StatefulSet has the name of the one before it; one that is asked again, its own."""
        found, number = label, 1
        while found in self._labels:
            number += 1
            found = f"{label} #{number}"
        self._labels.add(found)
        return found

    @property
    def _ends_s(self) -> float | None:
        """When the time is over that was asked for; None if it is as long as it takes."""
        duration_ns = self._asker.question.timing.duration_ns
        return None if duration_ns is None else self._began_s + duration_ns / NS_PER_SECOND

    def _left_ns(self) -> int | None:
        """Of which a late one has the rest."""
        duration_ns = self._asker.question.timing.duration_ns
        return None if duration_ns is None else duration_ns - round((time.monotonic() - self._began_s) * NS_PER_SECOND)


def look(kube: Kubectl, selection: Selection, discovery: Discovery) -> list[Found | Refused]:
    """Whom there is now. Raises why, where none can be asked, for one and the same reason."""
    found = list(discovery.of(selection.pods(kube)))
    errors = [one.error for one in found if isinstance(one, Refused)]
    if len(errors) == len(found) and len({error.reason for error in errors}) == 1:
        raise errors[0]
    return found


def _failed(label: str, error: SamplerError) -> Member:
    """One who cannot be asked, and is told of like all others."""

    def start() -> Asking:
        raise error

    return Member(label, start)


def _node_is_gone(pod: Object) -> bool:
    """The node controller takes the pod's Ready away, and cannot know of its containers; the kubelet tells of both."""
    conditions = {condition["type"]: condition["status"] for condition in pod["status"].get("conditions", ())}
    ready, inside = conditions.get("Ready"), conditions.get("ContainersReady")
    return ready == "False" and inside == "True" and not pod["spec"].get("readinessGates")
