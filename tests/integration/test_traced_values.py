"""bpftrace and BCC give the values that the other instruments give, for whatever is a number."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.tracee import ROOT, Tracee
from sampler.bpf.values import NotExpressible
from sampler.errors import ExpressionRefused
from sampler.question import Question
from sampler.resolve import resolve
from sampler.target import Target
from sampler.tracing import bcc_text, bpftrace_text
from sampler.tracing.questions import task_of
from tests.conftest import Start
from tests.images import located, questions
from tests.integration.help import answers, assert_as_found, differing, sampler, started
from tests.integration.tracing import TOOLS, WITHOUT_BUDGET, Tracing, tracing

_REASON = re.compile(
    "a comparison of strings|a value in a vector register|storage of the thread's own|a list as a whole"
    "|a value of several forms|a value of more than 64 bits|a float under a condition"
)
AT_ONCE = 20

# What is asked at few points takes as long as at many: bpftrace and BCC compile each program for a second.
PROGRAMS = {
    "go_types": ["main.integers", "main.floats", "main.structs"],
    "go_types-pie": ["main.(*outer).ByPointer"],
    "c_types": ["integers", "floats"],
    "c_types-o2": ["enums", "places.c: variable length"],
    "c_types-nopie": ["integers"],
}
EVERY = ["go_types", "go_types-unoptimised", "go_types-pie", "c_types", "c_types-o2", "c_types-nopie"]


def points() -> Iterator[Any]:
    """Few of them here, all with `make torture`."""
    for program in EVERY:
        for point in questions(program.partition("_")[0]):
            few = point in PROGRAMS.get(program, ())
            yield pytest.param(program, point, marks=[] if few else [pytest.mark.torture])


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of our own: bpftrace's probes are in every process of a file, and other tests look at theirs."""
    folder = tmp_path_factory.mktemp("copies")
    for program in EVERY:
        shutil.copy(ROOT / "build" / program, folder)
    return folder


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(("program", "point"), list(points()))
def test_the_values_are_those_of_ptrace(copies: Path, tool: str, program: str, point: str) -> None:
    """Which in turn gives those of the debuggers: test_parity."""
    with Tracee(program=copies / program) as target:
        assert_alike(target, tool, program, point)


def assert_alike(target: Tracee, tool: str, program: str, point: str) -> None:
    here = located(point, program.partition("-")[0])
    able = expressible(program, point)[tool]
    expected = answers(target.pid, "ptrace", here, able) if able else {}
    found = traced(target.pid, tool, here, able)
    assert list(differing(expected, found)) == []
    assert_as_found(target.pid)


@cache
def expressible(program: str, point: str) -> dict[str, list[str]]:
    """What each tool can be asked there; whatever else is refused for a known reason."""
    with Tracee(program=ROOT / "build" / program) as process:
        target = resolve(process.pid)
        here = located(point, program.partition("-")[0])
        asked = questions(program.partition("_")[0])[point]
        return {tool: [one for one in asked if can_ask(target, tool, here, one)] for tool in TOOLS}


def can_ask(target: Target, tool: str, point: str, expression: str) -> bool:
    try:
        task = task_of(Question(point, (expression,)), target)
        if tool == "bcc":
            bcc_text.program(task, None, 0)
        else:
            bpftrace_text.program(task, bpftrace_text.Setting(1, None, 0, {}))
    except (NotExpressible, ExpressionRefused) as refusal:
        if isinstance(refusal, NotExpressible) and not _REASON.search(str(refusal)):
            raise
        return False
    return True


def traced(pid: int, tool: str, point: str, expressions: list[str]) -> dict[str, Any]:
    """The values at the first hit that is met."""
    found: dict[str, Any] = {}
    for begin in range(0, len(expressions), AT_ONCE):
        part = expressions[begin : begin + AT_ONCE]
        options = ("--count=1", f"--instrument={tool}", f"--at={point}", WITHOUT_BUDGET)
        done = sampler("record", *options, str(pid), "--", *part)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        samples = next((line for line in lines if line["type"] == "samples"), None)
        assert samples is not None, f"{tool} at {point}: {done.stderr} {lines[-2:]}"
        found |= {name: column[0] for name, column in samples["values"].items()}
    return found


LEAST = {"go_types": 0.7, "c_types": 0.8, "c_types-o2": 0.75}


@pytest.mark.parametrize("program", LEAST)
def test_most_of_what_is_asked_can_be_asked_of_both(program: str) -> None:
    language = program.partition("_")[0]
    asked = sum(map(len, questions(language).values()))
    for tool in TOOLS:
        able = sum(len(expressible(program, point)[tool]) for point in questions(language))
        assert able > LEAST[program] * asked


# Misses, conditions, sums.

GAP = "r->write_index - r->read_index"


