"""The run of a fleet: a thread a member follows its recorder, and one thread sees what all of them say.

So nobody waits for the start, the end or the rescue of another's target.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from queue import Empty, SimpleQueue

from sampler.errors import InternalError, RecordingError, SamplerError
from sampler.fleet.follower import Follower
from sampler.fleet.member import FleetView, Member, Unseen
from sampler.linux.readiness import allow_descriptors
from sampler.recording import MALFORMED, Line, Recording

_TICK_S = 0.25
#: Lines that wait for being seen; whoever has more to say waits. The recorders behind them do not.
_MOST_WAITING = 10_000
# A recorder that reads its question has a processor for itself; more at once would take those of the targets.
_START_AT_ONCE = 2

_News = Callable[[], None]


class Fleet:
    """``add`` members, then ``run``; more may be added in mid-run, by any thread. The end of one, however it comes,
    does not end the others.
    """

    def __init__(self, view: FleetView, at_once: int = _START_AT_ONCE) -> None:
        """``at_once``: how many recorders may be reading their question at one time."""
        self._view = view
        self._news: SimpleQueue[_News] = SimpleQueue()
        self._room = threading.Semaphore(_MOST_WAITING)
        self._turns = threading.Semaphore(at_once)
        self._lock = threading.Lock()  # of what several threads change: the three below
        self._running = False
        self._followers: dict[str, Follower] = {}
        self._expected = 0  # ends that are still to come, of members and of holds
        self.stopping = threading.Event()  # set once all were asked to leave
        self._recordings: dict[str, Recording] = {}
        self._malformed: dict[str, RecordingError] = {}
        self._ended: dict[str, SamplerError | None] = {}

    def add(self, member: Member) -> None:
        """Begins with it, or, before ``run``, will; from any thread. One that comes after ``stop`` is not asked.
        ValueError if there is one of that label.
        """
        follower = Follower(member, self._turns)
        with self._lock:
            if self.stopping.is_set():
                return
            if member.label in self._followers:
                raise ValueError(f"two members are called {member.label}")
            self._followers[member.label] = follower
            if not self._running:
                return
        self._begin(follower)

    def say(self, label: str, remark: str) -> None:
        """Something about a member that its recording does not have; from any thread."""
        self._post(partial(self._say, label, remark))

    @contextmanager
    def held_open(self) -> Iterator[None]:
        """In the block, which is another thread's, ``run`` goes on though there may be nobody: more are looked for."""
        with self._lock:
            self._expected += 1
        try:
            yield
        finally:
            self._post(self._one_less)

    def stop(self) -> None:
        """Asks all to leave their targets; ``run`` ends when they have. From any thread."""
        self.stopping.set()
        for follower in list(self._followers.values()):
            follower.stop()

    def run(self) -> dict[str, SamplerError | None]:
        """What each member ended with, None for a good end, when all have. Raises what the view raises; all have
        left their targets then, too.
        """
        allow_descriptors()  # some eight a member
        with self._lock:
            self._running = True
            first = list(self._followers.values())
        try:
            with self._view:
                for follower in first:
                    self._begin(follower)
                self._see_all()
        finally:
            self.stop()
            self._view = Unseen()
            self._see_all()
        return self._ended

    def _begin(self, follower: Follower) -> None:
        with self._lock:
            self._expected += 1
        if self.stopping.is_set():  # it has come between: ``stop`` takes no lock
            follower.stop()
        self._post(partial(self._join, follower.label))
        try:
            threading.Thread(target=self._follow, args=[follower], name=follower.label).start()
        except RuntimeError as error:  # no more threads are to be had
            self._post(partial(self._end, follower.label, InternalError.of(error)))

    def _see_all(self) -> None:
        due_s = time.monotonic()
        while self._expected:
            with suppress(Empty):
                self._news.get(timeout=max(0.0, due_s - time.monotonic()))()
            if time.monotonic() >= due_s:
                self._view.tick()
                due_s = time.monotonic() + _TICK_S

    def _post(self, news: _News) -> None:
        self._news.put(news)

    def _follow(self, follower: Follower) -> None:
        label = follower.label

        def take(text: str, line: Line) -> None:
            self._room.acquire()
            self._post(partial(self._take, label, text, line))

        self._post(partial(self._end, label, follower.run(take)))

    def _join(self, label: str) -> None:
        self._view.joined(label)

    def _say(self, label: str, remark: str) -> None:
        self._view.said(label, remark)

    def _take(self, label: str, text: str, line: Line) -> None:
        self._room.release()
        if self._is_understood(label, line):
            self._view.show(label, text, line, self._recordings[label])

    def _is_understood(self, label: str, line: Line) -> bool:
        """Takes a line in. A member of which one is not understood is asked to leave; its others are passed over."""
        if label in self._malformed:
            return False
        try:
            if label in self._recordings:
                self._recordings[label].add(line)
            else:
                self._recordings[label] = Recording(line)
        except MALFORMED as error:
            why, fix = f"it lacks {error}", "see that sampler is of one version at both ends"
            self._malformed[label] = RecordingError("a line of the recording is not understood", why, fix)
            self._followers[label].stop()
            return False
        return True

    def _end(self, label: str, error: SamplerError | None) -> None:
        self._ended[label] = self._malformed.get(label, error)
        self._one_less()
        self._view.ended(label, self._ended[label])

    def _one_less(self) -> None:
        with self._lock:
            self._expected -= 1
