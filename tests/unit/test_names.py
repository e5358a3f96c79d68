from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sampler.debuginfo import go_names
from sampler.debuginfo.names import as_written, parsed, without_arguments
from sampler.errors import PointError
from sampler.question import check_point


@pytest.mark.parametrize(
    ("text", "parts", "parameters"),
    [
        ("main", ["main"], None),
        ("a::b<c::d, e>::f", ["a", "b<c::d,e>", "f"], None),
        ("ns::f(int, ns::pair &)", ["ns", "f"], "int,ns::pair&"),
        ("f()", ["f"], ""),
        ("f(void (*)(int))", ["f"], "void(*)(int)"),
        ("(anonymous namespace)::unseen", ["unseen"], None),
        ("ns::(anonymous namespace)::unseen", ["ns", "unseen"], None),
        ("pair::operator==", ["pair", "operator=="], None),
        ("operator<", ["operator<"], None),
        ("operator<< <int>", ["operator<<<int>"], None),
        ("functor::operator()", ["functor", "operator()"], None),
        ("functor::operator()(int)", ["functor", "operator()"], "int"),
        ("pair::operator bool", ["pair", "operatorbool"], None),
        ("p::operator->", ["p", "operator->"], None),
        ("operators::f", ["operators", "f"], None),
        ("std::vector<std::function<void()> >::at", ["std", "vector<std::function<void()>>", "at"], None),
        ("main::points::closures::{closure#0}", ["main", "points", "closures", "{closure#0}"], None),
        ("main::kinds::{impl#3}::speak", ["main", "kinds", "{impl#3}", "speak"], None),
        ("called<fn(i32) -> i32>", ["called<fn(i32)->i32>"], None),
        ("Wrapper<&[u8; 3]>::opened<&str>", ["Wrapper<&[u8;3]>", "opened<&str>"], None),
    ],
)
def test_a_name_is_taken_apart_where_its_scopes_meet(text: str, parts: list[str], parameters: str | None) -> None:
    found = parsed(text)
    assert list(found.parts) == parts
    assert found.parameters == parameters


@pytest.mark.parametrize(
    ("part", "bare"),
    [("biggest<int, 4>", "biggest"), ("get", "get"), ("operator<", "operator<"), ("operator<<", "operator<<"),
     ("operator<=><x>", "operator<=>"), ("operator-><x>", "operator->"), ("<lambda(int)>", "<lambda(int)>")],
)  # fmt: skip
def test_arguments_of_templates_are_left_out_and_operators_stay(part: str, bare: str) -> None:
    assert without_arguments(part) == bare


@pytest.mark.parametrize(
    ("full", "wanted", "answers"),
    [
        ("shop::box<int>::get", "shop::box<int>::get", True),
        ("shop::box<int>::get", "box::get", True),
        ("shop::box<int>::get", "get", True),
        ("shop::box<int>::get", "box<double>::get", False),
        ("shop::box<int>::get", "op::box::get", False),
        ("shop::box<unsigned int>::get", "box<unsignedint>::get", True),
        ("forget", "get", False),
        ("get", "shop::get", False),
    ],
)
def test_a_name_answers_to_its_end_with_or_without_arguments(full: str, wanted: str, answers: bool) -> None:
    assert parsed(full).answers_to(parsed(wanted)) is answers


def test_a_conversion_is_searched_for_as_compilers_write_it() -> None:
    assert as_written("operatorbool") == "operator bool"
    assert as_written("operator==") == "operator=="
    assert as_written("operators") == "operator s"  # which nothing is called


@given(st.text(st.sampled_from("ab:<>(){}[]&*-,= #~operator"), max_size=30))
@example("operator")
@example("::")
@example("a::")
@example("((")
@example("f(")
def test_any_text_is_a_name_of_some_parts_whose_ends_it_answers_to(text: str) -> None:
    found = parsed(text)
    assert "".join(found.parts).replace(" ", "") == "".join(found.parts)
    if all(found.parts):
        assert found.answers_to(parsed(found.last)) or found.last != parsed(found.last).last


@pytest.mark.parametrize(
    "point",
    ["shop::box<int>::get", "shop::pair::operator==", "shop::f(int,unsignedlong)", "main::f::{closure#0}",
     "main::{impl#0}::speak", "ns::operator!", "a::~a"],
)  # fmt: skip
def test_names_of_cpp_and_rust_are_points(point: str) -> None:
    check_point(point)


@pytest.mark.parametrize(
    "point", ["{closure#0} x", "f if x", "f;quit", "<f", "#f", "&f", "f`x`", 'f"x"', "f\\x", "f'x'"]
)
def test_what_is_no_name_in_any_language_is_no_point(point: str) -> None:
    with pytest.raises(PointError):
        check_point(point)


INFO = b"\0\2main.Sum[go.shape.int]\0\2main.Sum[go.shape.float64]\0\2a/b.(*T).Get\0\2c/b.(*T).Get\0\2main.Summary\0"


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("main.Sum", ["main.Sum[go.shape.float64]", "main.Sum[go.shape.int]"]),
        ("main.Sum[...]", ["main.Sum[go.shape.float64]", "main.Sum[go.shape.int]"]),
        ("main.Sum[go.shape.int]", ["main.Sum[go.shape.int]"]),
        ("b.(*T).Get", ["a/b.(*T).Get", "c/b.(*T).Get"]),
        ("a/b.(*T).Get", ["a/b.(*T).Get"]),
        ("(*T).Get", ["a/b.(*T).Get", "c/b.(*T).Get"]),
        ("main.Su", []),
    ],
)
def test_a_name_of_go_stands_for_full_names(name: str, full: list[str]) -> None:
    assert go_names.full_names(name, INFO) == full


def test_a_package_may_be_named_otherwise_than_its_path_ends() -> None:
    info = b"\3a/yaml%2ev3.Node\0\3a/chi/v5.(*Mux).Use\0\3b/yaml.Node\0"
    assert go_names.full_names("a/yaml.v3.Node", info) == ["a/yaml%2ev3.Node"]
    assert go_names.full_names("yaml.Node", info, ["a/yaml.v3.Node"]) == ["a/yaml%2ev3.Node", "b/yaml.Node"]
    assert go_names.full_names("chi.(*Mux).Use", info, ["a/chi/v5.(*Mux).Use"]) == ["a/chi/v5.(*Mux).Use"]
    assert go_names.full_names("chi.(*Mux).Use", info) == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("main.Sum", ""), ("main.Sum[...]", ""), ("main.Sum[int]", "[int]"), ("main.Sum[go.shape.int]", "[int]"),
     ("main.(*box[go.shape.struct { A int16 }]).Get", "[struct{Aint16}]"),
     ("main.F[map[string]int]", "[map[string]int]")],
)  # fmt: skip
def test_type_arguments_are_told_as_the_source_has_them(name: str, arguments: str) -> None:
    assert go_names.arguments(name) == arguments
