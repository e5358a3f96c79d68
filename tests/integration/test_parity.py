"""Every instrument gives the debugger's answer: tests/parity lists what is asked, at which point."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from bench.tracee import ROOT, Tracee
from sampler.errors import ExpressionError, ExpressionRefused
from sampler.planning import plan_question
from sampler.question import Question
from sampler.resolve import resolve
from tests.conftest import Start
from tests.images import located, questions
from tests.integration.help import answers, assert_as_found, differing
from tests.integration.parity import refused_by_perf

# What the optimising compiler has kept nowhere.
LOST = {"main.arrays": ["len(none)"], "main.many": ["p.B"]}


@cache
def expected_of_delve(point: str) -> dict[str, Any]:
    """Delve's answers on the program without optimisation: it misreads optimised ones; the values are the same."""
    with Tracee(program=ROOT / "build" / "go_types-unoptimised") as target:
        return answers(target.pid, "dlv", point, questions("go")[point])


@pytest.mark.parametrize("program", ["go_types-unoptimised", "go_types"])
@pytest.mark.parametrize("point", questions("go"))
def test_the_answers_are_those_of_delve(start: Start, program: str, point: str) -> None:
    lost = LOST.get(point, []) if program == "go_types" else []
    expected = {one: value for one, value in expected_of_delve(point).items() if one not in lost}
    assert_alike(start(program=program).pid, point, expected, reasons_of_perf(program, point))


@cache
def expected_of_gdb(program: str, point: str) -> dict[str, Any]:
    """GDB's answers on the program without optimisation: of an optimised one it takes other lines for a point's."""
    with Tracee(program=ROOT / "build" / program) as target:
        return answers(target.pid, "gdb", located(point, program), questions(program.partition("_")[0])[point])


# That the other versions of DWARF make the same plans is told by tests/unit/test_versions.py.
NATIVE = dict.fromkeys(("c", "cpp", "rust"), ("", "-o2"))


@pytest.mark.parametrize(
    ("language", "variant", "point"),
    [
        (language, variant, point)
        for language, made in NATIVE.items()
        for variant in made
        for point in questions(language)
    ],
)
def test_the_answers_are_those_of_gdb(start: Start, language: str, variant: str, point: str) -> None:
    program = f"{language}_types"
    target, here, expected = start(program=program + variant), located(point, program), expected_of_gdb(program, point)
    refused = reasons_of_perf(program + variant, point)
    if variant:
        expected = {one: value for one, value in expected.items() if one in refused}
    assert_alike(target.pid, here, expected, refused)


def assert_alike(pid: int, point: str, expected: dict[str, Any], refused: dict[str, str]) -> None:
    """By each instrument that reads the question itself; perf is spared what it refuses."""
    assert list(differing(expected, answers(pid, "ptrace", point, list(expected)))) == []
    by_perf = [one for one in expected if not refused[one]]
    found = answers(pid, "perf", point, by_perf)
    assert list(differing({one: expected[one] for one in by_perf}, found)) == []
    assert_as_found(pid)


@cache
def reasons_of_perf(program: str, point: str) -> dict[str, str]:
    """Why perf refuses what can be planned, empty if it does not; what the compiler has kept nowhere is left out."""
    language = program.partition("_")[0]
    with Tracee(program=ROOT / "build" / program) as process:
        here = located(point, f"{language}_types")
        return refused_by_perf(resolve(process.pid), here, questions(language)[point])


# The least share of what ptrace answers that perf answers too; the rest is in vector registers, and long strings.
BY_PERF = {"go": 0.9, "c": 0.9, "cpp": 0.9, "rust": 0.8}


@pytest.mark.parametrize("language", BY_PERF)
def test_most_of_what_is_asked_can_be_answered_by_perf(language: str) -> None:
    program = f"{language}_types" if language == "go" else f"{language}_types-o2"
    found = [why for point in questions(language) for why in reasons_of_perf(program, point).values()]
    assert found.count("") > BY_PERF[language] * len(found)


# The least share of what is asked that is there to be answered in an optimised program.
KEPT = {"c": 0.95, "cpp": 0.9, "rust": 0.75}


@pytest.mark.parametrize("language", KEPT)
def test_most_of_what_is_asked_can_be_answered_in_optimised_programs(language: str) -> None:
    kept = sum(len(reasons_of_perf(f"{language}_types-o2", point)) for point in questions(language))
    assert kept > KEPT[language] * sum(map(len, questions(language).values()))


# What Delve 1.27 answers wrongly, or not at all.
KNOWN = {
    "main.integers": {"^u8": 0, "-i16": -32768},
    "main.interfaces": {"number == nil": False},
    "main.channels": {"function == nil": False},
    "main.(*box[...]).Get": {"b.Count": (1, 2)},
    "main.closure.func1": {"constant": 17, "k.number": -7, "len(k.words)": 3},
    "parcel.Weigh": {"weight == Light": True, "Heavy": 5, "Limit": 40},
    "main.Sum[...]": {"len(values)": (2, 4)},
}


