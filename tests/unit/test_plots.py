from __future__ import annotations

import math
from pathlib import Path

import pytest

from sampler.errors import OutputError, RecordingError, UsageError
from sampler.recording import Recording
from sampler.sample import Value
from sampler.view.plots import draw
from tests.unit.recordings import header, miss, recording_of, sample, several

PNG, SVG = b"\x89PNG\r\n\x1a\n", b"<?xml"


def run() -> Recording:
    return recording_of(
        [*(sample(turn, turn % 7) for turn in range(1, 30)), miss(31), sample(32, 2**64 - 1, signed=-1)]
    )


def is_drawn(recordings: list[Recording], folder: Path) -> bool:
    file = folder / "run.png"
    draw(recordings, str(file))
    return file.read_bytes().startswith(PNG)


@pytest.mark.parametrize(("ending", "magic"), [("png", PNG), ("svg", SVG), ("PNG", PNG)])
def test_the_ending_of_the_file_decides_its_form(ending: str, magic: bytes, tmp_path: Path) -> None:
    file = tmp_path / f"run.{ending}"
    draw([run()], str(file))
    assert file.read_bytes().startswith(magic)


@pytest.mark.parametrize("name", ["run.jpg", "run", "run.png.txt", ".png"])
def test_a_form_that_cannot_be_drawn_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no form that can be drawn"):
        draw([run()], str(tmp_path / name))
    assert not list(tmp_path.iterdir())


def test_a_recording_without_looks_is_not_drawn(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no look was recorded"):
        draw([recording_of([])], str(tmp_path / "run.png"))
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        draw([run()], str(tmp_path / "nowhere" / "run.png"))


def test_several_recordings_are_drawn_over_one_another(tmp_path: Path) -> None:
    assert is_drawn([run(), run(), recording_of([])], tmp_path)


def test_several_expressions_are_drawn_in_one_picture(tmp_path: Path) -> None:
    assert is_drawn([recording_of([several(1, {"x": 5, "len(s)": 6})], header("x", "len(s)"))], tmp_path)


def test_misses_alone_are_drawn(tmp_path: Path) -> None:
    assert is_drawn([recording_of([miss(1), miss(2)])], tmp_path)


@pytest.mark.parametrize(
    "values",
    [[5], [5, 5, 5], [True, False], ["a", "b"], [None], [1.5, 2**64 - 1, -1], [0, 2**64 - 1], [10**20, 3]],
    ids=str,
)
def test_answers_of_every_kind_are_drawn(values: list[Value], tmp_path: Path) -> None:
    assert is_drawn([recording_of([sample(turn, value) for turn, value in enumerate(values, 1)])], tmp_path)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_number_that_is_not_finite_does_not_spoil_the_picture(value: float, tmp_path: Path) -> None:
    assert is_drawn([recording_of([sample(1, 1.5), sample(2, value), sample(3, 2.5)])], tmp_path)


@pytest.mark.parametrize("expression", ['m["$x$"]', 'm["$\\\\frac$"]', "_hidden", "a % b", "x & ^y", "日本.x"])
def test_any_expression_is_drawn_as_it_was_asked(expression: str, tmp_path: Path) -> None:
    assert is_drawn([recording_of([sample(1, 5, expression), miss(2)], header(expression))], tmp_path)
