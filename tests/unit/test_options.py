from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sampler.budget import Budget
from sampler.commands import count, latency, record, watch
from sampler.commands.options import LARGEST_COUNT, arguments_from
from sampler.commands.parser import build_parser
from sampler.commands.words import recorder_words
from sampler.errors import UsageError
from sampler.question import MOST_EXPRESSIONS, CountQuestion, LatencyQuestion, Question, Timing
from sampler.units import LONGEST_NS, NS_PER_SECOND

PARSER = build_parser()


def asked(*words: str, verb: str = "watch") -> Question:
    """The question of a command line without its TARGET."""
    expressions = words[words.index("--") + 1 :] if "--" in words else ("x",)
    options = words[: words.index("--")] if "--" in words else words
    arguments = PARSER.parse_args([verb, "--at=main.f", *options, "--", "4242", *expressions])
    return watch.asked(arguments, ["4242"], list(expressions))


def again(question: Question) -> Question:
    """Through the recorder's command line, as a session starts it."""
    words = ["record", *arguments_from(question), "--", "4242", *question.expressions]
    target, found = record.asked(PARSER.parse_args(words))
    assert target == "4242"
    return found


def test_what_is_traced_reaches_the_recorder_as_it_was_asked() -> None:
    pace = Timing(50_000_000, duration_ns=1), Budget(max_suspended=1 / 3)
    counted, timed = CountQuestion(("main.f", "a:b"), *pace), LatencyQuestion("f", "f:return", ("arg0",), "ns", *pace)
    for question in (counted, timed, replace(timed, keys=())):
        told = PARSER.parse_args(recorder_words(question, "bcc", "4242"))
        target, *points = told.words
        assert (target, told.instrument) == ("4242", "bcc")
        assert (count if question is counted else latency).question_of(told, points) == question


# What a person may write.
shares = st.floats(0, 1, exclude_min=True).map(lambda share: f"{share:.25f}").filter(lambda text: float(text) > 0)
percents = st.decimals("0.001", 100, places=3).map(lambda share: f"{share}%")
durations = st.integers(1, LONGEST_NS).map(lambda ns: f"{ns}ns") | st.integers(1, 8000).map(lambda h: f"{h}h")
periods = st.integers(1_000_000, LONGEST_NS).map(lambda ns: f"--every={ns}ns")
rates = st.decimals("0.001", 1000, places=3).map(lambda rate: f"--rate={rate}/s")
paces = periods | rates | st.integers(1, 60_000).map(lambda rate: f"--rate={rate}/m")
options = st.fixed_dictionaries(
    {},
    optional={
        "--jitter": shares | percents | st.just("0"),
        "--window": durations,
        "--max-pause": durations,
        "--max-suspended": shares | percents,
        "--duration": durations,
        "--count": st.integers(1, LARGEST_COUNT).map(str),
    },
).map(lambda chosen: [f"{name}={value}" for name, value in chosen.items()])
expressions = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=MOST_EXPRESSIONS, unique=True)


@given(options, st.none() | paces)
def test_a_question_reaches_the_recorder_as_it_was_asked(chosen: list[str], pace: str | None) -> None:
    question = asked(*chosen, *([pace] if pace else []))
    assert again(question) == question


@pytest.mark.parametrize("option", ["--max-suspended=0.0000000000001", "--jitter=0.0000000000001", "--jitter=33.3%"])
def test_a_share_that_was_accepted_is_accepted_again(option: str) -> None:
    question = asked(option)
    assert again(question) == question


@pytest.mark.parametrize("rate", ["1000/s", "60000/m", "0.0001", "0.001/h", "999.999", "0.3"])
def test_a_rate_that_was_accepted_is_accepted_again_as_a_period(rate: str) -> None:
    question = asked(f"--rate={rate}")
    assert again(question) == question


@given(expressions)
@example(["-x"])
@example(["--count=3"])
@example(["-1", "4242"])
def test_expressions_reach_the_recorder_letter_by_letter(texts: list[str]) -> None:
    question = Question("main.f", tuple(texts))
    if "--" in texts:
        return  # the end of options itself, which no expression is
    assert again(question).expressions == tuple(texts)


@pytest.mark.parametrize("point", ["main.write", "pkg.(*T).Method", "./main.go:49", "0x4a2e0a", "main.F[go.shape.int]"])
def test_a_point_reaches_the_recorder_as_it_was_named(point: str) -> None:
    question = Question(point, ("x",))
    assert again(question) == question


def test_without_options_it_is_a_look_a_second_within_a_tenth_of_the_time() -> None:
    question = asked()
    assert (question.timing.period_ns, question.timing.jitter, question.timing.count) == (NS_PER_SECOND, 0.0, None)
    assert (question.budget.max_pause_ns, question.budget.max_suspended) == (NS_PER_SECOND, 0.10)


def test_a_rate_is_the_period_that_it_makes() -> None:
    assert asked("--rate=10/s") == asked("--every=100ms")


@given(st.text(st.characters(exclude_characters="\x00"), max_size=25))
@example("0000000000019999999999")
@example("1" * 5000)
@example("²")
@example("٣")
@example("0")
@example("-1")
def test_any_count_is_within_its_bounds_or_a_typed_error(text: str) -> None:
    with suppress(UsageError):
        count = asked(f"--count={text}").timing.count
        assert count is not None
        assert 1 <= count <= LARGEST_COUNT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rate=0"], "--rate"),
        (["--rate=1001"], "1000/s"),
        (["--every=999us"], "too often"),
        (["--rate=1", "--every=1s"], "not allowed with"),
        (["--jitter=101%"], "--jitter"),
        (["--max-suspended=0"], "--max-suspended"),
        (["--max-pause=0"], "--max-pause"),
        (["--count=1.5"], "--count"),
        (["--instrument=telepathy"], "--instrument"),
        (["--coun=3"], "unrecognized"),
        (["--", "x", "x"], "twice"),
        (["--", *(f"x{number}" for number in range(MOST_EXPRESSIONS + 1))], "too many"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_and_named(words: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        asked(*words)


def test_as_many_expressions_as_the_limit_are_one_question() -> None:
    texts = [f"x{number}" for number in range(MOST_EXPRESSIONS)]
    assert asked("--", *texts).expressions == tuple(texts)
