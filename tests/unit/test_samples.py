"""Many samples that were taken together: written and read by columns, and shown as what they are."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from sampler.errors import RecordingError
from sampler.recording import Recording, Writer, load, look_from
from sampler.sample import Cost, Event, Interval, Look, Sample, Samples, Value
from sampler.view.lines import Csv, Lines
from sampler.view.live import picture
from sampler.view.plots import draw
from sampler.view.statistics import Costs, commonest, latest_numbers, numbers, show_value
from sampler.view.summary import summary_lines
from tests.unit.recordings import MS, Pages, X, batch, header, miss, recording_of, sample, steps, text_of

HUGE = 2**64 - 1
single_values = st.one_of(
    st.integers(), st.integers(-HUGE, HUGE), st.booleans(), st.none(), st.text(), st.floats(allow_nan=False)
)
one_kind = st.sampled_from([st.integers(-(2**63), 2**63 - 1), st.integers(0, HUGE), st.floats(), st.booleans()])
times = st.integers(0, 2**63 - 1)


@st.composite
def batches(draw: st.DrawFn) -> Samples:
    count = draw(st.integers(1, 8))

    def column(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
        return st.lists(values, min_size=count, max_size=count)

    columns = st.one_of(column(single_values), one_kind.flatmap(column))
    return Samples(
        draw(column(times)),
        draw(st.dictionaries(st.text(min_size=1), columns, min_size=1, max_size=3)),
        Cost(between_ns=Interval(draw(times), 5)),
        draw(st.dictionaries(st.text(min_size=1), column(st.none() | st.integers()), max_size=2)),
        draw(st.integers(0, 10**12)),
        draw(st.frozensets(st.integers(0, count - 1))),
        draw(st.integers(0, 99)),
        draw(st.text()),
    )


def through_json(look: Samples) -> Samples:
    found = look_from(json.loads(json.dumps(look.to_json())))
    assert isinstance(found, Samples)
    return found


def shown(value: Value) -> Value:
    """What JSON has no word for comes back as text."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


# Written and read.


@given(batches())
def test_samples_come_back_as_they_were_each_with_its_own(look: Samples) -> None:
    found = through_json(look)
    assert len(found) == len(look)
    for place in range(len(look)):
        was, is_now = look.sample(place), found.sample(place)
        assert is_now == Sample(was.t_ns, {name: shown(value) for name, value in was.values.items()}, was.cost,
                                was.signed, was.late_ns, was.atomic)  # fmt: skip
        assert list(map(type, is_now.values.values())) == [type(shown(value)) for value in was.values.values()]


@given(batches())
def test_what_was_read_is_written_again_letter_by_letter(look: Samples) -> None:
    assert json.dumps(through_json(look).to_json()) == json.dumps(look.to_json())


@given(batches())
def test_a_field_from_a_later_version_is_passed_over(look: Samples) -> None:
    found = look_from(json.loads(json.dumps(look.to_json() | {"hologram": [1, 2]})))
    assert found.to_json() == look.to_json()


@given(batches())
@example(batch(1, math.nan, math.inf, 1.5))
def test_a_line_is_json_that_any_reader_takes(look: Samples) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    pages = Pages()
    Writer(pages).look(look, 0)
    assert json.loads(pages[0], parse_constant=refuse)["type"] == "samples"


@pytest.mark.parametrize(
    "values",
    [[1, 2], [2**63 - 1, -(2**63)], [2**63, 1], [HUGE, HUGE], [-(2**63) - 1], [1.5, -0.0], [1, 1.0], [1, True],
     [True, False], [None, None], [0, None], ["a", "ż🐢\n\x00"], [5e-324, 1.7e308], [10**30, 1]],
    ids=repr,
)  # fmt: skip
def test_a_column_of_any_kind_keeps_its_values_and_their_types(values: list[Value]) -> None:
    found = list(through_json(batch(1, *values)).values[X])
    assert list(map(repr, found)) == list(map(repr, values))


