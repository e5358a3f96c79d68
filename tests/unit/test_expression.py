from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sampler.errors import ExpressionError, PointError
from sampler.expression.syntax import check_expression, is_difference
from sampler.question import check_point

GOOD = """
x|d.writeIndex - d.readIndex|a.b->c[3]|*p|&x|len(s)|string(b[1:4])|(*T)(p).x|(char *)p|(unsigned int)x|uint32(x)
a && b || !c|x == nil|"github.com/a/b".Name|a[:]|a[1:]|-x|^x|a.(*T).b|*(*int)(0xc000)|x & ^y|m["key;"]|1.5e3|'a'|日本.x
"""
BAD = [
    "x\nquit",
    "x; exit",
    "x = 3",
    "f(1,2)",
    "",
    " ",
    "a b",
    "d.",
    "%x d",
    "call f()",
    'x "',
    "a[",
    "x++",
    "d..x",
    "x\x00",
]


@pytest.mark.parametrize("text", re.split(r"[|\n](?![|])(?<!\|\|)", GOOD.strip().replace("a && b || !c|", "")))
def test_an_expression_that_only_reads_is_accepted(text: str) -> None:
    check_expression(text)


def test_conditions_are_accepted() -> None:
    check_expression("a && b || !c")


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        check_expression(text)


@given(st.text(alphabet=st.sampled_from("abx.()[]*&-+;=\n\r\t\x03\"'!<>|%^~:, 017$`\\{}#@"), max_size=14))
@example('"a" ; b')
def test_nothing_that_could_be_a_second_command_is_accepted(text: str) -> None:
    try:
        check_expression(text)
    except ExpressionError:
        return
    assert text.isprintable()
    outside = re.sub(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)+'", "", text)
    assert not re.search(r"[;$`{}#@\\,]|(?<![=!<>])=(?!=)|\+\+ *$", outside)


def test_an_error_points_into_the_text() -> None:
    with pytest.raises(ExpressionError, match="column 2"):
        check_expression("x; exit")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a - b", True), ("(a - b)", True), ("a - b - 1", True), ("a", False), ("-a", False), ("a + b", False)],
)
def test_a_difference_is_told_from_other_expressions(text: str, expected: bool) -> None:
    assert is_difference(text) is expected


@pytest.mark.parametrize(
    "point",
    [
        "main.write",
        "pkg.(*T).Method",
        "(*T).M",
        "file.go:42",
        "/a/b.go:1",
        "0x4a1b2c",
        "pkg.F[...]",
        "a/b.F",
        "main.f.func1",
    ],
)
def test_a_point_is_a_function_a_line_or_an_address(point: str) -> None:
    check_point(point)


@given(st.text(max_size=20))
def test_no_point_holds_a_second_word(point: str) -> None:
    try:
        check_point(point)
    except PointError:
        return
    assert len(point.split()) == 1
    assert point.isprintable()
    assert ";" not in point
