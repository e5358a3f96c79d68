"""A function is asked at an instruction that each of its calls comes to, where its parameters can be read."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from bench.tracee import Tracee
from sampler.debuginfo.points import Points
from tests.images import compiled, opened
from tests.integration.help import of_type, recorded

# Small functions that may return at once: their second line is behind a branch when they are optimised.
SOURCE = """
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#define POINT __attribute__((noinline, noclone))
struct big { long numbers[8]; };
volatile uint64_t seen;
POINT void nothing(void) { seen++; }
POINT void perhaps(void) {
    if (seen & 1)
        return;
    seen += 2;
}
POINT void consume(int x) {
    if (x < 8)
        return;
    seen += 3;
}
POINT void drain(volatile uint64_t *p) {
    while (*p) {
        seen++;
        *p -= 1;
    }
}
POINT void take(struct big b) {
    if (b.numbers[0] < 8)
        return;
    seen += b.numbers[7];
}
int main(void) {
    struct pollfd input = {.fd = 0, .events = POLLIN};
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (unsigned calls = 0; calls % 1000 || poll(&input, 1, 0) <= 0; calls++) {
        volatile uint64_t left = calls % 4;
        struct big b = {{calls % 10}};
        nothing();
        perhaps();
        consume(calls % 10);
        drain(&left);
        take(b);
    }
}
"""
POINTS = ["nothing", "perhaps", "consume", "drain", "take"]
LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os", "-Og"]


@pytest.fixture(params=LEVELS)
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return compiled(tmp_path, "program", "-g", request.param, main_c=SOURCE)


def test_each_call_is_asked_and_the_parameters_are_those_of_the_caller(program: Path) -> None:
    expected = {
        ("consume", "x"): set(range(10)),
        ("drain", "*p"): set(range(4)),
        ("take", "b.numbers[0]"): set(range(10)),
    }
    with Tracee(program=program) as target:
        for (point, expression), values in expected.items():
            how = (f"--at={point}", "--instrument=perf", "--rate=1000/s", "--count=200", "--max-suspended=100%")
            samples = of_type(recorded(str(target.pid), expression, *how), "sample")
            found = Counter(sample["values"][expression] for sample in samples)
            assert set(found) == values, (point, found)


def test_it_is_where_gdb_would_stop(program: Path) -> None:
    commands = [word for point in POINTS for word in ("-ex", f"break {point}")]
    done = subprocess.run(["gdb", "-nx", "-batch", *commands, str(program)], capture_output=True, text=True, check=True)
    expected = [int(address, 16) for address in re.findall(r"Breakpoint \d+ at (0x[0-9a-f]+)", done.stdout)]
    with opened(program) as image:
        assert [Points(image).find(point)[0].address for point in POINTS] == expected


@pytest.mark.parametrize("flag", ["-fno-omit-frame-pointer", "-fcf-protection=full", "-fno-var-tracking"])
def test_whatever_it_is_compiled_with_an_optimised_function_is_asked_at_its_first_instruction(
    flag: str, tmp_path: Path
) -> None:
    program = compiled(tmp_path, "program", "-g", "-O2", flag, main_c=SOURCE)
    with opened(program) as image:
        found = {point: Points(image).find(point)[0].address for point in POINTS}
    assert found == beginnings(program, POINTS)


def beginnings(program: Path, functions: list[str]) -> dict[str, int]:
    listing = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
    symbols = [(words[-1], words[0]) for words in map(str.split, listing.splitlines())]
    return {name: int(address, 16) for name, address in symbols if name in functions}


def test_a_function_in_assembler_is_asked_at_its_first_instruction(tmp_path: Path) -> None:
    source = ".globl skips\n.type skips, @function\nskips:\n\tjmp 1f\n\tnop\n1:\tret\n.size skips, .-skips\n"
    (tmp_path / "skips.s").write_text(source)
    subprocess.run(["as", "-g", "skips.s", "-o", "skips.o"], cwd=tmp_path, check=True)
    main = "void skips(void);\nint main(void) { skips(); }\n"
    (tmp_path / "main.c").write_text(main)
    subprocess.run(["gcc", "-g", "-O1", "main.c", "skips.o", "-o", "program"], cwd=tmp_path, check=True)
    with opened(tmp_path / "program") as image:
        found = [place.address for place in Points(image).find("skips")]
    assert found == [beginnings(tmp_path / "program", ["skips"])["skips"]]