def test_what_was_not_needed_is_not_written() -> None:
    line = batch(1, 5, 6).to_json()
    assert not {"signed", "torn", "unanswered", "detail"} & set(line)


def test_the_footer_counts_each_sample_and_each_that_had_no_value() -> None:
    pages = Pages()
    writer = Writer(pages)
    writer.look(batch(1, 5, 6, 7, unanswered=2, detail="d is nil"), 3)
    writer.look(sample(2, 5), 0)
    writer.look(miss(3), 0)
    writer.footer("count", 100)
    footer = json.loads(pages[-1])
    assert (footer["samples"], footer["misses"], footer["skipped"]) == (4, 3, 3)


@given(st.lists(batches() | st.just(sample(1, 5)) | st.just(miss(2)), min_size=1, max_size=5))
def test_a_recording_adds_up_to_its_footer(tmp_path_factory: pytest.TempPathFactory, looks: list[Look]) -> None:
    file = tmp_path_factory.mktemp("recording") / "run.jsonl"
    file.write_text("".join(text_of(looks)), encoding="utf-8")
    recording = load(str(file))
    assert recording.footer is not None
    assert recording.sample_count == len(recording.samples) == recording.footer["samples"]
    assert recording.miss_count == recording.footer["misses"]


def test_it_is_of_the_moment_of_its_last_sample() -> None:
    assert batch(1, 5, 6, 7).at_ns == through_json(batch(1, 5, 6, 7)).at_ns == 100 * MS + 2000


def test_a_torn_sample_is_not_of_one_moment_also_counted_from_the_end() -> None:
    look = batch(1, 5, 6, 7, torn=frozenset({0, 2}))
    assert [look.sample(place).atomic for place in (0, 1, 2)] == [False, True, False]
    assert [look.sample(place).atomic for place in (-3, -2, -1)] == [False, True, False]


# What is no recording.

COST = {"suspended_ns": [0, 0]}
GOOD = {"type": "samples", "t_ns": [1, 2], "values": {"x": [5, 6]}, "cost": COST}


def loaded(line: dict[str, Any], tmp_path: Path) -> Recording:
    file = tmp_path / "run.jsonl"
    file.write_text(text_of([], header("x"), ended=None)[0] + json.dumps(line) + "\n")
    return load(str(file))


def test_a_line_with_only_what_it_needs_is_read(tmp_path: Path) -> None:
    assert [one.values["x"] for one in loaded(GOOD, tmp_path).samples] == [5, 6]


@pytest.mark.parametrize(
    "damage",
    [
        {"values": {"x": [5]}},
        {"values": {"x": [5, 6, 7]}},
        {"values": {"x": [5, 6], "y": []}},
        {"t_ns": [1]},
        {"t_ns": [1, 2, 3]},
        {"t_ns": []},
        {"t_ns": [], "values": {"x": []}},
        {"signed": {"x": [None]}},
        {"signed": {"x": [None, 1, 2]}},
    ],
    ids=str,
)
def test_columns_of_unequal_length_are_refused(damage: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="line 2 lacks columns of one length"):
        loaded(GOOD | damage, tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"t_ns": 5},
        {"t_ns": None},
        {"t_ns": "ab"},
        {"t_ns": ["1", "2"]},
        {"t_ns": [1.5, 2.5]},
        {"t_ns": [None, None]},
        {"t_ns": [1, 2**63]},
        {"t_ns": [1, 10**30]},
        {"t_ns": {"1": 2, "2": 3}},
        {"values": None},
        {"values": [5, 6]},
        {"values": "xy"},
        {"values": {"x": 5}},
        {"values": {"x": None}},
        {"values": {"x": "ab"}},
        {"values": {"x": {"1": 2, "2": 3}}},
        {"signed": [1, 2]},
        {"signed": {"x": 5}},
        {"torn": 5},
        {"cost": None},
        {"cost": {}},
        {"cost": {"suspended_ns": [1, 2, 3]}},
    ],
    ids=str,
)
def test_a_damaged_line_is_named_by_its_number(damage: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="line 2"):
        loaded(GOOD | damage, tmp_path)


