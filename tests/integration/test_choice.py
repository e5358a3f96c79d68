"""Who asks where nobody was named: the gentlest that can, and it is told why no gentler one could."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Start
from tests.images import located
from tests.integration.help import Line, assert_as_found, environment, sampler

GAP = "r->write_index - r->read_index"


class Asked:
    """A run to its end by whoever is chosen; in ``header`` is what it told of that."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.done = done
        lines: list[Line] = [json.loads(line) for line in done.stdout.splitlines()]
        self.footer = lines[-1]
        self.header = lines[0] if lines[0]["type"] == "header" else {}
        self.values = [line["values"] for line in lines if line["type"] == "sample"]

    @property
    def passed_over(self) -> dict[str, str]:
        found: dict[str, str] = self.header["passed_over"]
        return found


def asked(pid: int, point: str, expression: str, *options: str, **changes: str) -> Asked:
    patient = ("--count=1", "--window=10s", "--max-pause=10s", "--max-suspended=100%")
    words = ("record", f"--at={point}", *patient, *options, str(pid), "--", expression)
    return Asked(sampler(*words, env=environment(**changes)))


class Watched:
    """A program in the place of a debugger, that notes down that it was started."""

    def __init__(self, folder: Path) -> None:
        self.program, self._note = folder / "debugger", folder / "started"
        self.program.write_text(f"#!/bin/sh\n/bin/touch {self._note}\n")
        self.program.chmod(0o755)

    @property
    def was_started(self) -> bool:
        return self._note.exists()

    @property
    def variables(self) -> dict[str, str]:
        return {"SAMPLER_DLV": str(self.program), "SAMPLER_GDB": str(self.program)}


