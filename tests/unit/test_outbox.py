from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler import outbox as outbox_module
from sampler.outbox import Outbox


def nobody() -> None:
    raise AssertionError("nothing failed")


@given(st.lists(st.text(max_size=20), max_size=30))
def test_all_is_written_in_order_when_close_returns(texts: list[str]) -> None:
    stream = io.StringIO()
    outbox = Outbox(stream, nobody)
    for text in texts:
        outbox.write(text)
    outbox.close()
    assert stream.getvalue() == "".join(texts)


def test_a_reader_that_does_not_read_holds_nobody_up() -> None:
    reader, writer = os.pipe()
    line = "x" * 1023 + "\n"
    with open(writer, "w", encoding="utf-8") as stream, open(reader, encoding="utf-8") as other_end:
        outbox = Outbox(stream, nobody)
        for _ in range(4096):  # four megabytes: more than a pipe holds, so a plain write would wait for ever here
            outbox.write(line)
        read = [other_end.readline() for _ in range(4096)]
        outbox.close()
    assert read == [line] * 4096


def test_a_reader_that_went_away_is_told_once_and_the_rest_is_dropped() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    failures: list[str] = []
    stream = open(writer, "w", encoding="utf-8")  # noqa: SIM115 (closing it fails, too)
    outbox = Outbox(stream, lambda: failures.append("gone"))
    for _ in range(100):
        outbox.write("line\n")
    outbox.close()
    assert failures == ["gone"]
    with suppress(BrokenPipeError):
        stream.close()


def test_a_full_disk_is_told_before_close() -> None:
    failed = Event()
    stream = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115 (closing it fails, too)
    outbox = Outbox(stream, failed.set)
    outbox.write("line\n")
    assert failed.wait(60)
    outbox.close()
    with suppress(OSError):
        stream.close()


def test_a_stream_that_was_closed_by_somebody_else_is_a_failure_and_no_crash(tmp_path: Path) -> None:
    failures: list[str] = []
    stream = (tmp_path / "run.jsonl").open("w")
    stream.close()
    outbox = Outbox(stream, lambda: failures.append("closed"))
    outbox.write("line\n")
    outbox.close()
    assert failures == ["closed"]


def test_a_full_disk_is_told_and_a_reader_that_went_away_is_not() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    failures = []
    for number in (os.open("/dev/full", os.O_WRONLY), writer):
        with suppress(OSError), open(number, "w", encoding="utf-8") as stream:
            outbox = Outbox(stream, lambda: None)
            outbox.write("text\n")
            outbox.close()
            failures.append(outbox.failure)
    assert failures == ["No space left on device", None]


@pytest.mark.parametrize("size", [1023, 100_000])
def test_a_reader_that_reads_nothing_at_all_does_not_use_up_the_memory(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """However long its lines are."""
    monkeypatch.setattr(outbox_module, "MOST_WAITING", 100 * size)
    reader, writer = os.pipe()
    told = Event()
    with open(writer, "w", encoding="utf-8") as stream, open(reader, encoding="utf-8") as other_end:
        outbox = Outbox(stream, told.set)
        for _ in range(300):
            outbox.write("x" * size + "\n")  # a pipe holds some sixty thousand characters
        assert told.is_set()
        assert "does not read" in str(outbox.failure)
        other_end.close()
        outbox.close()
        with suppress(OSError):
            stream.close()
