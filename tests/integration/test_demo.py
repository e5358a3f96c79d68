"""The talk's demonstrations: shown, asked, and the program ended."""

from __future__ import annotations

import re

import pytest

from sampler.linux import procfs
from tests.integration.help import sampler
from tests.integration.tracing import TOOLS


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("uprobe-count", r"calls(\.atomic_increment| = count)", r"counted     [\d,]+ × main\.f"),
        ("usdt-latency", r"bpf_log2l|@latency = hist", r"\[\d+, \d+\)\s+\d+ \|@*"),
        ("diode-gap", r"bpf_log2l|@values0 = hist", r"answer      d\.writeIndex - d\.readIndex"),
    ],
)
def test_a_demonstration_shows_the_program_that_runs_and_what_it_finds(
    name: str, text: str, told: str, tool: str
) -> None:
    done = sampler("demo", name, f"--with={tool}", "--duration=1s")
    assert done.returncode == 0, done.stderr
    assert re.search(text, done.stdout)
    assert re.search(told, done.stdout)
    assert_ended(done.stderr)


def test_the_talks_question_is_asked_by_the_gentlest() -> None:
    done = sampler("demo", "--duration=2s")
    assert (done.returncode, "asked by perf" in done.stdout) == (0, True), done.stderr
    assert_ended(done.stderr)


def assert_ended(said: str) -> None:
    found = re.fullmatch(r"build/\w+ \(PID (\d+)\) has been ended\n", said)
    assert found is not None
    assert procfs.task_state(int(found[1]), None) == ""


def test_what_cannot_be_demonstrated_is_refused() -> None:
    done = sampler("demo", "uprobe-count", "--with=perf")
    assert (done.returncode, done.stdout) == (2, "")
    assert "perf does not meet every hit" in done.stderr
