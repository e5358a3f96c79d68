"""Who is found in mid-run, and how long a run waits: with a kubectl on PATH that tells what a test has it tell."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from sampler.cluster.agents import Agents
from sampler.cluster.asking import Asker
from sampler.cluster.cli import build_parser
from sampler.cluster.containers import choose
from sampler.cluster.discovery import Discovery, Found, Refused
from sampler.cluster.errors import NoAgentThere
from sampler.cluster.finder import Finder
from sampler.cluster.kubectl import Kubectl
from sampler.cluster.processes import Choice
from sampler.cluster.selection import Selection
from sampler.commands.options import question_from
from sampler.errors import SamplerError
from sampler.fleet.member import Unseen
from sampler.fleet.run import Fleet
from sampler.recording import Line, Recording

_GIVEN = Path(__file__).parent / "kubernetes"
_EXPIRED = {"type": "footer", "error": {"kind": "AgentExpired", "what": "it is about to end", "why": "", "fix": ""}}
_GOOD = {"type": "footer"}
# Watches are pipes, which end when the test closes them; all else is a file, as it stands at the time.
_KUBECTL = """#!/bin/sh
cd {folder}
case "$*" in
*component=agent*--watch*) exec cat agents.watch;;
*component=agent*) exec cat agents.json;;
*--watch*) test ! -e refused || {{ cat refused >&2; exit 1; }}; exec cat pods.watch;;
*get\\ pods*) exec cat pods.json;;
*get\\ pod*) exec cat pod.json;;
*agent\\ processes*) exec cat processes;;
*agent\\ ask*) echo "$*" >>asked; exec cat answer;;
esac
"""


class Heard(Unseen):
    """All that is told, in the order in which it is."""

    def __init__(self) -> None:
        self.queue: Queue[tuple[str, str, str]] = Queue()

    def said(self, label: str, remark: str) -> None:
        self.queue.put(("said", label, remark))

    def ended(self, label: str, error: SamplerError | None) -> None:
        self.queue.put(("ended", label, type(error).__name__))

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        pass

    def until(self, what: str, label: str) -> str:
        while True:
            found = self.queue.get(timeout=30)
            if found[:2] == (what, label):
                return found[2]


class Cluster:
    """What the program tells: a pod with a process, and an agent on its node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("agents.watch", "pods.watch"):
            os.mkfifo(folder / name)
        self.pod: dict[str, Any] = json.loads((_GIVEN / "pod.json").read_text())
        self.name = self.pod["metadata"]["name"]
        self.put("pods.json", {"items": [self.pod]})
        self.put("pod.json", self.pod)
        self.put("agents.json", {"items": [self.agent("first")]})
        status = next(one for one in self.pod["status"]["containerStatuses"] if one["name"] == "main")
        self.container = status["containerID"].partition("://")[2]
        self.put("processes", {"container": self.container, "pid": 5, "name": "main", "start_ticks": 1})

    def put(self, name: str, content: Any) -> None:
        # In one step: the program may be reading.
        (self.folder / "new").write_text(json.dumps(content) + "\n")
        (self.folder / "new").rename(self.folder / name)

    def agent(self, name: str) -> dict[str, Any]:
        return {
            "kind": "Pod",
            "metadata": {"name": name, "uid": name},
            "spec": {"nodeName": self.pod["spec"]["nodeName"]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }

    def other(self, number: int) -> dict[str, Any]:
        """Another pod, whose containers have other numbers."""
        text = json.dumps(self.pod).replace(self.container, f"{number:064x}")
        pod: dict[str, Any] = json.loads(text)
        pod["metadata"] |= {"name": f"other-{number}", "uid": f"uid-{number}"}
        return pod

    @contextmanager
    def telling(self, name: str) -> Iterator[Callable[[dict[str, Any]], None]]:
        """Once somebody listens."""
        with (self.folder / name).open("w") as pipe:

            def tell(pod: dict[str, Any], kind: str = "ADDED") -> None:
                pipe.write(json.dumps({"type": kind, "object": pod}))
                pipe.flush()

            yield tell


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "kubectl"
    program.write_text(_KUBECTL.format(folder=tmp_path))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Cluster(tmp_path)


class Run:
    """A run with a finder; ``results`` when it has ended."""

    def __init__(self, *options: str, share_of_all: float | None = None) -> None:
        near = Agents(Kubectl("agents"))
        told = build_parser().parse_args(["watch", "pod/it", "x", "--at=main.f", *options])
        self.heard = Heard()
        self.fleet = Fleet(self.heard)
        self.asker = Asker(Kubectl(), near, question_from(told, "main.f", ["x"]), "ptrace", "me")
        self.discovery = Discovery(near, None, Choice())
        self.finder = Finder(Kubectl(), Selection("pod/it", pod="it"), self.discovery, self.asker)
        self.results: dict[str, SamplerError | None] = {}
        self._share = share_of_all

    def __enter__(self) -> Run:
        self.finder.look()
        self.finder.begin(self.fleet, self._share)
        self._threads = [threading.Thread(target=one) for one in (self.finder.watch, self._run)]
        for thread in self._threads:
            thread.start()
        return self

    def _run(self) -> None:
        self.results = self.fleet.run()

    def finish(self) -> None:
        """Waits for the run's own end."""
        self._threads[1].join(30)
        assert not self._threads[1].is_alive()

    def __exit__(self, *_: object) -> None:
        self.finder.stop()
        self.fleet.stop()
        for thread in self._threads:
            thread.join(30)
        self.finder.close()


def test_a_container_is_found_once_its_agent_is_there(cluster: Cluster) -> None:
    discovery = Discovery(Agents(Kubectl("agents")), None, Choice())
    cluster.put("agents.json", {"items": []})
    (refused,) = discovery.of([cluster.pod])
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, NoAgentThere)
    cluster.put("agents.json", {"items": [cluster.agent("first")]})
    (found,) = discovery.of([cluster.pod])
    assert isinstance(found, Found)
    assert list(discovery.of([cluster.pod])) == []
    discovery.forget(found)
    assert list(discovery.of([cluster.pod])) == [found]