@pytest.mark.parametrize("lost", ["t_ns", "values", "cost"])
def test_a_line_that_lacks_something_names_it(lost: str, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=f"line 2 lacks '{lost}'"):
        loaded({name: value for name, value in GOOD.items() if name != lost}, tmp_path)


# The numbers.


def test_the_numbers_are_those_of_all_samples_by_their_signed_readings() -> None:
    wrapped = batch(2, HUGE, 3, signed={X: [-1, None]})
    recording = recording_of([sample(1, 1), batch(1, 5, True, None, math.nan, "a", 2.5), miss(1), wrapped])
    assert numbers(recording, X) == [1, 5, 2.5, -1, 3]
    assert [one.values[X] for one in recording.samples] == [1, 5, True, None, "nan", "a", 2.5, HUGE, 3]


def test_of_the_latest_numbers_there_are_as_many_as_asked_for_by_whole_batches() -> None:
    recording = recording_of([batch(1, 1, 2, 3), sample(2, 4), batch(3, 5, 6)])
    assert latest_numbers(recording, X, 2) == [5, 6]
    assert latest_numbers(recording, X, 3) == [4, 5, 6]
    assert latest_numbers(recording, X, 4) == [1, 2, 3, 4, 5, 6]
    assert latest_numbers(recording, X, 99) == numbers(recording, X)


def test_an_expression_that_a_batch_has_not_got_has_no_numbers_there() -> None:
    recording = recording_of([batch(1, 5, name="x"), batch(2, 7)], header("x", X))
    assert (numbers(recording, "x"), numbers(recording, X)) == ([5], [7])


def test_values_that_are_no_numbers_are_counted_each() -> None:
    assert commonest(recording_of([batch(1, "a", "b", "a"), batch(2, None, "a")]), X) == [
        ("a", 3), ("b", 1), ("nil", 1),
    ]  # fmt: skip


def test_what_may_be_of_two_moments_is_counted_however_it_was_taken() -> None:
    torn_alone = Sample(5, {X: 1}, Cost(), atomic=False)
    recording = recording_of([batch(1, 5, 6, 7, torn=frozenset({0, 2})), torn_alone, sample(3, 1), batch(4, 8, 9)])
    assert recording.torn_count == 3


def test_those_without_a_value_are_unreadable_looks() -> None:
    recording = recording_of([batch(1, 5, unanswered=3, detail="d is nil"), miss(2), miss(3, "unreadable")])
    assert recording.reasons() == [("unreadable", 4), ("not-reached", 1)]
    assert recording.miss_count == 5


def test_what_was_taken_together_has_one_cost() -> None:
    costs = Costs.of(recording_of([batch(1, 5, 6, 7), batch(2, 8, 9)]))
    assert costs is not None
    assert (costs.high.count, costs.high.maximum, costs.threads) == (2, 0, 0)
    assert costs.total == Interval(2 * MS, 4 * MS)


# The views.


def in_lines(looks: Sequence[Look | Event], *expressions: str) -> list[str]:
    stream = io.StringIO()
    with Lines(stream) as view:
        for step in steps(text_of(looks, header(*expressions))):
            view.show(*step)
    return stream.getvalue().splitlines()


def in_csv(looks: Sequence[Look], *expressions: str) -> list[dict[str, str]]:
    stream = io.StringIO()
    with Csv(stream) as view:
        for step in steps(text_of(looks, header(*expressions))):
            view.show(*step)
    return list(csv.DictReader(io.StringIO(stream.getvalue())))


def test_many_samples_are_a_line_a_second() -> None:
    lines = in_lines([batch(turn, turn, turn + 1) for turn in range(25)])
    told = [line for line in lines if "samples: " in line]
    assert told == [
        f"    1.000 s  22 samples: {X} 0 to 11, median 5",
        f"    2.000 s  20 samples: {X} 11 to 21, median 16",
    ]


