from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import PointError
from sampler.question import LONGEST_POINT, Question, check_point


@pytest.mark.parametrize(
    "point",
    [
        "main.write",
        "write",
        "main.(*T).Method",
        "github.com/a/b.(*T).Method",
        "main.F[int]",
        "main.F[go.shape.int,string]",
        "main.main.func2",
        "main.go:49",
        "./main.go:49",
        "/usr/local/go/src/runtime/panic.go:1456",
        "0x4a2e0a",
        "main.日本",
        "pkg.T~1",
    ],
)
def test_every_form_that_the_help_names_is_a_point(point: str) -> None:
    check_point(point)


@pytest.mark.parametrize(
    "point",
    [
        "",
        " ",
        "main.write main.read",
        "main.write\n",
        "main.write;quit",
        "main.write if x",
        "-f",
        "--at",
        "*0x4a2e0a",
        "+3",
        ":49",
        "/write$/",
        "/write/",
        "$(reboot)",
        "main.write\x00",
        "main.w\u00a0x",
        "`x`",
        "0x",
        "0xg",
        "0x-5",
        "0x40_11",
    ],
)
def test_what_a_debugger_could_take_for_more_than_one_place_is_refused(point: str) -> None:
    with pytest.raises(PointError):
        check_point(point)


def test_a_point_is_no_longer_than_the_limit() -> None:
    check_point("f" * LONGEST_POINT)
    with pytest.raises(PointError, match="too long"):
        check_point("f" * (LONGEST_POINT + 1))


@given(st.text(st.characters(), max_size=60))
def test_any_text_is_a_point_of_one_printable_word_or_a_typed_error(point: str) -> None:
    try:
        question = Question(point, ("x",))
    except PointError:
        return
    assert question.point.isprintable()
    assert question.point.split() == [point]
    assert not point.startswith(("-", "+", "*", ":"))


def test_a_question_cannot_be_made_with_a_text_that_is_no_point() -> None:
    with pytest.raises(PointError):
        Question("main.write; quit", ("x",))


def test_a_questions_json_says_all_that_was_asked() -> None:
    asked = json.loads(json.dumps(Question("main.write", ("x", "len(s)")).to_json()))
    assert (asked["point"], asked["expressions"]) == ("main.write", ["x", "len(s)"])
    assert (asked["period_ns"], asked["max_pause_ns"], asked["max_suspended"]) == (10**9, 10**9, 0.10)
    assert (asked["duration_ns"], asked["count"]) == (None, None)
