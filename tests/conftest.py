"""The programs to ask, each started by a test and ended with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bench.tracee import ROOT, Tracee

Start = Callable[..., Tracee]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts tracees (or ``program=`` another of build/) that end with the test."""
    with ExitStack() as stack:
        yield lambda *options, program="tracee": stack.enter_context(Tracee(*options, program=ROOT / "build" / program))


@pytest.fixture
def tracee(start: Start) -> Tracee:
    """The talk's program, as fast as it can."""
    return start()


@pytest.fixture
def values(start: Start) -> Tracee:
    """A program with one value of each kind."""
    return start(program="values")


@pytest.fixture
def offspring(start: Start) -> Tracee:
    """A program that makes children, becomes another, or ends, when it is told to."""
    return start(program="offspring")


@pytest.fixture
def moving(start: Start) -> Tracee:
    """A program whose object moves, goes and comes back, as it is told to."""
    return start(program="moving")


@pytest.fixture(autouse=True)
def _no_target_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PID", raising=False)


def pytest_report_header() -> str:
    return f"as user {os.geteuid()}, on {os.cpu_count()} processors"