# What GDB has no words for in Rust, or answers by other rules than Rust's.
KNOWN_IN_RUST = {
    "main::scalars::integers": {"-i16": -32768, "u8 + 1": 0, "i8 - 1": 127, "!u8": 0, "i64(u8)": 255},
    "main::scalars::scalars": {
        "f64 as i32": 2147483647, "infinite as i64": -(1 << 63), "infinite as u8": 0, "f32 as u8": 3, "yes as u8": 1,
        "((f64 - f64) / 0.0) as u16": 0, "letter as u32": 97, "turtle as u8": 0x22,
    },
    "main::scalars::texts": {
        "len(ascii)": 5, 'ascii == "ascii"': True, "ascii[1]": 115, "utf8[:4]": "żó", "owned == nil": False,
    },
    "main::scalars::slices": {"len(ints)": 4, "ints[3]": 4, "len(none)": 0, "ints[1:3]": "&[i32] [-2, 3]"},
    "main::kinds::enums": {
        "rectangle.width": 3, "rectangle.Rectangle.height": 4, "circle.0": 1.5, "some.Some.0": 5,
        "colour == Colour::Green": True, "reference.0.b": -2, "failed.Err.0.vec.len": 6,
    },
    "main::points::biggest": {"first < second": (True, False)},
    "main::keep::Wrapper::opened": {"times": (2, 3), "self.count": (6, 7)},
    "main::keep::Wrapper<&str>::opened": {"times": 3, "self.value": "text"},
}  # fmt: skip


@pytest.mark.parametrize("variant", NATIVE["rust"])
@pytest.mark.parametrize("point", KNOWN_IN_RUST)
def test_ptrace_answers_what_gdb_cannot_in_rust(start: Start, point: str, variant: str) -> None:
    found = answers(start(program=f"rust_types{variant}").pid, "ptrace", point, list(KNOWN_IN_RUST[point]))
    for expression, value in KNOWN_IN_RUST[point].items():
        assert found[expression] in (value if isinstance(value, tuple) else (value,))


@pytest.mark.parametrize("point", KNOWN)
def test_ptrace_answers_what_delve_cannot(start: Start, point: str) -> None:
    found = answers(start(program="go_types").pid, "ptrace", point, list(KNOWN[point]))
    for expression, value in KNOWN[point].items():
        assert found[expression] in (value if isinstance(value, tuple) else (value,))


REFUSED_IN_GO = {
    "main.integers": ["i8 + i16", "u8 + 300", "nosuch", "!i8", "i8 && u8", "i8.x", "*i8", "i8[0]", "len(i8)"],
    "main.floats": ["f32 % 2", "f32 + f64", "f64 << 1", "^f64", "yes + no", "f64 == nil"],
    "main.texts": ["ascii + 1", "ascii[1.5]", "touch(ascii)", "ascii.x"],
    "main.slices": ['ints["x"]', "ints == empty", "ints.x", "*ints"],
    "main.structs": ["value.nosuch", "value.Inner.nosuch", "value == value", "pointer.Next.x"],
    "main.pointers": ["toInt + 1", "toInt.x", "*raw", "*address"],
    "main.interfaces": ["number", "number.(int)", "failure.Code", "number + 1"],
    "main.maps": ["three", 'three["one"]', "thousand[5]", "three.x"],
    "main.channels": ["buffered", "buffered[0]", "function(1)"],
}  # fmt: skip
REFUSED_IN_C = {
    "integers": ["nosuch", "*i", "i.x", "i->x", "i[0]", "len(i)", "touch(i)", "i.(int)"],
    "floats": ["f % 2", "f & 1", "~f", "f[1]", "z + 1", "quad", "quad + 1", "&quad == quad"],
    "pointers": ["*raw", "to_struct->nosuch", "to_struct + to_struct", "to_struct + 1.5", "to_struct - to_int"],
    "structs": ["small + 1", "small == small", "bits.nosuch", "&bits.three", "(struct nosuch *)by_name"],
}
REFUSED_IN_CPP = {
    "shop::references": ["number.x", "small + small", "thing.nosuch", "nosuch::thing", "&moved + thing", "*number"],
    "shop::inherited": ["wrapped->nosuch", "gem + gem", "gem->left", "(shop::nosuch *)gem"],
    "shop::pointers": ["member", "list->x"],
    "objects.cpp: discounted": ["discounted(1)", "this->nosuch", "this + this", "count"],
}
REFUSED_IN_RUST = {
    "main::scalars::integers": ["i8 + i16", "u8 + 300", "~i8", "^i8", "u8 && u8", "u8.0", "u8 as nosuch", "yes as u8"],
    "main::scalars::texts": ["owned.nosuch", "ascii.length", "bytes[1.5]", "touch(ascii)", "ascii + 1"],
    "main::kinds::enums": ["some.Nothing", "some.None", "failed.0", "none + 1", "circle == 1", "rectangle.depth"],
    "main::kinds::pointers": ["speaker.speak", "numbers[0]", "raw + 1", "boxed.nosuch"],
}
REFUSED = [
    (program, point, expression)
    for program, refused in (
        ("go_types", REFUSED_IN_GO),
        ("c_types", REFUSED_IN_C),
        ("cpp_types", REFUSED_IN_CPP),
        ("rust_types", REFUSED_IN_RUST),
    )
    for point, expressions in refused.items()
    for expression in expressions
]


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Tracee]]:
    with ExitStack() as stack:
        names = ("go_types", "c_types", "cpp_types", "rust_types")
        yield {name: stack.enter_context(Tracee(program=ROOT / "build" / name)) for name in names}


@pytest.mark.parametrize(("program", "point", "expression"), REFUSED)
def test_what_cannot_be_answered_is_refused_by_a_typed_error_that_names_it(
    running: dict[str, Tracee], program: str, point: str, expression: str
) -> None:
    target = resolve(running[program].pid)
    with pytest.raises((ExpressionRefused, ExpressionError)) as refusal:
        plan_question(Question(located(point, program), (expression,)), target)
    assert refusal.value.why
    assert "\n" not in str(refusal.value)
