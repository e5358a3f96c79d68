"""A target of many threads that make processes, receive signals and are stopped while some of them meet a byte."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import Start
from tests.integration.help import assert_as_found, lines_of, lines_until, started

AT_STEP = ("*counter", "--at=step", "--instrument=ptrace")


@pytest.mark.parametrize("way", ["fork 200", "clone 0 100", "clone 10 100", "share 50", "kill 200"])
def test_a_child_copied_while_another_thread_meets_the_byte_has_none_of_ours(start: Start, way: str) -> None:
    crowd = start("3", program="crowd")
    with started("record", str(crowd.pid), *AT_STEP, "--rate=1000/s", "--window=1ms") as run:
        lines_until(run, "sample", 5)
        assert crowd.ask(way) == "0\n"
        run.send_signal(signal.SIGINT)
        assert list(lines_of(run))[-1]["ended"] == "interrupted"
    assert_as_found(crowd.pid)
