"""A comparison in text and in documents, from one that is made up."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.readme import filled
from sampler.compare.arms import arms_of
from sampler.compare.result import CONTROL, Arm, Comparison, load, save
from sampler.compare.rounds import Plan
from sampler.compare.wanted import Wanted, parse_instruments, parse_rates
from sampler.errors import RecordingError, UsageError
from sampler.question import Question
from sampler.target import Target
from sampler.view.columns import aligned, fitted
from sampler.view.comparing import Told
from sampler.view.comparison import comparison_lines
from tests.unit.comparisons import ARMS, Program

FOUND = Program().compared()


def test_the_tables_have_a_row_for_each_arm() -> None:
    said = "\n".join(comparison_lines(FOUND))
    for arm in ARMS:
        assert len(re.findall(rf"^{arm.instrument} +{re.escape(_asked(arm))} ", said, re.MULTILINE)) in (1, 2)
    assert "perf is gentler than bcc" in said
    assert said.endswith("ended       all rounds were done")


def _asked(arm: Arm) -> str:
    return f"{arm.rate:g}/s" if arm.rate else "–" if arm.instrument == CONTROL else "every hit"


def test_a_failed_arm_is_told_with_its_reason() -> None:
    failed = {"kind": "NotAnswerable", "what": "it cannot", "why": "because", "fix": "do"}
    windows = tuple(replace(one, failed=failed) if one.arm == ARMS[-1] else one for one in FOUND.windows)
    said = "\n".join(comparison_lines(replace(FOUND, windows=windows)))
    assert "bcc: failed: it cannot: because" in said


def test_a_comparison_that_has_just_begun_is_told_too() -> None:
    said = "\n".join(comparison_lines(replace(FOUND, windows=(), ended="")))
    assert "rounds      0 of 5" in said
    assert "not yet, or cut off" in said


def test_a_hostile_name_steers_no_terminal() -> None:
    target = FOUND.header["target"] | {"name": "\x1b[2Jname"}
    said = "\n".join(comparison_lines(replace(FOUND, header=FOUND.header | {"target": target})))
    assert "\x1b" not in said


@pytest.mark.parametrize("width", [40, 60, 79])
def test_a_narrow_terminal_gets_paragraphs(width: int) -> None:
    rows = [("", "asked", "achieved", "slowdown"), ("perf", "10/s", "9.99/s", "1.2 % (0.3 to 2.1)" + " " * 60)]
    lines = [line.rstrip() for line in fitted(rows, width)]
    assert lines[0] == "perf 10/s"
    assert all(len(line) <= 80 for line in lines)


def test_columns_are_aligned() -> None:
    assert list(aligned([("", "b"), ("long", "1"), ("x", "100")])) == ["        b", "long    1", "x     100"]


def test_a_pipe_is_told_how_much_time_is_left() -> None:
    plan = Plan(Question("work", ("gap",)), Target(7, "made-up", "/made-up", 1, 2), ARMS, 5, 10**9, 1)
    stream = io.StringIO()
    watcher = Told(plan, stream)
    for window in FOUND.windows[:4]:
        watcher.done(window)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2  # untouched windows are not told
    assert all(line.startswith("round 1 of 5") and line.endswith(" left") for line in lines)


# The file.


def test_a_comparison_is_saved_whole_or_not_at_all(tmp_path: Path) -> None:
    path = str(tmp_path / "run.json")
    save(FOUND, path)
    assert load(path).to_json() == FOUND.to_json()
    save(replace(FOUND, windows=()), path)
    assert load(path).windows == ()
    assert [one.name for one in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"type": "comparison"}', '{"type": "comparison", "version": 2}'])
def test_what_is_no_comparison_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(RecordingError):
        load(str(path))


def test_fields_of_a_later_version_are_passed_over() -> None:
    fields = FOUND.to_json() | {"new": 1}
    fields["windows"][0]["new"] = 2
    assert Comparison.from_json(fields).windows == FOUND.windows


# Documents.


def test_a_document_gets_the_tables_that_it_has_places_for(tmp_path: Path) -> None:
    save(FOUND, str(tmp_path / "one.json"))
    text = "a\n<!-- one.json: cost -->\nold\n<!-- end -->\nb\n<!-- one.json: about -->\n<!-- end -->\n"
    new = filled(text, tmp_path)
    assert "old" not in new
    assert new.count("| perf | ") == 3
    assert new == filled(new, tmp_path)
    for what, said in (
        ("answers", "| median |"),
        ("estimates", "| a moment |"),
        ("model", "* perf"),
        ("about", "`gap`"),
    ):
        assert said in filled(f"<!-- one.json: {what} -->\n<!-- end -->", tmp_path)


# The arms.


def test_instruments_may_have_rates_of_their_own() -> None:
    wanted = parse_instruments("gdb:1:10,perf,bcc")
    assert wanted == (Wanted("gdb", (1.0, 10.0)), Wanted("perf"), Wanted("bcc"))
    names = [arm.name for arm in arms_of(wanted, (1.0, 1000.0))]
    assert names == ["control", "gdb 1/s", "gdb 10/s", "perf 1/s", "perf 1000/s", "bcc"]


def test_a_debugger_is_not_asked_more_often_than_it_can() -> None:
    assert [arm.rate for arm in arms_of([Wanted("dlv")], (1.0, 1000.0))] == [None, 1.0]
    assert [arm.rate for arm in arms_of([Wanted("dlv")], (1000.0,))] == [None, 1000.0]


@pytest.mark.parametrize("text", ["", "perf,perf", "no", "bcc:1", "perf:0", "perf:1001", "perf:x", "perf:"])
def test_instruments_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_instruments(text)


def test_rates_are_in_order_and_once_each() -> None:
    assert parse_rates("100,1,1") == (1.0, 100.0)
    for text in ("", "a", "0", "nan", "inf", "-1", "1001"):
        with pytest.raises(UsageError):
            parse_rates(text)


def test_each_round_has_each_arm_once_and_the_seed_decides() -> None:
    plan = Plan(Question("work", ("gap",)), Target(7, "made-up", "/made-up", 1, 2), ARMS, 5, 10**9, 1)
    rounds = list(plan.order())
    assert len(rounds) == 5
    assert all(sorted(one, key=ARMS.index) == list(ARMS) for one in rounds)
    assert rounds == list(plan.order())
    assert len({tuple(one) for one in rounds}) > 1
