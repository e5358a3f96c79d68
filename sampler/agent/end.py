"""Ends the agent that serves here. Which process it is, its socket tells: no other is looked for or meant."""

from __future__ import annotations

import signal
from contextlib import suppress

from sampler.agent.channel import connected, missing
from sampler.linux.signals import ProcessHandle


def end() -> None:
    """As SIGTERM does: its runs leave first. Returns at once; AgentMissing where nobody serves."""
    with connected() as agent, suppress(ProcessLookupError):  # it has just ended
        pid = agent.peer()
        if not pid:
            raise missing("whoever serves is of another PID namespace")
        with ProcessHandle(pid) as process:
            process.send(signal.SIGTERM)
