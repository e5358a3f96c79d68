"""Program points become the addresses at which debuggers would stop, or an error that says what was meant."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.tracee import ROOT
from sampler.debuginfo.points import Points
from sampler.errors import PointAmbiguous, PointNotFound
from sampler.planning import image_of, load_bias
from sampler.resolve import resolve
from tests.conftest import Start
from tests.images import compiled, located, opened, places
from tests.integration.help import sampler


def pairs(asked: dict[str, Any]) -> list[tuple[str, str]]:
    """Each program with each of its points."""
    return [(program, point) for program, points in asked.items() for point in points]


# What a point names, as the names of the functions that it finds.
NAMED = {
    "go_types": {
        "main.integers": ["main.integers"],
        "main.(*outer).ByPointer": ["main.(*outer).ByPointer"],
        "(*outer).ByPointer": ["main.(*outer).ByPointer"],
        "main.outer.ByValue": ["main.outer.ByValue"],
        "main.closure.func1": ["main.closure.func1"],
        "main.Sum": ["main.Sum[go.shape.float64]", "main.Sum[go.shape.int]"],
        "main.Sum[...]": ["main.Sum[go.shape.float64]", "main.Sum[go.shape.int]"],
        "main.Sum[int]": ["main.Sum[go.shape.int]"],
        "main.Sum[go.shape.int]": ["main.Sum[go.shape.int]"],
        "main.(*box[string]).Get": ["main.(*box[go.shape.string]).Get"],
        "points.go: closure": ["main.closure.func1"],
        "generic.go: sum": ["main.Sum[go.shape.float64]", "main.Sum[go.shape.int]"],
    },
    "c_types": {
        "integers": ["integers"],
        "twice": ["twice"] * 5,
        "places.c: locals": ["locals"],
        "places.c: inlined": ["twice"] * 5,
    },
    "cpp_types": {
        "shop::scalars": ["shop::scalars"],
        "scalars": ["shop::scalars"],
        "unseen": ["(anonymous namespace)::unseen"],
        "only_here": ["only_here"],
        "as_in_c": ["as_in_c"],
        "shop::depth::inner::length": ["shop::depth::inner::length"],
        "inner::length": ["shop::depth::inner::length"],
        "shop::article::article": ["shop::article::article"],
        "shop::article::count": ["shop::article::count"],
        "shop::square::area": ["shop::square::area"],
        "shop::pair::operator+": ["shop::pair::operator+"],
        "pair::operator==": ["shop::pair::operator=="],
        "shop::pair::operator[]": ["shop::pair::operator[]"],
        "shop::pair::operatorbool": ["shop::pair::operator bool"],
        "shop::box<int>::get": ["shop::box<int>::get"],
        "shop::box::get": ["shop::box<int>::get", "shop::box<double>::get"],
        "shop::biggest": ["shop::biggest<int>", "shop::biggest<double, 8>"],
        "shop::biggest<double,8>": ["shop::biggest<double, 8>"],
        "shop::overloaded": ["shop::overloaded"] * 3,
        "shop::overloaded(int)": ["shop::overloaded"],
        "overloaded(double,unsignedint)": ["shop::overloaded"],
        "overloaded(constpair&)": ["shop::overloaded"],
        "shop::twice": ["shop::twice"] * 5,
        "types.h: box": ["shop::box<int>::get", "shop::box<double>::get"],
    },
    "rust_types": {
        "main::scalars::integers": ["main::scalars::integers"],
        "integers": ["main::scalars::integers"],
        "main::keep::Pair::sum": ["main::keep::Pair::sum"],
        "deeper::locals": ["main::points::deeper::locals"],
        "main::points::biggest": [f"main::points::biggest<{kind}>" for kind in ("&str", "f64", "i32")],
        "biggest<f64>": ["main::points::biggest<f64>"],
        "keep::Wrapper::opened": [f"main::keep::Wrapper<{kind}>::opened<{kind}>" for kind in ("&str", "u8")],
        "Wrapper<&str>::opened": ["main::keep::Wrapper<&str>::opened<&str>"],
        "main::points::closures::{closure#0}": ["main::points::closures::{closure#0}"],
        "main::kinds::{impl#0}::speak": ["main::kinds::{impl#0}::speak"],
        "main::points::twice": ["main::points::twice"] * 5,
        "points.rs: moving closure": ["main::points::closures::{closure#1}"],
    },
}  # fmt: skip


@pytest.mark.parametrize(("program", "point"), pairs(NAMED))
def test_a_point_is_every_place_of_the_functions_that_it_names(program: str, point: str) -> None:
    found = places(program, located(point, program))
    assert sorted(place.name for place in found) == sorted(NAMED[program][point])
    assert [place.address for place in found] == sorted({place.address for place in found})


# Forms of one function's name that have to find the same places, whatever DWARF the compiler writes.
@pytest.mark.parametrize("variant", ["c_types-o2", "c_types-dwarf4", "cpp_types-o2", "cpp_types-dwarf4",
                                     "rust_types-o2", "rust_types-dwarf5", "go_types-unoptimised"])  # fmt: skip
def test_functions_are_found_in_optimised_programs_and_in_every_version_of_dwarf(variant: str) -> None:
    named = NAMED[variant.partition("-")[0]]
    for point in (point for point in named if ": " not in point):
        found = {re.sub(r"\(anonymous .*\)|<lambda.*>", "", place.name) for place in places(variant, point)}
        assert found <= {re.sub(r"\(anonymous .*\)", "", name) for name in named[point]}
        assert found, point


AMBIGUOUS = {
    "rust_types": {"locals": ["main::points::locals", "main::points::deeper::locals"]},
    "cpp_types": {"length": ["shop::depth::inner::length", "char_traits"]},
    "go_types": {"(*Mutex).Lock": ["sync.(*Mutex).Lock", "internal/sync.(*Mutex).Lock"]},
}


@pytest.mark.parametrize(("program", "point"), pairs(AMBIGUOUS))
def test_a_name_that_several_scopes_have_is_refused_with_the_candidates(program: str, point: str) -> None:
    with pytest.raises(PointAmbiguous) as refusal:
        places(program, point)
    assert all(candidate in refusal.value.why for candidate in AMBIGUOUS[program][point])
    assert refusal.value.fix


STATIC = "int touch(int); static __attribute__((noinline)) int begin(int n) { return touch(n); }\n"


def test_static_functions_of_one_name_in_several_files_are_told_apart_by_their_lines(tmp_path: Path) -> None:
    program = compiled(
        tmp_path, "twins",
        main_c=STATIC + "int other(int);\nint touch(int n) { return n; }\nint main(void) { return begin(other(1)); }\n",
        other_c=STATIC + "int other(int n) { return begin(n); }\n",
    )  # fmt: skip
    with pytest.raises(PointAmbiguous, match=r"begin\(int\) at main\.c:1, begin\(int\) at other\.c:1"):
        places(program, "begin")
    assert [place.name for place in places(program, "other.c:1")] == ["begin"]


def test_one_inline_function_of_a_header_is_one_point_in_all_units(tmp_path: Path) -> None:
    (tmp_path / "shared.h").write_text("static inline int shared(int n) { return n + 1; }\n")
    include = '#include "shared.h"\n'
    program = compiled(
        tmp_path, "shared",
        main_c=include + "int other(int);\nint main(void) { return shared(other(1)); }\n",
        other_c=include + "int other(int n) { return shared(n); }\n",
    )  # fmt: skip
    assert [place.name for place in places(program, "shared")] == ["shared", "shared"]


MISSPELT = {
    "go_types": {"main.intgers": "main.integers", "main.(*outer).ByPointr": "main.(*outer).ByPointer"},
    "c_types": {"intgers": "integers", "locls": "locals"},
    "cpp_types": {
        "shop::overloded": "shop::overloaded", "biggst": "shop::biggest<int>", "overloaded(char)": "overloaded(int)",
    },
    "rust_types": {"main::scalars::intgers": "main::scalars::integers", "kinds::pointrs": "main::kinds::pointers"},
}  # fmt: skip


@pytest.mark.parametrize(("program", "point"), pairs(MISSPELT))
def test_a_misspelt_name_is_told_what_may_have_been_meant(program: str, point: str) -> None:
    with pytest.raises(PointNotFound, match="did you mean") as refusal:
        places(program, point)
    assert MISSPELT[program][point] in refusal.value.why


def test_type_arguments_that_were_not_compiled_are_told_those_that_were() -> None:
    with pytest.raises(PointNotFound, match=r"main\.Sum\[go\.shape\.int\]"):
        places("go_types", "main.Sum[string]")


# By line.


@pytest.mark.parametrize(("program", "file"), [("c_types", "places.c"), ("cpp_types", "objects.cpp"),
                                               ("rust_types", "points.rs"), ("go_types", "points.go")])  # fmt: skip
def test_a_line_without_code_names_the_nearest_that_has_some(program: str, file: str) -> None:
    with pytest.raises(PointNotFound, match=rf"try {re.escape(file)}:\d+") as refusal:
        places(program, f"{file}:1")
    assert places(program, refusal.value.fix.removeprefix("try "))


def test_a_file_that_the_program_has_not_is_said_so() -> None:
    with pytest.raises(PointNotFound, match=r"there is no file nosuch\.c"):
        places("c_types", "nosuch.c:1")


def test_a_line_of_several_files_of_that_name_is_refused_unless_more_of_the_path_is_given(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part.c").write_text(f"int {folder}(int n) {{ return n + 1; }}\n")
    main = "int one(int), two(int);\nint main(void) { return one(two(1)); }\n"
    program = compiled(tmp_path, "parts", "-g", "one/part.c", "two/part.c", main_c=main)
    with pytest.raises(PointAmbiguous, match=r"/one/part\.c:1, .*/two/part\.c:1"):
        places(program, "part.c:1")
    assert [place.name for place in places(program, "two/part.c:1")] == ["two"]


# By address.


@pytest.mark.parametrize("program", ["c_ring", "c_ring-nopie", "rust_types", "cpp_types-o2", "go_types"])
def test_an_address_of_the_running_program_is_its_function(start: Start, program: str) -> None:
    point = {"c": "ring_write", "rust": "main::scalars::integers", "cpp": "shop::scalars", "go": "main.integers"}
    target = resolve(start(program=program).pid)
    with image_of(target) as image:
        bias = load_bias(target.pid, image)
        assert (bias == 0) == (image.elf["e_type"] == "ET_EXEC")
        (place,) = Points(image, bias).find(point[program.partition("_")[0]])
        (same,) = Points(image, bias).find(f"{place.address + bias:#x}")
    assert (same.address, same.name, same.line) == (place.address, place.name, place.line)


@pytest.mark.parametrize("program", ["c_types-o2", "cpp_types-o2", "rust_types-dwarf5", "go_types"])
def test_an_address_within_an_instruction_is_refused_with_the_nearest(program: str) -> None:
    point = {"c": "integers", "cpp": "shop::scalars", "rust": "main::scalars::integers", "go": "main.integers"}
    (place,) = places(program, point[program.partition("_")[0]])
    with pytest.raises(PointNotFound, match=r"give one of these: 0x"):
        places(program, f"{place.address + 1:#x}")


@pytest.mark.parametrize("address", ["0x0", "0x1", "0xffffffffffffffff"])
def test_an_address_of_no_function_is_refused(address: str) -> None:
    with pytest.raises(PointNotFound, match="no function"):
        places("c_types", address)


# As debuggers have it.

BY_GDB = {
    "c_types": ["integers", "wide", "floats", "structs", "arrays", "locals", "variable_length", "many", "recurses"],
    "cpp_types": ["shop::scalars", "shop::references", "shop::strings", "shop::pair::operator+",
                  "shop::article::count", "shop::square::area", "shop::box<int>::get",
                  "shop::depth::inner::length", "unseen", "only_here", "as_in_c", "shop::overloaded", "shop::throws"],
    "rust_types": ["main::scalars::integers", "main::scalars::texts", "main::scalars::arrays", "main::kinds::structs",
                   "main::kinds::enums", "main::keep::Pair::sum", "main::points::deeper::locals"],
}  # fmt: skip
VARIANTS = {
    "c_types": ("", "-o2", "-dwarf4"),
    "cpp_types": ("", "-o2", "-dwarf4"),
    "rust_types": ("", "-o2", "-dwarf5"),
}


@pytest.mark.parametrize("program", [name + variant for name, made in VARIANTS.items() for variant in made])
def test_a_function_is_asked_where_gdb_would_stop_in_it(program: str) -> None:
    points = BY_GDB[program.partition("-")[0]]
    commands = [word for point in points for word in ("-ex", f"echo @{point}\n", "-ex", f"break {point}",
                                                      "-ex", "info breakpoints", "-ex", "delete")]  # fmt: skip
    done = subprocess.run(
        ["gdb", "-nx", "-batch", "-iex", "set confirm off", *commands, str(ROOT / "build" / program)],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    parts = dict(part.split("\n", 1) for part in done.stdout.split("@")[1:])
    expected = {
        point: {int(address, 16) for address in re.findall(r"0x[0-9a-f]{16}", parts[point])} for point in points
    }
    with opened(program) as image:
        found = {point: {place.address for place in Points(image).find(point)} for point in points}
    assert found == expected


BY_DELVE = ["main.integers", "main.texts", "main.(*outer).ByPointer", "main.outer.ByValue", "main.many", "main.closure",
            "main.closure.func1", "main.locals", "main.twice", "main.Sum", "main.(*box).Get", "main.main"]  # fmt: skip


@pytest.mark.parametrize("program", ["go_types", "go_types-unoptimised"])
def test_a_function_is_asked_where_delve_would_stop_in_it(program: str) -> None:
    commands = "".join(f"break {point}\n" for point in BY_DELVE) + "exit\n"
    done = subprocess.run(
        [ROOT / ".venv/bin/dlv", "exec", "--allow-non-terminal-interactive=true", ROOT / "build" / program],
        input=commands, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    set_at = re.findall(r"Breakpoint \d+ set at (\S+) for", done.stdout)
    assert len(set_at) == len(BY_DELVE), done.stdout + done.stderr
    with opened(program) as image:
        for point, addresses in zip(BY_DELVE, set_at, strict=True):
            found = {place.address for place in Points(image).find(point)}
            assert found == {int(address, 16) for address in addresses.split(",")}, point


# Every inlined instance.

INLINED = {
    "c_types": ("twice", "places.c: inlined"),
    "cpp_types": ("shop::twice", "functions.cpp: inlined"),
    "rust_types": ("main::points::twice", "points.rs: inlined"),
}


@pytest.mark.parametrize("program", INLINED)
def test_each_of_five_inlined_instances_answers_with_its_own_values(start: Start, program: str) -> None:
    target = start(program=program).pid
    addresses = inlined_at(target, located(INLINED[program][1], program))
    answers = {asked_at(target, address, "doubled") for address in addresses}
    assert {20, 22, -20} < answers
    assert answers & {0, 2}  # one is in a loop
    assert len(addresses) == len(answers) == 5


@pytest.mark.parametrize("program", INLINED)
def test_each_of_five_inlined_instances_is_reached_in_an_optimised_program(start: Start, program: str) -> None:
    target = start(program=f"{program}-o2").pid
    addresses = inlined_at(target, INLINED[program][0])
    assert [asked_at(target, address, "1 + 1") for address in addresses] == [2] * 5


def inlined_at(pid: int, point: str) -> list[str]:
    """The addresses of a running program at which an inlined function is asked."""
    target = resolve(pid)
    with image_of(target) as image:
        bias = load_bias(pid, image)
        found = Points(image, bias).find(point)
    assert all(place.inlined for place in found)
    return [f"{place.address + bias:#x}" for place in found]


def asked_at(pid: int, point: str, expression: str) -> object:
    options = ("--count=1", "--instrument=ptrace", f"--at={point}")
    done = sampler("record", *options, str(pid), "--", expression)
    samples = [line for line in map(json.loads, done.stdout.splitlines()) if line["type"] == "sample"]
    assert samples, done.stderr
    return samples[0]["values"][expression]
