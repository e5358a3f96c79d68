"""Where an agent listens: a place that is taken, that cannot be had, or that answers nobody."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.integration.agents import Agent


def test_a_place_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "agent.sock").mkdir()
    done = Agent(tmp_path).run("serve")
    assert done.returncode == 1
    assert f"cannot serve at {tmp_path}" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_place_whose_owner_takes_no_connections_is_taken(tmp_path: Path) -> None:
    """As of an agent that is stopped."""
    agent = Agent(tmp_path)
    with socket.socket(socket.AF_UNIX) as hung, socket.socket(socket.AF_UNIX) as first:
        hung.bind(str(agent.socket))
        hung.listen(0)
        first.connect(str(agent.socket))  # its queue is full
        done = agent.run("serve")
    assert done.returncode == 1
    assert "an agent serves at" in done.stderr
    assert agent.socket.exists()
