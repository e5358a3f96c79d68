"""What an agent says of itself: since when, until when, and who asks what."""

from __future__ import annotations

from sampler.agent.channel import Broken, Message, connected, missing


def status() -> Message:
    """AgentMissing where nobody serves."""
    with connected() as agent:
        try:
            agent.send({"op": "status"})
            found = agent.answer()
        except Broken as error:
            raise missing(str(error)) from error
    found.pop("op", None)
    return found
