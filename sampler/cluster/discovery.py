"""From pods to the processes that are asked, each with the agent that is near it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from sampler.cluster.agents import Agent
from sampler.cluster.containers import Container, choose
from sampler.cluster.errors import ClusterError, PodError
from sampler.cluster.kubectl import Object
from sampler.cluster.processes import Choice, Process
from sampler.errors import SamplerError


class Near(Protocol):
    """What knows an agent for a container; raises ClusterError or PodError where there is none."""

    def near(self, container: Container) -> Agent: ...

    def forget(self, container: Container) -> None:
        """Looks anew the next time: it may be another now."""

    def watched(self) -> list[str] | None:
        """The command line that lists the agents, which may come and go; None where they are in the pods."""

    def remark(self, container: Container) -> str:
        """What a user should know of it; else nothing."""

    def end(self) -> None:
        """After the run: what was made for it is ended."""


@dataclass(frozen=True, slots=True)
class Found:
    """One process of a container as it can be asked. ``remark``: what a user should know of the choice."""

    label: str
    container: Container
    process: Process
    agent: Agent
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """One that cannot be asked, and why. ``container``: if it runs."""

    label: str
    error: SamplerError
    container: Container | None = None


class Discovery:
    """Finds each process once. ``container``: its name, None for the default one."""

    def __init__(self, near: Near, container: str | None, choice: Choice) -> None:
        self._near, self._container, self._choice = near, container, choice
        self._seen: set[str] = set()  # containers in which all were found that are to be asked
        self._found: set[tuple[str, int, int]] = set()

    def forget(self, one: Found) -> None:
        """It is not asked any more: it, or what is in its place, is found again. So may its agent be another now."""
        self._seen.discard(one.container.id)
        self._found.discard(_key(one))
        self._near.forget(one.container)

    def of(self, pods: Iterable[Object], waiting: bool = False) -> Iterator[Found | Refused]:
        """Those of pods, node by node. Who is refused is looked for again the next time. ``waiting``: who does not run
        yet is passed over.
        """
        containers: list[Container] = []
        for pod in pods:
            try:
                containers.append(choose(pod, self._container))
            except PodError as error:
                if not waiting:
                    yield Refused(pod["metadata"]["name"], error)
        new = sorted((one for one in containers if one.id not in self._seen), key=lambda container: container.node)
        for _, of_node in groupby(new, lambda container: container.node):
            yield from self._of_node(list(of_node))

    def _of_node(self, containers: list[Container]) -> Iterator[Found | Refused]:
        """By one request to each agent."""
        at: dict[Agent, list[Container]] = {}
        for container in containers:
            try:
                at.setdefault(self._near.near(container), []).append(container)
            except (ClusterError, PodError) as error:
                yield Refused(container.label, error, container)
        for agent, of_agent in at.items():
            yield from self._at(agent, of_agent)

    def _at(self, agent: Agent, containers: list[Container]) -> Iterator[Found | Refused]:
        try:
            lines = agent.processes(container.id for container in containers)
        except ClusterError as error:
            yield from (Refused(container.label, error, container) for container in containers)
            return
        for container in containers:
            inside = [Process.of(line) for line in lines if line["container"] == container.id]
            yield from self._chosen(container, inside, agent)

    def _chosen(self, container: Container, inside: list[Process], agent: Agent) -> Iterator[Found | Refused]:
        try:
            chosen = self._choice.of(inside, container.label)
        except PodError as error:
            yield Refused(container.label, error, container)
            return
        self._seen.add(container.id)
        for process in chosen:
            label = container.label if len(chosen) == 1 else f"{container.label} ({process.inside})"
            remarks = filter(None, (container.remark, self._choice.remark(process, inside)))
            one = Found(label, container, process, agent, "; ".join(remarks))
            if _key(one) not in self._found:  # of several in one container, others may be asked still
                self._found.add(_key(one))
                yield one


def _key(one: Found) -> tuple[str, int, int]:
    return one.container.id, one.process.pid, one.process.start_ticks
