"""The plugin's command line: kubectl's words, and those of sampler."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sampler.cluster import completion
from sampler.cluster.cli import build_parser, main
from sampler.cluster.options import target_and_rest
from sampler.cluster.verbs import VERBS
from sampler.commands import count, latency
from sampler.commands.options import question_from


def test_o_is_the_format_as_everywhere_in_kubectl_and_save_the_file() -> None:
    parser = build_parser()
    words = ["watch", "deploy/a", "x", "--at", "main.f"]
    for form in (["-o", "csv"], ["-ocsv"], ["--output=csv"], ["--format", "csv"]):
        chosen = parser.parse_args([*words, *form, "--save", "run.jsonl"])
        assert (chosen.format, chosen.output) == ("csv", "run.jsonl")
    assert parser.parse_args(words).format == "table"


def test_a_file_given_as_format_is_told_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "deploy/a", "x", "--at", "main.f", "--output", "run.jsonl"]) == 2
    assert "a file is given by --save FILE" in capsys.readouterr().err


def test_the_question_is_that_of_the_command_line() -> None:
    words = ["watch", "deploy/a", "x", "--at", "main.f", "--rate=10/s", "--max-pause=50ms", "--count=3"]
    question = question_from(build_parser().parse_args(words), "main.f", ["x"])
    assert (question.timing.period_ns, question.timing.count) == (100_000_000, 3)
    assert question.budget.max_pause_ns == 50_000_000


def test_what_is_counted_and_timed_has_the_options_of_the_command_line_and_those_of_pods() -> None:
    told = build_parser().parse_args(
        ["count", "-l", "app=a", "main.f", "main.g", "--duration=2s", "--with=bcc", "-o", "csv"]
    )
    target, points = target_and_rest(told, told.words)
    question = count.question_of(told, points)
    assert (target, question.points, question.timing.duration_ns) == (None, ("main.f", "main.g"), 2 * 10**9)
    assert (told.instrument, told.format) == ("bcc", "csv")
    told = build_parser().parse_args(["latency", "deploy/a", "main.f", "main.f:return", "--key=arg0", "--unit=ms"])
    target, points = target_and_rest(told, told.words)
    timed = latency.question_of(told, points)
    assert (target, timed.entry, timed.exit) == ("deploy/a", "main.f", "main.f:return")
    assert (timed.keys, timed.unit) == (("arg0",), "ms")


def test_an_error_is_one_line_and_a_status(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nowhere/at-all")
    assert main(["watch", "deploy/a", "--at", "main.f"]) == 2
    assert main(["count", "deploy/a"]) == 2
    assert main(["latency", "deploy/a", "main.f"]) == 2
    assert main(["install", "--ttl", "1s"]) == 2
    assert main(["grant"]) == 2
    said = capsys.readouterr().err
    assert [line.startswith("sampler: ") for line in said.splitlines()] == [True] * 5


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PATH: one that knows a few names. What the shell offers is ours alone; of the real one the names are read."""
    program = tmp_path / "kubectl"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *get*deploy*) echo deployment.apps/web;; *namespaces*) echo namespace/apps;; esac\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def offered(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert completion.main(list(words)) == 0
    *found, directive = capsys.readouterr().out.split()
    assert directive in (":0", ":4")
    return found


@pytest.mark.usefixtures("kubectl")
def test_the_shell_is_offered_what_may_stand_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert offered(capsys, "") == list(VERBS)
    assert offered(capsys, "wat") == ["watch"]
    assert offered(capsys, "watch", "") == ["deploy/web"]
    assert offered(capsys, "watch", "-n", "") == ["apps"]
    assert offered(capsys, "watch", "deploy/web", "x", "-o", "j") == ["jsonl"]
    assert "--selector" in offered(capsys, "watch", "--sel")
    assert offered(capsys, "install", "--overlay", "") == ["default", "privileged"]
    assert offered(capsys, "watch", "deploy/web", "x", "--at", "") == []
    assert offered(capsys, "nix", "") == []
