"""Whatever is asked at a place of a real program becomes a plan or a typed error, and a plan an answer or NoAnswer."""

from __future__ import annotations

import errno
import json
import math
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sampler.debuginfo.points import Points
from sampler.debuginfo.scope import Scope
from sampler.errors import ExpressionError, ExpressionRefused
from sampler.expression.compile import Compiled, compile_expression
from sampler.plan import codec, nodes
from sampler.plan.evaluate import Evaluator
from sampler.plan.merge import merge
from sampler.plan.nodes import Base, Kind, Node
from sampler.plan.numbers import NoAnswer
from sampler.plan.steps import Moment
from tests.images import BUILD, located, opened, questions

# Some points of each program, in several ways of compiling it.
POINTS = {
    "go_types": ["main.integers", "main.structs", "main.slices", "main.maps", "main.many", "points.go: closure"],
    "c_types-o2": ["integers", "structs", "arrays", "floats", "places.c: locals", "texts"],
    "cpp_types": ["shop::references", "shop::inherited", "shop::strings", "objects.cpp: discounted"],
    "rust_types": ["main::kinds::enums", "main::scalars::arrays", "main::scalars::texts", "main::kinds::pointers"],
}
REGISTERS = 33  # rax to xmm15 by their DWARF numbers


Asked = tuple[Scope, list[str]]


@pytest.fixture(scope="module")
def asked() -> Iterator[dict[str, list[Asked]]]:
    """By program: the scopes of its points, each with questions that can be asked there."""
    with ExitStack() as stack:
        yield {program: list(all_asked(program, stack)) for program in POINTS}


def all_asked(program: str, stack: ExitStack) -> Iterator[Asked]:
    if not (BUILD / program).exists():
        pytest.skip(f"build/{program} is missing: run `make test`")
    image, name = stack.enter_context(opened(program)), program.partition("-")[0]
    finder = Points(image)
    for point in POINTS[program]:
        scope = Scope(image, finder.find(located(point, name))[0])
        yield scope, [*questions(name.partition("_")[0]).get(point, []), *scope.locals]


def names(known: list[str]) -> list[str]:
    return sorted({name for question in known for name in re.findall(r"[^\W\d][\w:]*", question)})


