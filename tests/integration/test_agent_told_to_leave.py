"""Runs of the agent that are told to leave before they have said a word: they leave in order, like others."""

from __future__ import annotations

import signal

from bench.tracee import Tracee
from tests.integration.agents import Agent, finish
from tests.integration.help import assert_as_found

TIMES = 10


def test_a_run_that_is_told_to_leave_as_it_begins(agent: Agent, ring: Tracee) -> None:
    """The agent has just heard of it: its recorder is not there yet, or is about to start."""
    words = ("--instrument=ptrace", "--rate=20/s", str(ring.pid), "r->write_index", "--at=ring_write")
    for _ in range(TIMES):
        with agent.asked(*words) as run:
            agent.logged("run-begun")
            run.send_signal(signal.SIGTERM)
            lines, said = finish(run)
        assert (said, run.returncode) == ("", 0)
        assert lines[-1]["type"] == "footer"
        assert lines[-1]["ended"] == "interrupted"
        assert "error" not in lines[-1]
        assert agent.logged("run-ended")["ended"] == "interrupted"
        assert_as_found(ring.pid)
    ring.report()
    assert ring.report()["writes"] > 0


def test_the_agent_leaves_while_a_run_begins(agent: Agent, ring: Tracee) -> None:
    with agent.asked("--instrument=perf", str(ring.pid), "r->write_index", "--at=ring_write") as run:
        agent.logged("run-begun")
        logged = agent.end()
        lines, said = finish(run)
    assert (lines[-1]["ended"], lines[-1]["error"]["kind"]) == ("interrupted", "AgentExpired")
    assert "about to end" in said
    assert [line["audit"] for line in logged] == ["agent-leaving", "run-ended", "agent-ended"]
    assert_as_found(ring.pid)
