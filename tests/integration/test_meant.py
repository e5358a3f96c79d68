"""A recorder that was told when its target was started asks no other process."""

from __future__ import annotations

import json

import pytest

from sampler.frontend import Recorder, split_lines
from sampler.linux import procfs
from tests.conftest import Start
from tests.integration.help import Line, assert_as_found

RECORD = ["record", "--instrument=ptrace", "--count=1", "--at=ring_write"]


def recording(start_ticks: int, *words: str) -> list[Line]:
    recorder = Recorder(list(words))
    recorder.start_ticks = start_ticks
    with recorder:
        return [json.loads(line) for line in split_lines(recorder.chunks(lambda: None))]


@pytest.mark.parametrize("later", [0, 1])
def test_only_the_process_that_was_meant_is_asked(start: Start, later: int) -> None:
    ring = start(program="c_ring")
    meant = procfs.stat(ring.pid).start_ticks - later
    lines = recording(meant, *RECORD, "--", str(ring.pid), "r->write_index")
    if later:
        assert [line["type"] for line in lines] == ["footer"]
        assert lines[0]["error"]["kind"] == "NoSuchProcess"
    else:
        assert lines[-1]["ended"] == "count"
    assert_as_found(ring.pid)


def test_nobody_else_is_counted_either(start: Start) -> None:
    ring = start(program="c_ring")
    lines = recording(1, "count", "--", str(ring.pid), "ring_write")
    assert [line["type"] for line in lines] == ["footer"]
    assert lines[0]["error"]["kind"] == "NoSuchProcess"
