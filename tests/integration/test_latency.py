"""From one point to another: each bucket against the program's own times."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import Start
from tests.integration.help import Line, assert_as_found, sampler
from tests.integration.tracing import TOOLS, tracing

REQUESTS = 200
NS_PER_MS = 1_000_000


def buckets(durations_ns: list[int], unit_ns: int) -> dict[int, int]:
    """How many lie in each bucket, by its lower bound."""
    found = Counter[int]()
    for took in durations_ns:
        whole = took // unit_ns
        found[1 << (whole.bit_length() - 1) if whole else 0] += 1
    return dict(found)


def assert_alike(found: list[list[int]], durations_ns: list[int], unit_ns: int) -> None:
    """Each bucket within one of the truth's: the program takes its times right beside the probes, not at them."""
    expected, counted = buckets(durations_ns, unit_ns), {low: count for low, _, count in found}
    for low in expected.keys() | counted.keys():
        assert abs(expected.get(low, 0) - counted.get(low, 0)) <= 1, (expected, counted)


def measured(line: Line) -> int:
    return sum(count for found in line["histograms"].values() for _, _, count in found)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("provider", ["usdt", "guarded"])
def test_between_static_probes(start: Start, tool: str, provider: str) -> None:
    """``guarded`` has semaphores: its probes fire only while somebody listens."""
    requester = start(program="go_usdt")
    points = (f"{provider}:entry", f"{provider}:exit")
    with tracing("latency", requester.pid, *points, "--key=arg0", "--unit=ms", tool=tool) as run:
        run.attached()
        assert requester.ask(f"requests {REQUESTS}") == '{"ok":"requests"}\n'
        found = run.tally(lambda line: measured(line) >= REQUESTS)
        truth = requester.report()
        assert found["counts"] == {points[0]: REQUESTS}
        assert "ends_alone" not in found
        assert_alike(found["histograms"][points[0]], truth["durations_ns"], NS_PER_MS)
        if provider == "guarded":
            assert truth["guarded_enabled"] == {"entry": REQUESTS, "exit": REQUESTS}
        run.end()
    assert requester.ask("requests 10") == '{"ok":"requests"}\n'
    assert requester.report()["guarded_enabled"] == truth["guarded_enabled"]
    assert_as_found(requester.pid)


@pytest.mark.parametrize("tool", TOOLS)
def test_of_a_function_by_its_own_returns(start: Start, tool: str) -> None:
    """By the goroutine, which goes from one thread to another meanwhile."""
    requester = start(program="go_usdt")
    points = ("main.request", "main.request:return")
    with tracing("latency", requester.pid, *points, "--unit=ms", tool=tool) as run:
        run.attached()
        assert requester.ask(f"requests {REQUESTS}") == '{"ok":"requests"}\n'
        found = run.tally(lambda line: measured(line) >= REQUESTS)
        truth = requester.report()
        assert measured(found) == REQUESTS
        assert truth["migrated"] > 0
        assert_alike_but_for_the_edges(found["histograms"][points[0]], truth["durations_ns"])
        run.end()


def assert_alike_but_for_the_edges(found: list[list[int]], durations_ns: list[int]) -> None:
    """The function begins a little earlier than what the program times, and ends a little later."""
    within = {low: count for low, _, count in found}
    shortest = buckets(durations_ns, NS_PER_MS)
    edge = sum(1 for took in durations_ns if _near_the_next(took))
    for low in within.keys() | shortest.keys():
        assert abs(within.get(low, 0) - shortest.get(low, 0)) <= 1 + edge, (within, shortest)


def _near_the_next(took_ns: int) -> bool:
    """Within a tenth below the next bucket."""
    whole = took_ns // NS_PER_MS
    return bool(whole) and took_ns * 10 >= 9 * (NS_PER_MS << whole.bit_length())


# A program that nobody here wrote, with the probes that its authors have built in.

PYTHON = "/usr/bin/python3"
COLLECTOR = """
import gc, sys, time
taken, begun = [], 0
def note(phase, info):
    global begun
    if phase == "start":
        begun = time.monotonic_ns()
    else:
        taken.append(time.monotonic_ns() - begun)
gc.callbacks.append(note)
gc.disable()
kept = [[number] for number in range(200_000)]
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        gc.collect()
    print(taken, flush=True)
"""


@contextmanager
def collector() -> Iterator[subprocess.Popen[str]]:
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([PYTHON, "-c", COLLECTOR], text=True, **streams) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


@pytest.mark.parametrize("tool", TOOLS)
def test_of_a_program_of_somebody_elses_making(tool: str) -> None:
    """Debian's Python tells of its garbage collections by static probes with semaphores."""
    rounds = 50
    with (
        collector() as process,
        tracing("latency", process.pid, "python:gc__start", "python:gc__done", "--unit=ms", tool=tool) as run,
    ):
        run.attached()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{rounds}\n")
        process.stdin.flush()
        taken = json.loads(process.stdout.readline())
        found = run.tally(lambda line: measured(line) >= rounds)
        assert found["counts"] == {"python:gc__start": rounds}
        assert_alike_but_for_the_edges(found["histograms"]["python:gc__start"], taken)
        run.end()
        assert_as_found(process.pid)


def test_starts_without_an_end_and_ends_without_a_start_are_counted(start: Start) -> None:
    requester = start(program="go_usdt")
    with tracing("latency", requester.pid, "usdt:entry", "guarded:exit", "--key=arg0") as run:
        run.attached()
        assert requester.ask("requests 5") == '{"ok":"requests"}\n'
        assert run.tally(lambda line: line["counts"]["usdt:entry"] >= 5)
        run.end()
    with tracing("latency", requester.pid, "main.request:return", "main.request", "--key=goroutine") as run:
        run.attached()
        assert requester.ask("requests 5") == '{"ok":"requests"}\n'
        found = run.tally(lambda line: line["counts"]["main.request:return"] >= 5)
        assert found["ends_alone"] > 0
        run.end()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["usdt:entry", "usdt:exit"], 1, "give --key arg0"),
        (["usdt:entry", "usdt:exit", "--key=goroutine"], 1, "C code is called there"),
        (["usdt:entry", "usdt:exit", "--key=arg7"], 1, "tells no arg7"),
        (["usdt:entry", "usdt:exit", "--key=nonsense"], 2, "is no key"),
        (["main.request", "main.request"], 2, "both the beginning and the end"),
        (["main.request", "main.main:return", "--key=none,thread"], 2, "none stands alone"),
        (["main.request"], 2, "from one point to another"),
    ],
)
def test_what_makes_no_latency_is_refused(start: Start, words: list[str], status: int, said: str) -> None:
    requester = start(program="go_usdt")
    done = sampler("latency", str(requester.pid), *words)
    assert (done.returncode, done.stdout) == (status, ""), done
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