def test_of_several_in_one_container_only_the_one_that_was_lost_is_found_again(cluster: Cluster) -> None:
    discovery = Discovery(Agents(Kubectl("agents")), None, Choice(name="main"))
    both = [{"container": cluster.container, "pid": pid, "name": "main", "start_ticks": pid} for pid in (5, 6)]
    (cluster.folder / "processes").write_text("".join(json.dumps(one) + "\n" for one in both))
    one, other = discovery.of([cluster.pod])
    assert isinstance(one, Found)
    assert isinstance(other, Found)
    discovery.forget(other)
    assert list(discovery.of([cluster.pod])) == [other]


def test_the_same_pod_is_asked_again_when_another_agent_is_there(cluster: Cluster) -> None:
    cluster.put("answer", _EXPIRED)
    with Run() as run, cluster.telling("pods.watch") as tell:
        tell(cluster.pod)
        label = f"{cluster.name}/main"
        assert run.heard.until("ended", label) == "AgentExpired"
        cluster.put("answer", _GOOD)
        cluster.put("agents.json", {"items": [cluster.agent("second")]})
        with cluster.telling("agents.watch") as tell_agent:
            tell_agent(cluster.agent("first"))  # the one that had said so: it is not asked once more
            tell_agent(cluster.agent("second"))
            assert run.heard.until("ended", f"{label} #2") == "NoneType"
            run.finish()  # all that were lost are replaced: nobody is waited for
    assert [type(error).__name__ for error in run.results.values()] == ["AgentExpired", "NoneType"]


def test_the_time_counts_from_when_they_are_asked_and_who_comes_later_is_told(cluster: Cluster) -> None:
    run = Run("--duration=1s")
    run.finder._began_s -= 10  # a look that took its time
    cluster.put("answer", _GOOD)
    with run:
        assert run.heard.until("ended", f"{cluster.name}/main") == "NoneType"
    asked = (cluster.folder / "asked").read_text()
    assert "--duration=" in asked
    late = Run("--duration=1s")
    late.finder.look()
    late.finder.begin(late.fleet, None)
    late.finder._began_s -= 10
    late.finder._add(Found("late", *_of(late.finder._first[0])))
    assert late.fleet.run().keys() == {f"{cluster.name}/main"}
    assert "--duration is over" in late.heard.until("said", "late")


