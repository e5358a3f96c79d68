"""Every instrument gives the debugger's answer: tests/parity lists what is asked, at which point."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.tracee import ROOT, Tracee
from sampler.errors import ExpressionError, ExpressionRefused
from sampler.planning import plan_question
from sampler.question import Question
from sampler.resolve import resolve
from tests.conftest import Start
from tests.integration.help import answers, assert_as_found, differing, questions

# What the optimising compiler has kept nowhere.
LOST = {"main.arrays": ["len(none)"], "main.many": ["p.B"]}


@pytest.mark.parametrize("program", ["go_types-unoptimised", "go_types"])
@pytest.mark.parametrize("point", questions("go"))
def test_ptrace_gives_the_answers_of_delve(start: Start, program: str, point: str) -> None:
    lost = LOST.get(point, []) if program == "go_types" else []
    asked = [expression for expression in questions("go")[point] if expression not in lost]
    # Delve misreads optimised programs; the values are the same in both.
    expected = answers(start(program="go_types-unoptimised").pid, "dlv", point, asked)
    target = start(program=program)
    assert list(differing(expected, answers(target.pid, "ptrace", point, asked))) == []
    assert_as_found(target.pid)


@pytest.mark.parametrize("program", ["c_types", "c_types-o2", "c_types-dwarf4"])
@pytest.mark.parametrize("point", questions("c"))
def test_ptrace_gives_the_answers_of_gdb(start: Start, program: str, point: str) -> None:
    target = start(program=program)
    expected = answers(target.pid, "gdb", point, questions("c")[point])
    assert list(differing(expected, answers(target.pid, "ptrace", point, questions("c")[point]))) == []
    assert_as_found(target.pid)


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
    "floats": ["f % 2", "f & 1", "~f", "f[1]", "z + 1"],
    "pointers": ["*raw", "to_struct->nosuch", "to_struct + to_struct", "to_struct + 1.5", "to_struct - to_int"],
    "structs": ["small + 1", "small == small", "bits.nosuch", "&bits.three", "(struct nosuch *)by_name"],
}
REFUSED = [
    (program, point, expression)
    for program, refused in (("go_types", REFUSED_IN_GO), ("c_types", REFUSED_IN_C))
    for point, expressions in refused.items()
    for expression in expressions
]


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, Tracee]]:
    names = ("go_types", "c_types")
    with Tracee(program=ROOT / "build" / names[0]) as go, Tracee(program=ROOT / "build" / names[1]) as native:
        yield dict(zip(names, (go, native), strict=True))


@pytest.mark.parametrize(("program", "point", "expression"), REFUSED)
def test_what_cannot_be_answered_is_refused_by_a_typed_error_that_names_it(
    running: dict[str, Tracee], program: str, point: str, expression: str
) -> None:
    target = resolve(running[program].pid)
    with pytest.raises((ExpressionRefused, ExpressionError)) as refusal:
        plan_question(Question(point, (expression,)), target)
    assert refusal.value.why
    assert "\n" not in str(refusal.value)
