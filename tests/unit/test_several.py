"""Comparisons of several targets in one document, and what they come to together."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sampler import cli
from sampler.compare import several
from sampler.compare.findings import finding, overall
from sampler.compare.result import Arm, Comparison, is_comparison, save
from sampler.compare.several import Comparisons
from sampler.errors import RecordingError, TargetEnded
from sampler.view.comparisons import comparisons_lines
from tests.unit.comparisons import ARMS, Program

ONE, OTHER = Program(seed=1).compared(), Program(look_ns=600_000, seed=2).compared()
PERF = Arm("perf", 100.0)
BOTH = Comparisons({"ring (7)": ONE, "ring (8)": OTHER})


def saved(found: Comparisons, folder: Path) -> str:
    file = folder / "run.json"
    save(found, str(file))
    return str(file)


def test_a_document_comes_back_as_it_was(tmp_path: Path) -> None:
    found = several.load(saved(BOTH.with_error("ring (9)", TargetEnded("process 9 has ended")), tmp_path))
    assert {label: one.windows for label, one in found.of.items()} == {
        "ring (7)": ONE.windows,
        "ring (8)": OTHER.windows,
    }
    assert found.of["ring (7)"].header == ONE.header
    assert str(found.errors["ring (9)"]) == "process 9 has ended"
    assert isinstance(found.errors["ring (9)"], TargetEnded)


def test_each_kind_of_document_is_told_by_its_beginning(tmp_path: Path) -> None:
    several_of_them = saved(BOTH, tmp_path)
    alone = tmp_path / "one.json"
    save(ONE, str(alone))
    assert (several.is_several(several_of_them), is_comparison(several_of_them)) == (True, False)
    assert (several.is_several(str(alone)), is_comparison(str(alone))) == (False, True)
    assert not several.is_several(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "text", ["{}", "[]", '{"type":"comparisons","version":2}', '{"type":"comparisons","version":1}']
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)
    with pytest.raises(RecordingError):
        several.load(str(file))


def test_a_comparison_within_that_lacks_something_is_named(tmp_path: Path) -> None:
    fields = BOTH.to_json()
    del fields["comparisons"][1]["seed"]
    file = tmp_path / "run.json"
    file.write_text(json.dumps(fields))
    with pytest.raises(RecordingError, match=r"ring \(8\) is no comparison: it lacks seed"):
        several.load(str(file))


def test_a_row_over_all_is_of_the_rounds_of_all() -> None:
    rows = {row.arm: row for row in overall([ONE, OTHER])}
    alone = [finding(one, PERF) for one in (ONE, OTHER)]
    assert rows[PERF].rounds == 10
    assert rows[PERF].samples == sum(row.samples for row in alone)
    kept = [row.kept.value for row in (rows[PERF], *alone) if row.kept is not None]
    assert kept[0] == pytest.approx((kept[1] + kept[2]) / 2)


def test_windows_of_one_target_are_not_held_against_those_of_another() -> None:
    """Where one was cut off behind an arm, the next one's first untouched window is not beside it."""
    cut = replace(ONE, windows=ONE.windows[:2])
    (arm,) = [window.arm for window in cut.windows[1:]]
    (row,) = [row for row in overall([cut, replace(OTHER, windows=())]) if row.arm == arm]
    assert row.kept == finding(cut, arm).kept


def test_the_whole_of_one_is_that_one() -> None:
    for arm in ARMS:
        (row,) = [row for row in overall([ONE]) if row.arm == arm]
        assert replace(row, others=None) == replace(finding(ONE, arm), others=None)


def test_the_text_has_each_target_and_a_row_an_arm_over_all() -> None:
    lines = list(comparisons_lines(BOTH))
    start = next(place for place, line in enumerate(lines) if "2 targets together" in line)
    assert [line for line in lines if line.startswith("── ring")] == ["── ring (7) ──", "── ring (8) ──"]
    head, *rows = lines[start + 1 : start + 2 + len(ARMS)]
    assert all(name in head for name in ("ring (7)", "ring (8)", "all (95 %)", "worst stall"))
    assert [row.split()[0] for row in rows] == [arm.instrument for arm in ARMS]


def test_of_many_targets_the_least_and_the_most_stand_beside_the_whole() -> None:
    many = Comparisons(
        {f"ring ({number})": Program(look_ns=number * 10_000).compared(rounds=2) for number in range(1, 7)}
    )
    lines = list(comparisons_lines(many))
    head = next(line for line in lines if "the least" in line)
    assert "ring (3)" not in head
    row = next(line for line in reversed(lines) if line.startswith("perf") and "1000/s" in line)
    assert "ring (1)" in row
    assert "ring (6)" in row


@pytest.mark.parametrize("width", [40, 80])
def test_a_narrow_terminal_gets_paragraphs(width: int) -> None:
    lines = list(comparisons_lines(BOTH, width))
    start = next(place for place, line in enumerate(lines) if "2 targets together" in line)
    assert all(len(line) <= width for line in lines[start:])


def test_targets_without_a_comparison_are_told_with_their_reason() -> None:
    found = Comparisons().with_error("a", TargetEnded("process 1 has ended"))
    assert list(comparisons_lines(found)) == ["a: process 1 has ended"]


def test_arms_that_only_one_target_has_have_a_row_too() -> None:
    only = (Arm("dlv", 1.0),)
    found = Comparisons({"go": Program().compared(only), "c": Program().compared((Arm("gdb", 1.0),))})
    rows = [line.split() for line in comparisons_lines(found)]
    assert [row[:6] for row in rows if row[:2] == ["dlv", "1/s"]][-1][4] == "–"


def test_report_says_it_and_a_page_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(BOTH, tmp_path)
    assert cli.main(["report", path]) == 0
    assert "2 targets together" in capsys.readouterr().out
    assert cli.main(["report", path, "--html", str(tmp_path / "page.html")]) == 2
    assert "holds several" in capsys.readouterr().err


def test_pictures_go_into_a_folder_a_target_and_one_picture_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(Comparisons({"ring (7)": _small(ONE)}), tmp_path)
    assert cli.main(["plot", path, "-o", str(tmp_path / "x.png")]) == 2
    assert "name a folder" in capsys.readouterr().err
    assert cli.main(["plot", path, "-o", f"{tmp_path}/pictures/"]) == 0
    assert (tmp_path / "pictures" / "ring-7" / "slowdown-light.svg").stat().st_size


def _small(found: Comparison) -> Comparison:
    return replace(found, windows=found.windows[:11])
