from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from sampler.commands import VERBS
from sampler.commands.parser import build_parser
from sampler.instruments.base import AUTO, INSTRUMENTS, TRACING
from sampler.linux import procfs
from sampler.view.completion import script
from tests.integration.help import wait_until


def long_options(verb: str) -> set[str]:
    """Those that the help shows."""
    group = next(action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    shown = [action for action in group.choices[verb]._actions if action.help != argparse.SUPPRESS]
    return {option for action in shown for option in action.option_strings if option.startswith("--")}


def completed(*words: str) -> set[str]:
    """What bash offers for the last of the words."""
    ask = (
        f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; _sampler; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    program = script(build_parser(), "bash") + "\n" + ask
    run = subprocess.run(
        ["bash", "--norc", "-c", program], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    assert run.stderr == ""
    return set(run.stdout.split())


def test_the_first_word_is_completed_with_the_verbs() -> None:
    assert completed("sampler", "") == {*VERBS, "--help", "--version"}
    assert completed("sampler", "rep") == {"report"}


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_completed_with_every_option_that_its_help_shows(verb: str) -> None:
    assert completed("sampler", verb, "--") == long_options(verb)


def test_an_option_that_is_hidden_from_the_help_is_not_offered() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "lifeline" not in script(build_parser(), shell)


def test_an_option_with_choices_is_completed_with_them() -> None:
    assert completed("sampler", "watch", "--format", "") == {"table", "jsonl", "csv"}
    assert completed("sampler", "watch", "1", "x", "--instrument", "") == {AUTO, *INSTRUMENTS, *TRACING}


def test_a_target_is_completed_with_the_names_of_running_processes() -> None:
    assert "bash" in completed("sampler", "watch", "bas")


def test_the_name_of_a_process_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("$(>made)", "`>made`", "a b*", "plain-1"):
        os.symlink("/bin/sleep", name)
    with ExitStack() as stack:
        for name in ("$(>made)", "`>made`", "a b*", "plain-1"):
            process = stack.enter_context(subprocess.Popen([f"./{name}", "60"]))
            stack.callback(process.kill)
            wait_until(lambda pid=process.pid, name=name: procfs.stat(pid).name == name, f"{name} runs")
        offered = completed("sampler", "watch", "")
    assert "plain-1" in offered
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["$(>made)", "`>made`", "a b*", "plain-1"])


def test_a_zsh_script_is_the_bash_script_under_its_own_header() -> None:
    bash, zsh = script(build_parser(), "bash"), script(build_parser(), "zsh")
    assert zsh.startswith("#compdef sampler\n")
    assert zsh.endswith(bash)


@pytest.mark.parametrize("verb", VERBS)
def test_a_fish_script_names_every_verb_and_option_on_a_line_of_its_own(verb: str) -> None:
    lines = script(build_parser(), "fish").splitlines()
    assert verb in shlex.split(lines[0])[-1].split()
    mine = [shlex.split(line) for line in lines if f"__fish_seen_subcommand_from {verb}'" in line]
    named = {"--" + words[words.index("-l") + 1] for words in mine if "-l" in words}
    assert named == long_options(verb)


def test_what_a_shell_reads_in_the_scripts_is_balanced_in_its_quotes() -> None:
    for line in script(build_parser(), "fish").splitlines():
        assert shlex.split(line)[:3] == ["complete", "-c", "sampler"]
