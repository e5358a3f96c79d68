"""Finds the pods of a run: those there are, then those that are started anew or take another's place.

It waits for what the API server tells of them, by ``kubectl get --watch``, and asks for nothing over and over.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace

from sampler.cluster.asking import Asker
from sampler.cluster.discovery import Discovery, Found, Refused
from sampler.cluster.documents import Documents
from sampler.cluster.kubectl import Kubectl, Object
from sampler.cluster.selection import Selection
from sampler.errors import SamplerError
from sampler.fleet.member import Member
from sampler.fleet.run import Fleet

# A pod that has ended is replaced in seconds; one that pulls its image first, or backs off, in a minute or so.
_REPLACED_WITHIN_S = 60.0
# The API server ends a watch after some half an hour; one that ends at once is not to be a tight loop.
_WATCH_AGAIN_S = 2.0
# One that nobody reads any more, as we were killed, ends by itself.
_WATCH_TIMEOUT = "--request-timeout=1m"


class Finder:
    """Adds members to a fleet; ``watch`` is a thread's."""

    def __init__(self, kube: Kubectl, selection: Selection, discovery: Discovery, asker: Asker) -> None:
        self._kube, self._selection, self._discovery, self._asker = kube, selection, discovery, asker
        self._began_s = time.monotonic()
        self._share = asker.question.budget.max_suspended
        self._woken, self._waker = os.pipe()
        self._waits_until_s: float | None = None
        self._hold: AbstractContextManager[None] | None = None
        self._lock = threading.Lock()
        self._fleet: Fleet | None = None
        self._first: list[Found | Refused] = []
        self._labels: set[str] = set()

    def look(self) -> int:
        """Finds whom there is now; how many nodes they are on. Raises what concerns them all: no such object, no
        rights, no connection, or one and the same reason.
        """
        self._first = look(self._kube, self._selection, self._discovery)
        return len({one.container.node for one in self._first if isinstance(one, Found)})

    def begin(self, fleet: Fleet, share_of_all: float | None) -> None:
        """Adds those that were found. ``share_of_all``: of the time, for all together; each gets as much of it."""
        self._fleet = fleet
        self._asker.on_lost = self.lost
        members = sum(isinstance(one, Found) for one in self._first)
        if share_of_all is not None:
            self._share = min(self._share, share_of_all / max(1, members))
        for one in self._first:
            self._add(one)

    def lost(self) -> None:
        """A target or an agent has gone: for a while the run goes on without, as another may come. From any thread."""
        fleet = self._fleet
        if fleet is None or fleet.stopping.is_set():
            return
        with self._lock:
            self._waits_until_s = time.monotonic() + _REPLACED_WITHIN_S
            if self._hold is None:
                self._hold = fleet.held_open()
                self._hold.__enter__()
        os.write(self._waker, b"l")

    def stop(self) -> None:
        """From any thread, or a signal's handler."""
        os.write(self._waker, b"s")

    def watch(self) -> None:
        """Until ``stop``."""
        try:
            while self._watch_once() and self._rest():
                pass
        finally:
            self._let_go()

    def _watch_once(self) -> bool:
        """One watch, until the API server ends it; False once it was stopped."""
        options = ["--watch", "--output-watch-events", "--output=json", _WATCH_TIMEOUT]
        words = self._kube.words("get", *self._selection.words, *options)
        with subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                assert process.stdout is not None
                return self._follow(process.stdout.fileno())
            finally:
                process.kill()

    def _follow(self, stream: int) -> bool:
        documents = Documents()
        for data in self._reads(stream):
            if data is None:
                return False
            for event in documents.take(data.decode(errors="replace")):
                self._take(event)
        return True

    def _reads(self, stream: int | None) -> Iterator[bytes | None]:
        """What comes from the stream; None once it was stopped."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
            again_s = None if stream is not None else time.monotonic() + _WATCH_AGAIN_S
            while again_s is None or time.monotonic() < again_s:
                for key, _ in selector.select(self._timeout_s(again_s)):
                    data = os.read(key.fd, 1 << 16)
                    if key.fd == self._woken and b"s" in data:
                        yield None
                        return
                    if key.fd == stream:
                        if not data:
                            return
                        yield data
                self._look_at_clock()

    def _rest(self) -> bool:
        return not any(data is None for data in self._reads(None))

    def _timeout_s(self, again_s: float | None) -> float | None:
        due = [at for at in (again_s, self._waits_until_s) if at is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    def _look_at_clock(self) -> None:
        if self._waits_until_s is not None and time.monotonic() >= self._waits_until_s:
            self._let_go()

    def _let_go(self) -> None:
        """Nobody is waited for any more."""
        with self._lock:
            self._waits_until_s, hold, self._hold = None, self._hold, None
        if hold is not None:
            hold.__exit__(None, None, None)

    def _take(self, event: Object) -> None:
        pod = event["object"]
        if event["type"] not in ("ADDED", "MODIFIED") or pod.get("kind") != "Pod":
            return
        if _node_is_gone(pod):
            self._asker.cut(pod["spec"]["nodeName"])
            return
        if "deletionTimestamp" in pod["metadata"]:
            return
        found = list(self._discovery.of([pod], waiting=True))
        for one in found:
            self._add(one)
        if any(isinstance(one, Found) for one in found):
            self._let_go()

    def _add(self, one: Found | Refused) -> None:
        fleet, left_ns = self._fleet, self._left_ns()
        assert fleet is not None
        if isinstance(one, Refused):
            fleet.add(_failed(self._unique(one.label), one.error))
        elif left_ns is None or left_ns > 0:
            one = replace(one, label=self._unique(one.label))
            fleet.add(self._asker.member(one, self._share, left_ns))
            for remark in self._asker.remarks(one):
                fleet.say(one.label, remark)

    def _unique(self, label: str) -> str:
        """A pod of a StatefulSet has the name of the one before it."""
        found, number = label, 1
        while found in self._labels:
            number += 1
            found = f"{label} #{number}"
        self._labels.add(found)
        return found

    def _left_ns(self) -> int | None:
        """Of the duration that was asked for; of which a late one has the rest."""
        duration_ns = self._asker.question.timing.duration_ns
        return None if duration_ns is None else duration_ns - round((time.monotonic() - self._began_s) * 1e9)


def look(kube: Kubectl, selection: Selection, discovery: Discovery) -> list[Found | Refused]:
    """Whom there is now. Raises why, where none can be asked, for one and the same reason."""
    found = list(discovery.of(selection.pods(kube)))
    errors = [one.error for one in found if isinstance(one, Refused)]
    if len(errors) == len(found) and len({error.reason for error in errors}) == 1:
        raise errors[0]
    return found


def _failed(label: str, error: SamplerError) -> Member:
    """One who cannot be asked, and is told of like all others."""

    def start() -> None:
        raise error

    return Member(label, start)  # type: ignore[arg-type]


def _node_is_gone(pod: Object) -> bool:
    """The node controller takes the pod's Ready away, and cannot know of its containers; the kubelet tells of both."""
    conditions = {condition["type"]: condition["status"] for condition in pod["status"].get("conditions", ())}
    ready, inside = conditions.get("Ready"), conditions.get("ContainersReady")
    return ready == "False" and inside == "True" and not pod["spec"].get("readinessGates")