# Program, point, what is asked; who asks, the value, and what is said of each that was passed over.
CHOSEN = {
    "a plain question": ("c_ring", "ring_write", "r == 0", "perf", False, {}),
    "a plain question in Go": ("go_types", "main.maps", "len(three)", "perf", 3, {}),
    "a value in a vector register": (
        "c_types-o2", "floats", "d / 2", "ptrace", 1.7976931348623157e308 / 2, {"perf": "a vector register"},
    ),
    "five addresses": ("c_types", "places.c: inlined", "keep.size", "ptrace", 4, {"perf": "4 breakpoints"}),
    "an entry of a map": (
        "go_types", "main.maps", 'three["one"]', "dlv", 1, {"perf": "a map's entries", "ptrace": "a map's entries"},
    ),
    "a format that is not read": (
        "c_types", "floats", "quad", "gdb", 1.5, {"perf": "_Float128", "ptrace": "_Float128"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHOSEN)
def test_the_gentlest_that_can_answer_asks_and_says_why_no_gentler_one(start: Start, what: str) -> None:
    program, point, expression, instrument, value, reasons = CHOSEN[what]
    target = start(program=program)
    found = asked(target.pid, located(point, program.partition("-")[0]), expression)
    assert (found.header["instrument"], found.values) == (instrument, [{expression: value}]), found.done.stderr
    assert set(found.passed_over) == set(reasons)
    assert all(reason in found.passed_over[name] for name, reason in reasons.items())
    assert_as_found(target.pid)


@pytest.mark.parametrize(
    ("program", "point", "expression"), [("go_types", "main.maps", "len(three)"), ("c_ring", "ring_write", GAP)]
)
def test_for_what_is_compiled_no_debugger_is_started(
    start: Start, tmp_path: Path, program: str, point: str, expression: str
) -> None:
    debugger = Watched(tmp_path)
    found = asked(start(program=program).pid, point, expression, **debugger.variables)
    assert found.header["instrument"] == "perf"
    assert not debugger.was_started


def test_one_that_was_named_is_not_said_to_be_chosen(start: Start) -> None:
    ring = start(program="c_ring")
    found = asked(ring.pid, "ring_write", GAP, "--instrument=ptrace")
    assert found.header["instrument"] == "ptrace"
    assert "passed_over" not in found.header


# Nobody can.


@pytest.mark.parametrize(
    ("program", "point", "expression", "said"),
    [
        ("go_types", "main.maps", "thre", "no such name"),
        ("go_types", "main.maps", 'thre["one"]', "no such name"),
        ("go_types", "main.maps", "byPair + nosuch", "no such name"),
        ("go_types", "main.map", "three", "no function"),
        ("c_types", "integers", "keep.hed", "hed"),
        ("c_types", "floats", "quads", "no such name"),
        ("c_types", "integer", "i", "no function"),
    ],
)
def test_a_misspelt_name_is_told_at_once_and_no_debugger_is_started(
    start: Start, tmp_path: Path, program: str, point: str, expression: str, said: str
) -> None:
    debugger = Watched(tmp_path)
    target = start(program=program)
    found = asked(target.pid, point, expression, **debugger.variables)
    assert found.done.returncode == 1
    assert not found.header
    assert said in found.done.stderr
    assert not debugger.was_started
    assert_as_found(target.pid)


@pytest.mark.parametrize(
    ("program", "point", "expression", "when", "said"),
    [
        ("c_types-o2", "floats", "d", "f > 0", "a vector register"),
        ("c_types", "places.c: inlined", "keep.size", "keep.size > 0", "4 breakpoints"),
        ("go_types", "main.maps", 'three["one"]', "len(three) > 0", "a map's entries"),
        ("go_types", "main.maps", "len(three)", 'three["one"] > 0', "a map's entries"),
    ],
)
def test_a_condition_that_perf_cannot_look_at_is_refused_with_its_reason(
    start: Start, program: str, point: str, expression: str, when: str, said: str
) -> None:
    target = start(program=program)
    found = asked(target.pid, located(point, program.partition("-")[0]), expression, f"--when={when}")
    assert found.done.returncode == 1
    assert not found.header
    assert said in found.footer["error"]["why"]
    assert_as_found(target.pid)


@pytest.mark.parametrize(
    ("when", "status", "said"),
    [
        ("nosuch > 0", 1, "no such name"),
        ("three", 1, "'three' cannot be answered"),
        ("n ==", 2, "is not an expression"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_and_named(start: Start, when: str, status: int, said: str) -> None:
    found = asked(start(program="go_types").pid, "main.maps", "len(three)", f"--when={when}")
    assert (found.done.returncode, not found.header) == (status, True)
    assert said in found.done.stderr
    assert when in found.done.stderr


def test_a_condition_that_perf_can_look_at_is_perfs(start: Start) -> None:
    found = asked(start(program="go_types").pid, "main.maps", "len(three)", "--when=len(three) > 0")
    assert (found.header["instrument"], found.values) == ("perf", [{"len(three)": 3}])


def test_a_program_that_is_stripped_is_refused_as_such(start: Start) -> None:
    target = start(program="stripped")
    found = asked(target.pid, "main.write", "d")
    assert (found.done.returncode, found.footer["error"]["kind"]) == (1, "NoDebugInfo")
    assert "stripped" in found.footer["error"]["what"]
    assert_as_found(target.pid)


@pytest.mark.parametrize(
    ("program", "point", "expression", "debugger", "reason"),
    [
        ("go_types", "main.maps", 'three["one"]', "Delve", "a map's entries"),
        ("c_types", "floats", "quad", "GDB", "_Float128"),
    ],
)
def test_what_only_a_debugger_could_answer_that_is_not_there_is_told_both(
    start: Start, tmp_path: Path, program: str, point: str, expression: str, debugger: str, reason: str
) -> None:
    target, other = start(program=program), Watched(tmp_path)
    found = asked(target.pid, point, expression, **other.variables)
    assert other.was_started
    assert (found.done.returncode, found.footer["error"]["kind"]) == (1, "DebuggerMissing")
    assert reason in found.footer["error"]["why"]
    assert f"{other.program} is not {debugger}" in found.footer["error"]["why"]
    assert "set $SAMPLER_" in found.footer["error"]["fix"]
    assert_as_found(target.pid)


# What people see.

TOLD = {
    "perf": ("c_ring", "ring_write", GAP, ""),
    "ptrace": ("c_types", "places.c: inlined", "keep.size", "; not perf: perf cannot ask at places.c:"),
    "dlv": (
        "go_types",
        "main.maps",
        'three["one"]',
        "; not perf or ptrace: 'three[\"one\"]' cannot be answered",
    ),
}


@pytest.mark.parametrize("instrument", TOLD)
def test_the_first_line_for_people_says_who_asks_and_why_no_gentler_one(start: Start, instrument: str) -> None:
    program, point, expression, reasons = TOLD[instrument]
    words = ("watch", f"--at={located(point, program)}", "--count=1", "--max-pause=10s", "--max-suspended=100%")
    done = sampler(*words, str(start(program=program).pid), "--", expression)
    first, attached, *_ = done.stdout.splitlines()
    assert f"s  asked by {instrument}, the gentlest that can answer here{reasons}" in first
    assert first.endswith("here") == (not reasons)
    assert "attached" in attached


def test_where_one_was_named_nothing_is_said_of_others(start: Start) -> None:
    words = ("watch", "--at=ring_write", "--count=1", "--instrument=ptrace")
    done = sampler(*words, str(start(program="c_ring").pid), GAP)
    assert "gentlest" not in done.stdout
    assert "asked       at ring_write, with ptrace" in done.stdout
