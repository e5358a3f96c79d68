"""How the agents stand, each by its own word where it gives one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from sampler.cluster.agents import Agents
from sampler.cluster.containers import is_ready
from sampler.cluster.errors import ClusterError
from sampler.cluster.installation import why_not_ready
from sampler.cluster.kubectl import Kubectl, Object
from sampler.cluster.manifests import VERSION_ANNOTATION
from sampler.view.statistics import printable

_AT_ONCE = 8
_HEADS = ("NODE", "AGENT", "STATE", "SINCE", "UNTIL", "RUNS")
_RUN_HEADS = ("NODE", "SINCE", "WHO", "TARGET", "BY", "QUESTION")


@dataclass(frozen=True, slots=True)
class Standing:
    """One agent. ``said``: what it tells of itself; ``state``: its own word, or the cluster's where it has none."""

    node: str
    pod: str
    state: str
    said: Object = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"node": self.node, "pod": self.pod} | self.said | {"state": self.state}

    @property
    def good(self) -> bool:
        return self.state == "serving"


def standings(kube: Kubectl) -> list[Standing]:
    """Of all agents, by node. ``kube``: with their namespace."""
    agents = Agents(kube)

    def standing(pod: Object) -> Standing:
        node, name = pod["spec"].get("nodeName", "none yet"), pod["metadata"]["name"]
        if "deletionTimestamp" in pod["metadata"]:
            return Standing(node, name, "leaving")
        if not is_ready(pod):
            return Standing(node, name, f"not ready: {why_not_ready(pod)}")
        try:
            said = agents.of(pod).status()
        except ClusterError as error:
            return Standing(node, name, error.reason)
        return Standing(node, name, str(said.get("state", "serving")), said)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sorted(pool.map(standing, agents.pods()), key=lambda one: one.node)


def version_of(daemonset: Object) -> str:
    """Of the plugin that has installed it."""
    return str(daemonset["metadata"].get("annotations", {}).get(VERSION_ANNOTATION, "unknown"))


def lines(found: Sequence[Standing]) -> Iterator[str]:
    """Two tables: the agents, and what goes on there."""
    if not found:
        return
    rows = [
        (one.node, one.pod, one.state, _of(one, "since"), _of(one, "until"), str(len(one.said.get("runs", ()))))
        for one in found
    ]
    yield from _table([_HEADS, *rows])
    runs = [(one.node, run) for one in found for run in one.said.get("runs", ())]
    if runs:
        yield ""
        yield from _table([_RUN_HEADS, *(_run(node, run) for node, run in runs)])


def _run(node: str, run: Object) -> tuple[str, ...]:
    question, target = run["question"], run["target"]
    kind, asked = question.get("kind"), ", ".join(question.get("expressions", ()))
    what = f"{kind} {question['point']}" if kind else f"{asked} at {question['point']}"
    who = f"{target.get('name', '')} ({target['pid']})".strip()
    return node, str(run["since"]), str(run["who"]), who, str(run["instrument"]), what


def _of(one: Standing, name: str) -> str:
    return str(one.said.get(name) or ("for ever" if one.said and name == "until" else "-"))


def _table(told: Sequence[tuple[str, ...]]) -> Iterator[str]:
    rows = [tuple(printable(cell) for cell in row) for row in told]  # names of processes are anybody's
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
