"""What several files of integration tests are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.tracee import Tracee
from tests.conftest import Start
from tests.integration.agents import Agent


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    """An agent that serves for the length of the test."""
    with Agent(tmp_path) as started:
        yield started


@pytest.fixture
def ring(start: Start) -> Tracee:
    """The native program with a ring, as fast as it can."""
    return start(program="c_ring")
