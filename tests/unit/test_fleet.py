"""The run of a fleet and its recording, with recorders that are scripts of lines."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from sampler.errors import (
    FleetFailed,
    NoSuchProcess,
    OutputError,
    RecorderLost,
    RecordingError,
    SamplerError,
    TargetEnded,
)
from sampler.fleet import joined
from sampler.fleet.member import InOrder, Member, Unseen
from sampler.fleet.run import Fleet
from sampler.recording import Line, Recording

HEADER: Line = {
    "type": "header",
    "version": 1,
    "question": {"point": "main.f", "expressions": ["x"]},
    "target": {"pid": 1},
}
FOOTER: Line = {"type": "footer", "samples": 1, "misses": 0, "ended": "count"}


def sample(value: int) -> Line:
    return {"type": "sample", "t_ns": value, "values": {"x": value}, "cost": {"suspended_ns": [0, 0]}}


class Script:
    """A recorder that says these lines; one that was ``told`` to wait ends when it is asked to leave."""

    def __init__(self, *lines: Line, waits: bool = False) -> None:
        self._lines, self._waits, self._left = lines, waits, threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._left.set()

    def chunks(self, tick: Callable[[], None]) -> Iterator[bytes]:
        for line in self._lines:
            yield json.dumps(line).encode() + b"\n"
        if self._waits:
            self._left.wait()
            yield b"" if not self._lines else json.dumps(FOOTER).encode() + b"\n"

    def take_note(self, line: Line) -> None:
        pass

    def see_to(self) -> SamplerError:
        return RecorderLost("it is lost")


class Told(Unseen):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.all: list[tuple[str, ...]] = []
        self.threads: set[int] = set()
        self.on_header: Callable[[], None] = lambda: None

    def joined(self, label: str) -> None:
        self._note("joined", label)

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        self._note(line["type"], label)
        if line["type"] == "header":
            self.on_header()

    def said(self, label: str, remark: str) -> None:
        self._note("said", label, remark)

    def ended(self, label: str, error: SamplerError | None) -> None:
        self._note("ended", label, type(error).__name__)

    def _note(self, *what: str) -> None:
        self.threads.add(threading.get_ident())
        self.all.append(what)


def member(label: str, *lines: Line, waits: bool = False) -> Member:
    return Member(label, lambda: Script(*lines, waits=waits))


def run(view: Unseen, *members: Member) -> dict[str, SamplerError | None]:
    fleet = Fleet(view)
    for one in members:
        fleet.add(one)
    return fleet.run()


def test_all_is_told_in_one_thread_and_a_members_lines_in_their_order() -> None:
    told = Told()
    ended = run(told, *(member(f"m{number}", HEADER, sample(1), FOOTER) for number in range(20)))
    assert set(ended.values()) == {None}
    assert told.threads == {threading.get_ident()}
    for label in ended:
        of_one = [what for what, of, *_ in told.all if of == label]
        assert of_one == ["joined", "header", "sample", "footer", "ended"]


def test_how_one_ends_does_not_concern_the_others() -> None:
    refusal = FOOTER | {"error": NoSuchProcess("gone").to_json()}
    over = FOOTER | {"error": TargetEnded("it ended").to_json()}

    def breaks() -> Script:
        raise OSError("no more processes")

    ended = run(
        Unseen(),
        member("good", HEADER, FOOTER), member("refused", refusal), member("lost", HEADER),
        member("over", HEADER, over), Member("broken", breaks),
    )  # fmt: skip
    kinds = {label: type(error).__name__ for label, error in ended.items()}
    assert kinds == {
        "good": "NoneType", "refused": "NoSuchProcess", "lost": "RecorderLost", "over": "TargetEnded",
        "broken": "InternalError",
    }  # fmt: skip


def test_a_line_that_is_not_understood_ends_its_own_member() -> None:
    lacking = {"type": "sample", "t_ns": 1}
    told = Told()
    ended = run(told, member("good", HEADER, sample(1), FOOTER), member("bad", HEADER, lacking, lacking, waits=True))
    assert ended["good"] is None
    assert isinstance(ended["bad"], RecordingError)
    assert [what for what, label, *_ in told.all if label == "bad"] == ["joined", "header", "ended"]


def test_stop_is_a_good_end_also_of_one_that_has_not_said_a_word() -> None:
    told = Told()
    fleet = Fleet(told)
    fleet.add(member("asking", HEADER, waits=True))
    fleet.add(member("starting", waits=True))
    fleet.add(member("waiting its turn", HEADER, waits=True))
    told.on_header = fleet.stop
    assert set(fleet.run().values()) == {None}
    fleet.add(member("late", HEADER, FOOTER))
    assert ("joined", "late") not in told.all


def test_what_cannot_be_written_ends_all_and_is_raised_after_all_have_left() -> None:
    class Full(Unseen):
        def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
            raise OutputError("no room")

    before = threading.active_count()
    with pytest.raises(OutputError):
        run(Full(), member("one", HEADER, waits=True), member("two", HEADER, waits=True))
    assert threading.active_count() == before


def test_a_run_that_is_held_open_takes_more() -> None:
    fleet = Fleet(Unseen())
    entered = threading.Event()

    def find() -> None:
        with fleet.held_open():
            entered.set()
            fleet.add(member("found", HEADER, FOOTER))

    finder = threading.Thread(target=find)
    finder.start()
    entered.wait()
    assert "found" in fleet.run()
    finder.join()


def test_one_label_is_one_member_and_nobody_is_asked_before_the_run() -> None:
    before = threading.active_count()
    fleet = Fleet(Unseen())
    fleet.add(member("m", HEADER, FOOTER))
    with pytest.raises(ValueError, match="two members"):
        fleet.add(member("m", HEADER, FOOTER))
    assert threading.active_count() == before
    assert fleet.run() == {"m": None}


def test_what_was_written_is_read_again_in_the_order_of_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "joined.jsonl"
    with path.open("w") as file:
        writer = joined.Writer(file)
        with writer:
            for label in ("second to speak", 'first "to" speak', "mute"):
                writer.joined(label)
            writer.ended("mute", NoSuchProcess("gone"))
            recording = Recording(HEADER)
            for label in ('first "to" speak', "second to speak"):
                for line in (HEADER, sample(3), FOOTER):
                    writer.show(label, json.dumps(line) + "\n", line, recording)
                writer.ended(label, None)
            writer.said("second to speak", "moved")
    found = joined.load(str(path))
    assert joined.is_joined(str(path))
    assert list(found.members) == ["second to speak", 'first "to" speak']
    assert all(one.sample_count == 1 and one.footer is not None for one in found.members.values())
    assert found.remarks == [("second to speak", "moved")]
    assert {label: type(error) for label, error in found.errors.items()} == {"mute": NoSuchProcess}


def test_nothing_is_written_where_nobody_was_asked() -> None:
    sink = io.StringIO()
    run(InOrder(joined.Writer(sink)), member("refused", FOOTER | {"error": NoSuchProcess("gone").to_json()}))
    assert sink.getvalue() == ""


def test_what_is_no_recording_of_a_fleet_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for text in ("", "[]\n", '{"type": "header"}\n', '{"type": "fleet", "version": 99}\n',
                 '{"type": "fleet", "version": 1}\n{"of": "a", "type": "sample"}\n'):  # fmt: skip
        path.write_text(text)
        with pytest.raises(RecordingError):
            joined.load(str(path))


def test_several_errors_are_told_once_each_with_the_exit_status_that_they_share() -> None:
    one = FleetFailed.of({"a": TargetEnded("it ended"), "b": TargetEnded("it ended")}, 3)
    assert str(one) == "2 of 3 targets failed: a, b: it ended"
    assert one.exit_status == TargetEnded.exit_status
    mixed = FleetFailed.of({"a": TargetEnded("it ended"), "b": NoSuchProcess("gone", fix="look")}, 9)
    assert mixed.exit_status == 1
    many = FleetFailed.of({f"m{number}": NoSuchProcess(f"no {number}") for number in range(9)}, 9)
    assert str(many).endswith("and 6 more")
