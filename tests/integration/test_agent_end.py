"""The agent is told to end by whoever may reach its socket, wherever it is."""

from __future__ import annotations

from pathlib import Path

from tests.integration.agents import Agent


def test_it_ends_in_good_order(tmp_path: Path) -> None:
    with Agent(tmp_path) as agent:
        assert agent.run("end").returncode == 0
        agent.logged("agent-ended")
        assert agent.process.wait(20) == 0


def test_where_nobody_serves_that_is_said(tmp_path: Path) -> None:
    agent = Agent(tmp_path)
    done = agent.run("end")
    assert done.returncode == 1
    assert "no agent serves at" in done.stderr
