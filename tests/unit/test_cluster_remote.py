"""A recorder far away may be stopped or cut at any time, also before it has begun and after its end."""

from __future__ import annotations

from sampler.cluster.remote import RemoteRecorder
from sampler.recording import Line

_ECHO = ["sh", "-c", "read line; cat >/dev/null; echo left"]


def recorder(ends: list[Line | None]) -> RemoteRecorder:
    return RemoteRecorder(_ECHO, lambda: "the target runs on", ends.append)


def test_one_that_was_stopped_before_its_start_leaves_at_once() -> None:
    asking = recorder([])
    asking.stop()
    with asking:
        assert b"".join(asking.chunks(lambda: None)) == b"left\n"


def test_one_that_was_cut_before_its_start_says_why() -> None:
    ends: list[Line | None] = []
    asking = recorder(ends)
    asking.cut("node n does not answer")
    with asking:
        assert b"".join(asking.chunks(lambda: None)) == b""
        assert "node n does not answer" in asking.see_to().why
    assert ends == [None]


def test_one_that_has_ended_may_be_stopped_and_cut() -> None:
    asking = recorder([])
    with asking:
        asking.stop()
    asking.stop()
    asking.cut("node n does not answer")