@pytest.mark.parametrize("tool", TOOLS)
def test_what_cannot_be_read_is_a_miss_and_is_counted(moving: Tracee, tool: str) -> None:
    assert moving.ask("drop").endswith("\n")
    options = ("--at=visit", f"--instrument={tool}", WITHOUT_BUDGET, "--duration=1s")
    done = sampler("record", *options, str(moving.pid), "--", "o->number")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    misses = [line for line in lines if line["type"] == "miss"]
    assert done.returncode == 0, done.stderr
    assert misses
    assert {line["reason"] for line in misses} == {"unreadable"}
    assert lines[-1]["misses"] == sum(line.get("count", 1) for line in misses)
    assert lines[-1]["samples"] == 0
    assert_as_found(moving.pid)


@pytest.mark.parametrize("tool", TOOLS)
def test_only_hits_that_meet_the_condition_are_answers(start: Start, tool: str) -> None:
    ring = start("-rate=1000", program="c_ring")
    index = "r->write_index"
    options = ("--at=ring_write", f"--instrument={tool}", f"--when={index} % 10 == 3", "--count=3", WITHOUT_BUDGET)
    done = sampler("record", *options, str(ring.pid), "--", index)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = [value for line in lines if line["type"] == "samples" for value in line["values"][index]]
    assert [value % 10 for value in found] == [3, 3, 3], done.stderr


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("how", ["count", "stats", "hist", "lhist:0,1000000,1000"])
def test_sums_in_the_kernel_are_of_all_hits(start: Start, tool: str, how: str) -> None:
    """Of the numbers of calls, which the program tells: 0, 1, 2 and so on."""
    caller = start(program="go_uprobe")
    assert caller.ask("pause") == '{"ok":"pause"}\n'
    first = caller.report()["calls"]
    with tracing("watch", caller.pid, "number", "--at=main.f", f"--aggregate={how}", tool=tool) as run:
        run.attached()
        assert caller.ask("calls 5000") == '{"ok":"calls"}\n'
        found = run.tally(lambda line: line["cost"]["hits"] >= 5000)
        run.end()
    numbers = range(first, first + 5000)
    match how.partition(":")[0]:
        case "count":
            assert found["counts"] == {"number": 5000}
        case "stats":
            assert found["numbers"]["number"] == {
                "count": 5000, "sum": sum(numbers), "low": numbers[0], "high": numbers[-1],
            }  # fmt: skip
        case _:
            for low, high, count in found["histograms"]["number"]:
                assert count == sum(1 for number in numbers if low <= number and (high is None or number < high))


@pytest.mark.parametrize("tool", TOOLS)
def test_every_hit_is_an_answer_or_is_counted_as_lost(start: Start, tool: str) -> None:
    """At a rate at which there is no room for all of them."""
    calls = 200_000
    caller = start(program="go_uprobe")
    assert caller.ask("pause") == '{"ok":"pause"}\n'
    first = caller.report()["calls"]
    options = ("--format=jsonl", "--at=main.f", f"--instrument={tool}", WITHOUT_BUDGET)
    with started("watch", str(caller.pid), "number", *options) as process:
        run = Tracing(process)
        run.until(lambda line: line.get("event") == "attach")
        assert caller.ask(f"calls {calls}") == '{"ok":"calls"}\n'
        run.until(lambda line: line["type"] == "samples" and line["values"]["number"][0] == first)
        process.send_signal(signal.SIGINT)
        run.until(lambda line: line["type"] == "footer")
        assert process.wait(60) == 0
    seen = [number for line in run.lines if line["type"] == "samples" for number in line["values"]["number"]]
    misses = [line for line in run.lines if line["type"] == "miss"]
    assert {line["reason"] for line in misses} <= {"lost"}
    (detach,) = [line for line in run.lines if line.get("event") == "detach"]
    known = len(seen) + sum(line["count"] for line in misses)
    assert known == calls or (known < calls and "cut_short" in detach and tool == "bpftrace")
    assert seen[0] == first
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_hit_at_which_something_cannot_be_read_is_in_no_sum(moving: Tracee, tool: str) -> None:
    """Neither in that of what can be."""
    assert moving.ask("drop").endswith("\n")
    options = ("--at=visit", "--aggregate=count")
    with tracing("watch", moving.pid, "o == 0", "o->number", *options, tool=tool) as run:
        found = run.tally(lambda line: line.get("unreadable", 0) > 0)
        assert found["counts"] == {"o == 0": 0, "o->number": 0}
        run.end()


def test_a_count_of_answers_is_none_of_sums(start: Start) -> None:
    caller = start("-rate=1", program="go_uprobe")
    done = sampler("watch", str(caller.pid), "number", "--at=main.f", "--with-nothing", "--aggregate=count")
    assert done.returncode == 2
    done = sampler(
        "watch", str(caller.pid), "number", "--at=main.f", "--instrument=bcc", "--aggregate=count", "--count=3"
    )
    assert (done.returncode, "--count is of answers" in done.stderr) == (2, True)
