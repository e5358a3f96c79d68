"""How many runs fit into the agent's memory. Where it is used up the kernel kills them all at once, and their targets
may be held when it does: who does not fit is told so before anything is touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from sampler.errors import AgentBusy, UsageError
from sampler.instruments.base import DEBUGGERS

#: In the environment of the agent's container: its limit, in bytes.
VARIABLE = "SAMPLER_AGENT_MEMORY"
_MIB = 1 << 20
_UNLESS_SAID = 2048 * _MIB
# The agent, those who ask it what it does, and what was compiled: a tmpfs counts too.
_OWN = 320 * _MIB
# Measured: 12 MiB for ``ask``, 20 to 40 for a recorder, more for a program with much debugging information. Delve and
# GDB read all of that at once.
_A_RUN, _A_DEBUGGER = 64 * _MIB, 384 * _MIB


class Room:
    """``refusal``: of one more run, or of one that turned out to take more."""

    def __init__(self, memory: int = _UNLESS_SAID) -> None:
        self._memory = memory

    @staticmethod
    def told() -> Room:
        """As the environment has it; UsageError."""
        text = os.environ.get(VARIABLE)
        if not text:
            return Room()
        if not (text.isascii() and text.isdigit()):
            raise UsageError(f"{VARIABLE} is {text!r}", fix="give the container's limit in bytes, like 2147483648")
        return Room(int(text))

    def refusal(self, instruments: Iterable[str]) -> AgentBusy | None:
        """Of those that all runs ask by, with the one in question."""
        names = list(instruments)
        debuggers = sum(name in DEBUGGERS for name in names)
        if _OWN + len(names) * _A_RUN + debuggers * _A_DEBUGGER <= self._memory:
            return None
        others = f"{len(names) - 1} runs go on there"
        return AgentBusy(
            "this agent has no memory for one more run",
            f"{others}, and it may have {self._memory // _MIB} MiB, a run {_A_RUN // _MIB} and a debugger "
            f"{_A_DEBUGGER // _MIB} more",
            "end some of them, ask without a debugger, or raise the agent's limit",
        )
