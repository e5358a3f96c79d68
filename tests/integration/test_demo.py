"""The talk, live: each step said, asked and told, and the program ended whatever ends the demonstration."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from sampler.demonstrations import STEPS, load
from sampler.linux import procfs
from tests.integration.help import PATIENCE_S, environment, sampler, started
from tests.integration.test_screen import Screen

QUICK = "--duration=300ms"
_STEPS_WITHIN_S = 200.0
pytestmark = pytest.mark.timeout(240)  # of all steps at once, on a machine that has other work too
#: What a step has asked, and what it says of it.
TOLD = {
    "question": (r"the writer is +-?\d+ ahead", r"The program says itself: [\d,]+ writes"),
    "suspended-execution": (r"requested → stopped +[\d.]+ .s", r"By perf nobody is held; the program says: .+"),
    "low-frequency": (r" 1/s +\d+ .*/s +\S+ %", r"At \d+/s by dlv it wrote \d+ % of what it writes untouched"),
    "better-way": (r"1000/s +\d+ .* %", r"At 1000/s by perf it wrote \d+ % of what it writes untouched"),
    "uprobe": (r"calls\.atomic_increment|= count", r"counted [\d,]+/s.*; the program itself says\s+[\d,]+/s"),
    "usdt": (r"\[\d+, \d+\) +\d+ \|@*", r"The program itself timed [\d,]+"),
    "choose": (r"ptrace 100/s +[\d.]+/s +[\d.]+", r"took most of the program's work: [\d.]+ %"),
}


@pytest.fixture(scope="module")
def shown() -> Iterator[dict[str, tuple[int, str, str]]]:
    """All steps in pipes, at once: what counts is that they tell, not how fast this machine is."""
    with ExitStack() as running:
        processes = {name: running.enter_context(started("demo", name, QUICK)) for name in STEPS}
        yield {name: _ended(process) for name, process in processes.items()}


def _ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    said, complained = process.communicate(timeout=_STEPS_WITHIN_S)
    return process.returncode, said, complained


@pytest.mark.parametrize("name", STEPS)
def test_a_step_says_what_to_look_at_then_asks_then_tells(shown: dict[str, tuple[int, str, str]], name: str) -> None:
    status, said, complained = shown[name]
    assert status == 0, complained
    before, _, after = said.partition("$ build/")
    assert all(words(line) in words(before) for line in load(name).LOOK)
    asked, told = TOLD[name]
    measured, _, seen = after.partition("\nSeen\n")
    assert re.search(asked, measured), said
    assert re.search(told, seen), said
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) < 80
    assert_ended(complained)


def words(text: str) -> str:
    """However the lines are broken."""
    return " ".join(text.split())


def test_the_list_names_each_step_in_a_line() -> None:
    done = sampler("demo", "--list")
    assert done.returncode == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()[: len(STEPS)]] == list(STEPS)
    assert max(map(len, done.stdout.splitlines())) < 80


def test_slides_in_a_pipe_are_plain_and_narrow() -> None:
    done = sampler("demo", "uprobe", "--slides", QUICK)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("U P R O B E\n")
    assert "S E E N" in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 60


class Desk(Screen):
    """A terminal with somebody at its keys."""

    def press_enter(self) -> None:
        os.write(self._master, b"\n")


def test_on_a_terminal_enter_goes_on_and_ctrl_c_ends() -> None:
    screen = Desk(80)
    with screen.run("demo", QUICK) as process:
        screen.read_until("1 of 7: question", "Seen", "[Enter: suspended-execution]")
        screen.press_enter()
        screen.read_until("2 of 7: suspended-execution", "its longest stall")
        process.send_signal(signal.SIGINT)
        screen.read_to_end()
        assert process.wait(PATIENCE_S) == 0
    assert "Traceback" not in screen.text()


def test_slides_on_a_terminal_wait_between_parts_and_begin_anew() -> None:
    screen = Desk(80)
    with screen.run("demo", "question", "--slides", QUICK) as process:
        screen.read_until("T H E   Q U E S T I O N", "[Enter]")
        screen.press_enter()
        screen.read_until("the writer is", "[Enter]")
        assert "Q U E S T I O N" not in screen.text()
        screen.press_enter()
        screen.read_to_end()
        assert process.wait(PATIENCE_S) == 0
    assert "S E E N" in screen.text()


@pytest.mark.parametrize(("name", "sign"), [("question", "the writer is"), ("uprobe", "atomic_increment")])
def test_ctrl_c_in_a_step_ends_it_and_the_program(name: str, sign: str) -> None:
    with started("demo", name, "--duration=1h", env=environment(PYTHONUNBUFFERED="1")) as process:
        assert process.stdout is not None
        read = ""
        while sign not in read:
            line = process.stdout.readline()
            assert line, read
            read += line
        (pid,) = {int(found) for found in re.findall(r"^\$ sampler \S+ (\d+)", read, re.MULTILINE)}
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    assert procfs.task_state(pid, None) == ""


def test_a_tool_that_is_not_there_is_said_in_one_line() -> None:
    done = sampler("demo", "uprobe", "--with=bpftrace", env=environment(PATH="/nowhere"))
    assert (done.returncode, done.stderr.splitlines()[-1].count("sampler: ")) == (1, 1), done.stderr


@pytest.mark.parametrize(
    ("name", "tool", "text", "told"),
    [
        ("uprobe-count", "bpftrace", r"= count", r"counted     [\d,]+ × main\.f"),
        ("usdt-latency", "bcc", r"bpf_log2l", r"\[\d+, \d+\)\s+\d+ \|@*"),
        ("diode-gap", "bpftrace", r"@values0 = hist", r"answer      d\.writeIndex - d\.readIndex"),
    ],
)
def test_a_demonstration_shows_the_program_that_runs_and_what_it_finds(
    name: str, tool: str, text: str, told: str
) -> None:
    done = sampler("demo", name, f"--with={tool}", QUICK)
    assert done.returncode == 0, done.stderr
    assert re.search(text, done.stdout)
    assert re.search(told, done.stdout)
    assert_ended(done.stderr)


def test_the_talks_question_is_asked_by_the_gentlest() -> None:
    done = sampler("demo", "diode-gap", QUICK)
    assert (done.returncode, "asked by perf" in done.stdout) == (0, True), done.stderr
    assert_ended(done.stderr)


def assert_ended(said: str) -> None:
    found = re.fullmatch(r"build/\w+ \(PID (\d+)\) has been ended\n", said)
    assert found is not None, said
    assert procfs.task_state(int(found[1]), None) == ""


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["uprobe-count", "--with=perf"], "perf does not meet every hit"),
        (["usdt", "--with=peek"], "peek does not meet every hit"),
        (["low-frequency", "--with=bcc"], "low-frequency has instruments of its own"),
        (["diode-gap", "--slides"], "diode-gap has no slides"),
    ],
)
def test_what_cannot_be_demonstrated_is_refused(words: list[str], why: str) -> None:
    done = sampler("demo", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
