from __future__ import annotations

import os

import pytest

from bench.tracee import Tracee
from sampler.budget import Budget
from sampler.commands import count, latency
from sampler.commands.parser import build_parser
from sampler.commands.targets import labels, only, shared, targets_and_rest
from sampler.errors import NoSuchProcess, SamplerError, UsageError
from sampler.linux import procfs
from sampler.question import Question, Timing


@pytest.mark.parametrize(
    ("words", "targets", "rest"),
    [
        (["tracee", "d.x"], ["tracee"], ["d.x"]),
        (["12", "d.x", "d.y"], ["12"], ["d.x", "d.y"]),
        (["12", "34", "d.x"], ["12", "34"], ["d.x"]),
        (["d.x"], [], ["d.x"]),  # of $PID
        (["12"], ["12"], []),  # nothing is asked
        (["12", "1"], ["12"], ["1"]),  # the last word is what is asked
        (["12", "d.x", "34"], ["12"], ["d.x", "34"]),
    ],
)
def test_leading_numbers_are_processes_and_the_last_word_is_asked(
    words: list[str], targets: list[str], rest: list[str]
) -> None:
    assert targets_and_rest(words, None) == (targets, rest)


def test_all_of_a_name_are_asked_everything_that_is_written(tracee: Tracee) -> None:
    targets, rest = targets_and_rest(["12", "d.x"], "tracee")
    assert str(tracee.pid) in targets
    assert rest == ["12", "d.x"]


def test_a_name_that_nobody_has_and_a_process_named_twice_are_refused() -> None:
    with pytest.raises(NoSuchProcess):
        targets_and_rest(["x"], "no such process")
    for again in ("12", "012"):
        with pytest.raises(UsageError, match="twice"):
            targets_and_rest(["12", again, "x"], None)


def test_what_is_done_with_one_takes_no_two() -> None:
    assert only([]) is None
    assert only(["12"]) == "12"
    with pytest.raises(UsageError):
        only(["12", "34"])


def test_the_budget_of_all_is_divided_and_raises_nobodys_own() -> None:
    question = Question("main.f", ("x",), Timing(), Budget(max_suspended=0.1))
    assert shared(question, None, 3) == question
    assert shared(question, 0.2, 4).budget.max_suspended == pytest.approx(0.05)
    assert shared(question, 0.9, 3).budget.max_suspended == pytest.approx(0.1)


def test_a_target_is_called_by_name_and_number_and_one_that_has_ended_by_its_number() -> None:
    own, gone = os.getpid(), 1 << 22  # PID_MAX_LIMIT: nobody's
    assert labels([own, gone]) == {own: f"{procfs.stat(own).name} ({own})", gone: str(gone)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["count", "12"], "nothing is counted"),
        (["count", "12", "34"], "not a program point"),
        (["count", "12", "34", "f", "f"], "given twice"),
        (["latency", "12", "34", "f"], "from one point to another"),
        (["latency", "12", "34", "f", "f"], "both the beginning and the end"),
        (["latency", "f", "g", "h", "i"], "from one point to another"),
        (["count", "12", "12", "f"], "named twice"),
    ],
)
def test_points_of_several_that_make_no_sense_are_refused(words: list[str], said: str) -> None:
    verb = {"count": count, "latency": latency}[words[0]]
    with pytest.raises(SamplerError, match=said):
        verb.run(build_parser().parse_args(words))