def _of(one: Found | Refused) -> tuple[Any, ...]:
    assert isinstance(one, Found)
    return one.container, one.process, one.agent


def test_a_late_pod_gets_the_share_that_another_has_left(cluster: Cluster) -> None:
    os.mkfifo(cluster.folder / "answer")  # who is asked answers when the test does
    late = cluster.other(7)
    with Run(share_of_all=0.05) as run, cluster.telling("pods.watch") as tell:
        with (cluster.folder / "answer").open("w") as answer:
            cluster.put("processes", {"container": f"{7:064x}", "pid": 7, "name": "main", "start_ticks": 7})
            tell(late)
            assert "--max-suspended-all is used up by the 1" in run.heard.until("said", "other-7/main")
            assert (cluster.folder / "asked").read_text().count("agent ask") == 1
            answer.write(json.dumps(_GOOD) + "\n")
        run.heard.until("ended", f"{cluster.name}/main")
        with (cluster.folder / "answer").open("w") as answer:
            answer.write(json.dumps(_GOOD) + "\n")
        assert run.heard.until("ended", "other-7/main") == "NoneType"
    assert (cluster.folder / "asked").read_text().count("--max-suspended=0.05") == 2


def test_what_goes_wrong_in_looking_is_said_and_ends_nobodys_run(cluster: Cluster) -> None:
    os.mkfifo(cluster.folder / "answer")
    with Run() as run:
        with (cluster.folder / "answer").open("w") as answer, cluster.telling("pods.watch") as tell:
            tell({"kind": "Pod"})  # not as any pod is
            assert "no more pods are looked for" in run.heard.until("said", "pod/it")
            answer.write(json.dumps(_EXPIRED) + "\n")
        run.finish()  # it has lost one, and there is nobody to wait
    assert [type(error).__name__ for error in run.results.values()] == ["AgentExpired"]


def test_whoever_may_not_watch_is_told_once(cluster: Cluster) -> None:
    os.mkfifo(cluster.folder / "answer")
    (cluster.folder / "refused").write_text("Error from server (Forbidden): pods is forbidden: cannot watch\n")
    with Run() as run, (cluster.folder / "answer").open("w") as answer:
        assert "cannot watch; they are looked for twice a minute" in run.heard.until("said", "pod/it")
        answer.write(json.dumps(_GOOD) + "\n")


def test_of_a_target_whose_node_does_not_answer_only_what_was_known_is_said(cluster: Cluster) -> None:
    asker = Run().asker
    container = choose(cluster.pod)
    assert asker._fate(container) == "the target runs on"
    (cluster.folder / "processes").unlink()
    assert asker._fate(container) == (
        "its node does not answer; by its last word the target's container ran (0 restarts)"
    )


def test_a_late_pod_without_an_agent_is_said_and_asked_when_there_is_one(cluster: Cluster) -> None:
    os.mkfifo(cluster.folder / "answer")
    late = cluster.other(8)
    late["spec"]["nodeName"] = "new"
    with Run() as run, cluster.telling("pods.watch") as tell, (cluster.folder / "answer").open("w"):
        cluster.put("processes", {"container": f"{8:064x}", "pid": 8, "name": "main", "start_ticks": 8})
        tell(late)
        assert "no agent answers on node new" in run.heard.until("said", "other-8/main")
        cluster.put("answer", _GOOD)  # for the next; the first goes on
        there = cluster.agent("second") | {"spec": {"nodeName": "new"}}
        cluster.put("agents.json", {"items": [there]})
        with cluster.telling("agents.watch") as tell_agent:
            tell_agent(there)
            assert run.heard.until("ended", "other-8/main") == "NoneType"