NUMBERS = ["0", "1", "-1", "7", "0x7fffffffffffffff", "18446744073709551616", "1e308", "0.5", "'a'", '"text"', "3.0"]
BINARY = ["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "&^", "==", "!=", "<", ">=", "&&", "||"]
TYPES = ["int8", "uint64", "float32", "bool", "string", "(char *)", "(unsigned long)", "(void *)", "len", "cap", "u8"]


def expressions(known: list[str]) -> st.SearchStrategy[str]:
    """Put together from what can be asked, without regard to what fits."""
    name = st.sampled_from(names(known))
    leaf = st.one_of(name, st.sampled_from(known), st.sampled_from(NUMBERS),
                     st.sampled_from(["nil", "true", "this", "self", "nosuch"]))  # fmt: skip
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.tuples(inner, st.sampled_from(BINARY), inner).map(" ".join),
            st.tuples(st.sampled_from("-!*&^~+"), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
            st.tuples(inner, name).map(lambda parts: f"({parts[0]}).{parts[1].rpartition(':')[2]}"),
            st.tuples(inner, inner).map(lambda parts: f"({parts[0]})[{parts[1]}]"),
            st.tuples(inner, inner, inner).map(lambda parts: f"({parts[0]})[{parts[1]}:{parts[2]}]"),
            st.tuples(st.sampled_from(TYPES), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
            st.tuples(inner, st.sampled_from(["u8", "i64", "f32", "*const i32", "nosuch"])).map(" as ".join),
        ),
        max_leaves=4,
    )


def mutations(known: list[str]) -> st.SearchStrategy[str]:
    """Valid questions with a few characters or words changed, left out, doubled or put elsewhere."""
    words = st.sampled_from(known).map(lambda text: re.findall(r"\w+|\W", text))
    marks = st.sampled_from([*names(known), *NUMBERS, *BINARY, ".", "->", "[", "]", "(", ")", "*", "&", ":", " as "])
    change = st.tuples(st.integers(0, 30), st.sampled_from(["out", "double", "put", "swap"]), marks)
    return st.tuples(words, st.lists(change, min_size=1, max_size=3)).map(lambda made: mutated(*made))


def mutated(words: list[str], changes: list[tuple[int, str, str]]) -> str:
    words = list(words)
    for place, kind, mark in changes:
        at = place % max(len(words), 1)
        if kind == "out":
            del words[at : at + 1]
        elif kind == "double":
            words[at:at] = words[at : at + 1]
        elif kind == "put":
            words.insert(at, mark)
        else:
            words[at : at + 2] = words[at : at + 2][::-1]
    return "".join(words)


@pytest.mark.parametrize("program", POINTS)
@given(data=st.data())
def test_any_expression_at_any_place_is_a_plan_or_a_typed_error(
    asked: dict[str, list[Asked]], program: str, data: st.DataObject
) -> None:
    scope, known = data.draw(st.sampled_from(asked[program]))
    text = data.draw(expressions(known) | mutations(known))
    found = compiled_or_refused(text, scope)
    if found is not None:
        for seed in range(3):
            assert_answers(found, random.Random(seed))


def compiled_or_refused(text: str, scope: Scope) -> Compiled | None:
    try:
        return compile_expression(text, scope)
    except (ExpressionError, ExpressionRefused) as error:
        told = str(error)
    assert "\n" not in told
    assert told
    return None


def assert_answers(found: Compiled, chance: random.Random) -> None:
    """The plan, merged, kept and read again as a recorder does, gives a value of its sort, or none for a reason."""
    (plan,) = codec.decode(json.loads(json.dumps(codec.encode(tuple(merge([found.plan]))))))
    evaluator = Evaluator([plan])
    moment = Moment(
        registers=tuple(chance.choice([0, 1, chance.getrandbits(64)]) for _ in range(17))
        + tuple(chance.getrandbits(128) for _ in range(REGISTERS - 17)),
        read=lambda address, size: memory(chance, address, size),
        thread_pointer=chance.getrandbits(47),
        bias=chance.getrandbits(47),
    )
    evaluator.gather(moment)
    with suppress(NoAnswer):
        (answer,) = evaluator.answers(moment)
        assert fits(plan, answer), f"{found.text}: {answer!r} of {plan}"
        json.dumps(answer)


def memory(chance: random.Random, address: int, size: int) -> bytes:
    """Whatever may lie there; at times nothing."""
    assert 0 <= size <= 1 << 20
    if address >> 47 or chance.random() < 0.1:
        raise OSError(errno.EFAULT, "Bad address")
    return chance.choice([bytes(size), b"\xff" * size, chance.randbytes(size)])


def fits(plan: Node, answer: Any) -> bool:
    """Whether an answer is of the sort that its node declares."""
    match plan:
        case nodes.Constant():
            return True
        case nodes.Decode(_, kind, bits):
            return of_kind(kind, bits or kind.bits, answer)
        case (
            nodes.Convert(_, kind) | nodes.Negate(_, kind) | nodes.Complement(_, kind) | nodes.Arithmetic(_, _, _, kind)
        ):
            return of_kind(kind, kind.bits, answer)
        case nodes.Compare() | nodes.Not() | nodes.Logic():
            return isinstance(answer, bool)
        case nodes.Address() | nodes.TerminatedText():
            return answer is None or isinstance(answer, str)
        case nodes.Provided(of, _, _):
            return fits(of, answer)
        case nodes.Either(_, then, otherwise):
            return fits(then, answer) or fits(otherwise, answer)
        case nodes.Chosen(_, cases):
            return any(fits(case, answer) for _, case in cases)
    return isinstance(answer, str)


def of_kind(kind: Kind, bits: int, answer: Any) -> bool:
    if kind.base is Base.FLOAT:
        return isinstance(answer, float)
    if kind.base is Base.BOOLEAN:
        return isinstance(answer, bool)
    low = -(1 << bits - 1) if kind.signed else 0
    return isinstance(answer, int) and not isinstance(answer, bool) and low <= answer < low + (1 << bits)


# What is told of a mistake points to it.


@pytest.mark.parametrize(
    ("program", "point", "text", "why", "fix"),
    [
        ("go_types", "main.structs", "pointer.Nxt", r"column 9, Nxt: no such field of main\.outer", "Next?"),
        ("go_types", "main.structs", "1 + pointer.Inner.Nmae", r"column 19, Nmae: no such field of main\.inner", ""),
        ("go_types", "main.integers", "u8 + u161", "column 6, u161: there is no such name", "did you mean u16?"),
        ("go_types", "main.integers", "u8 + 300", "column 6, 300: it does not fit into uint8", ""),
        ("go_types", "main.integers", "i32 + (i8 + i16)", "column 8, i8 \\+ i16: 'i8' is of type int8", "convert one"),
        ("go_types", "main.integers", "i8", "", ""),
        ("c_types-o2", "structs", "by_name->lable", "column 10, lable: no such field of struct outer", "label?"),
        ("c_types-o2", "structs", "small.a + small.c", "column 17, c: no such field of struct pair", "it has a, b"),
        ("cpp_types", "shop::inherited", "thing.prise", r"column 7, prise: no such field of shop::article", "price?"),
        ("rust_types", "main::kinds::structs", "item.wieght", "column 6, wieght: no such field of main::", "weight?"),
        ("rust_types", "main::kinds::enums", "some.Nothing", "column 6, Nothing: .* has no such form", "None, Some"),
        ("go_types", "main.integers", "i8 +", "it ends too early", "complete it"),
        ("go_types", "main.integers", "i8 $ 2", r"column 4: unexpected '\$ 2'", ""),
    ],
)  # fmt: skip
def test_an_error_says_in_which_column_and_what_may_have_been_meant(
    program: str, point: str, text: str, why: str, fix: str
) -> None:
    with opened(program) as image:
        scope = Scope(image, Points(image).find(point)[0])
        if not why:
            compile_expression(text, scope)
            return
        with pytest.raises((ExpressionError, ExpressionRefused)) as refusal:
            compile_expression(text, scope)
    assert re.search(why, refusal.value.why)
    assert fix in refusal.value.fix
    assert repr(text) in refusal.value.what


def test_the_talks_misspelt_field_is_pointed_to() -> None:
    with opened("tracee-noinline") as image:
        scope = Scope(image, Points(image).find("main.write")[0])
        with pytest.raises(ExpressionRefused) as refusal:
            compile_expression("d.writeIdx - d.readIndex", scope)
    assert str(refusal.value) == (
        "'d.writeIdx - d.readIndex' cannot be answered: column 3, writeIdx: no such field of"
        " code.cloudfoundry.org/go-diodes.OneToOne; did you mean writeIndex?"
    )


@given(st.floats(), st.integers(1, 80))
@example(math.nan, 32)
@example(math.inf, 64)
@example(-1e300, 8)
def test_a_float_as_an_integer_is_one_of_its_width_or_none(value: float, bits: int) -> None:
    from sampler.plan.numbers import convert

    kind = Kind(Base.INTEGER, -(-bits // 8), signed=True)
    try:
        assert of_kind(kind, kind.bits, convert(value, kind))
    except NoAnswer:
        assert not math.isfinite(value)
