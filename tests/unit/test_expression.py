from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sampler.errors import ExpressionError, PointError
from sampler.expression.syntax import LONGEST_EXPRESSION, check_expression, is_difference
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


STRINGS = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)+'"


def is_one_expression(text: str) -> bool:
    """Whether it is accepted; whatever else is raised than our own error fails the test."""
    try:
        check_expression(text)
    except ExpressionError:
        return False
    return True


def only_reads(text: str) -> bool:
    outside = re.sub(STRINGS, "", text)
    return text.isprintable() and ";" not in outside and not re.search(r"(?<![=!<>])=(?!=)|:=|[<>]{2}=", outside)


@given(st.text(st.characters(), max_size=40))
@example("x\udcff")
@example("x\u2028y")
@example("x\u00a0")
@example("!" * 999 + "a")
@example("&" * 999 + "a")
@example("(" * 51 + "a" + ")" * 51)
@example("a" + "<<a" * 300)
@example("0x")
def test_any_text_is_accepted_or_refused_by_a_typed_error(text: str) -> None:
    assert not is_one_expression(text) or only_reads(text)


@given(st.text(st.sampled_from("ab.=!<>:;\"\\' +-[]()\n\x1b"), max_size=12))
@example("a == b")
@example("a <= b")
@example("a = b")
@example("a := b")
@example("a += b")
@example("a <<= b")
@example("a == b; c")
@example('m["a;b"]')
@example('m["a"];b')
@example('"\\"; b')
@example("a->b = c")
def test_nothing_that_writes_or_ends_a_command_is_accepted(text: str) -> None:
    assert not is_one_expression(text) or only_reads(text)


# What people ask, put together from parts.
names = st.sampled_from(
    ["d", "writeIndex", "x1", "_n", "日本", "t.N", "a->b", 'm["k;="]', "(*T)(p).x", "len(s)", "0x1f", "1.5"]
)
asked = st.recursive(
    names,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", " - ", "*", " / ", " & ", "<<", " == ", " && ", " || "]), inner).map(
            lambda parts: "".join(("(", parts[0], ")", parts[1], "(", parts[2], ")"))
        ),
        st.tuples(st.sampled_from(["-", "!", "*", "&", "^"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
        inner.map(lambda text: f"a[{text}]"),
        inner.map(lambda text: f"uint32({text})"),
    ),
    max_leaves=6,
)


@given(asked)
def test_what_is_put_together_from_reads_is_accepted_and_stays_one_expression(text: str) -> None:
    assert is_one_expression(text)
    assert is_difference(f"({text}) - ({text})")
    assert not is_one_expression(f"{text} = 1")
    assert not is_one_expression(f"{text}; exit")
    assert not is_one_expression(f"{text}\nexit")
    assert not is_one_expression(f"{text} d")


def test_an_expression_is_no_longer_than_the_limit() -> None:
    check_expression("a" * LONGEST_EXPRESSION)
    with pytest.raises(ExpressionError, match="too long"):
        check_expression("a" * (LONGEST_EXPRESSION + 1))


def test_a_control_character_is_named_with_its_column() -> None:
    with pytest.raises(ExpressionError, match=r"column 2") as caught:
        check_expression("x\x1b[2J")
    assert "\x1b" not in str(caught.value)


def test_an_expression_that_ends_too_early_is_told_so() -> None:
    with pytest.raises(ExpressionError, match="ends too early"):
        check_expression("d.writeIndex -")