def test_a_line_names_each_expression_and_what_may_be_of_two_moments() -> None:
    both = Samples([10**9, 10**9 + 1], {"x": [1, 3], "y": [True, False]}, Cost(), torn=frozenset({0}))
    (line, *_) = in_lines([both], "x", "y")
    assert line == "    1.000 s  2 samples: x 1 to 3, median 1   y = false   (1 may be of two moments)"


def test_between_batches_a_miss_and_a_single_sample_are_lines_as_ever() -> None:
    lines = in_lines([batch(1, 5), miss(2), sample(3, 7), batch(10, 6)])
    assert "miss: not-reached" in lines[0]
    assert lines[1].startswith(f"    0.300 s  {X} = 7")
    assert lines[2] == f"    1.000 s  3 samples: {X} 5 to 7, median 6"


def test_that_what_is_read_lies_elsewhere_is_a_line() -> None:
    places = [["0x5000", 8]]
    first, again = (Event(5, "anchored", {"again": again, "pieces": places}) for again in (False, True))
    assert in_lines([first, again])[0] == "    0.000 s  what is read lies elsewhere now, by another look at the point"


def test_each_sample_is_a_row_with_its_own_time_and_reading() -> None:
    rows = in_csv([batch(1, 5, HUGE, signed={X: [None, -1]})])
    assert [(row["t_s"], row[X], row[f"signed({X})"], row["miss"]) for row in rows] == [
        ("0.100000", "5", "", ""),
        ("0.100001", str(HUGE), "-1", ""),
    ]


def test_each_that_had_no_value_is_a_row_too() -> None:
    rows = in_csv([batch(1, 5, 6, unanswered=2, detail="d is nil")])
    assert [(row[X], row["miss"]) for row in rows] == [("5", ""), ("6", ""), ("", "unreadable"), ("", "unreadable")]


@given(st.lists(batches().filter(lambda look: X not in look.values), max_size=3), st.integers(1, 5))
def test_there_are_as_many_rows_as_samples_and_misses(looks: list[Look], count: int) -> None:
    found = [batch(1, *range(count), unanswered=count), miss(2), *looks]
    recording = recording_of(found)
    assert len(in_csv(found)) == recording.sample_count + recording.miss_count


def test_the_summary_counts_them_all_and_says_what_may_be_of_two_moments() -> None:
    looks = [*(batch(turn, 1, 2, 3, torn=frozenset({1})) for turn in range(10)), batch(11, 4, unanswered=2)]
    text = "\n".join(summary_lines(recording_of(looks)))
    assert "looks       31 samples, 2 misses (2 unreadable), 10 may be of two moments" in text
    assert "min 1 · p99 4 · max 4" in text
    assert "no look suspended anything" in text
    assert "no threads" in text


def test_who_looks_up_the_addresses_is_told() -> None:
    about = header() | {"instrument": "peek", "tool": {}, "anchored_by": "perf"}
    text = "\n".join(summary_lines(recording_of([batch(1, 5)], about)))
    assert "asked       at main.write, with peek, its addresses looked up by perf" in text


@pytest.mark.parametrize(
    "values", [[1, 2, 3], [True], [None, None], ["a"], [HUGE, 1], [math.nan], [1.5, None, "x"]], ids=str
)
def test_the_picture_on_a_terminal_shows_the_last_of_them(values: list[Value]) -> None:
    stream = io.StringIO()
    Console(file=stream, width=120, height=50).print(picture(recording_of([batch(1, *values)], ended=None), []))
    now = next(line for line in stream.getvalue().splitlines() if line.startswith("now"))
    assert now.split(maxsplit=1)[1].strip() == show_value(shown(values[-1]))
    assert f"{len(values)} samples, 0 misses" in stream.getvalue()


@pytest.mark.parametrize("values", [[1, 2, 3], [True, None], ["a"], [HUGE, 10**20], [math.nan, 1.5]], ids=str)
def test_they_are_drawn(values: list[Value], tmp_path: Path) -> None:
    file = tmp_path / "run.png"
    draw([recording_of([batch(1, *values), miss(2), batch(3, *values, unanswered=2, torn=frozenset({0}))])], str(file))
    assert file.read_bytes().startswith(b"\x89PNG")
