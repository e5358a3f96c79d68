"""How many runs an agent takes: as many as its memory has room for, and what it says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sampler.agent.channel import Channel, Message
from sampler.agent.room import VARIABLE
from tests.conftest import Start
from tests.integration.agents import Agent, finish
from tests.integration.help import assert_as_found

MIB = 1 << 20


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """With room for a debugger and a run, or for eight runs."""
    small = Agent(tmp_path)
    small.environment[VARIABLE] = str(832 * MIB)
    with small as started:
        yield started


class Asker:
    """Announces runs that nobody records."""

    def __init__(self, agent: Agent) -> None:
        self._agent, self._open = agent, ExitStack()

    def __enter__(self) -> Asker:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def announce(self, instrument: str, question: Message | None = None) -> tuple[Channel, Message]:
        channel = self._open.enter_context(Channel.to(self._agent.socket))
        about = {"who": "jane", "pid": 1, "question": question or {}, "instrument": instrument}
        channel.send({"op": "begin"} | about)
        return channel, channel.answer()

    def is_taken(self, instrument: str) -> bool:
        return bool(self.announce(instrument)[1]["op"] == "welcome")


def test_no_more_runs_than_fit_are_taken(agent: Agent, start: Start) -> None:
    ring = start(program="c_ring")
    with Asker(agent) as asker:
        assert [asker.is_taken("perf") for _ in range(9)] == [True] * 8 + [False]
        with agent.asked("--instrument=perf", str(ring.pid), "r->write_index", "--at=ring_write") as run:
            lines, said = finish(run)
    assert [line["type"] for line in lines] == ["footer"]
    assert lines[0]["error"]["kind"] == "AgentBusy"
    assert "8 runs go on there, and it may have 832 MiB" in said
    assert agent.logged("run-refused")["error"]["kind"] == "AgentBusy"
    assert_as_found(ring.pid)


def test_a_debugger_takes_the_room_of_several(agent: Agent) -> None:
    with Asker(agent) as asker:
        assert asker.is_taken("dlv")
        assert not asker.is_taken("gdb")
        assert asker.is_taken("ptrace")
        assert not asker.is_taken("ptrace")
    with Asker(agent) as asker:  # the others have gone
        assert asker.is_taken("gdb")


def test_a_run_that_turns_out_to_need_a_debugger_leaves_where_there_is_no_room(agent: Agent) -> None:
    with Asker(agent) as asker:
        assert asker.is_taken("dlv")
        channel, answer = asker.announce("auto")
        assert answer["op"] == "welcome"
        channel.send({"op": "header", "target": {}, "instrument": "dlv"})
        told = channel.answer()
    assert (told["op"], told["error"]["kind"]) == ("leave", "AgentBusy")


def test_an_agent_with_much_to_tell_tells_all(agent: Agent) -> None:
    """Of long questions, cut short; in the log they are whole."""
    question = {"point": "f" * 4000, "expressions": ["\U0001f98a" * 400] * 32}
    with Asker(agent) as asker:
        for _ in range(8):
            assert asker.announce("perf", question)[1]["op"] == "welcome"
            assert agent.logged("run-begun")["question"] == question
        runs = agent.status()["runs"]
    assert len(runs) == 8
    assert runs[0]["question"]["point"] == "f" * 200 + "…"
    assert len(runs[0]["question"]["expressions"]) == 9


def test_a_limit_that_is_no_number_is_told(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    agent.environment[VARIABLE] = "2Gi"
    done = agent.run("serve")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert VARIABLE in done.stderr
