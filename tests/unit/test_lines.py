from __future__ import annotations

import csv
import io

import pytest

from sampler.sample import Event, Miss, Sample
from sampler.view import Quiet, choose_view
from sampler.view.lines import Csv, JsonLines, Lines
from tests.unit.recordings import MS, X, header, miss, sample, several, steps, text_of

Look = Sample | Miss | Event


def shown(view: Lines | JsonLines | Csv, stream: io.StringIO, lines: list[str]) -> str:
    with view:
        for step in steps(lines):
            view.show(*step)
            view.tick()
    return stream.getvalue()


def in_lines(looks: list[Look]) -> list[str]:
    stream = io.StringIO()
    return shown(Lines(stream), stream, text_of(looks)).splitlines()


def in_csv(looks: list[Look], *expressions: str) -> list[dict[str, str]]:
    stream = io.StringIO()
    text = shown(Csv(stream), stream, text_of(looks, header(*expressions)))
    return list(csv.DictReader(io.StringIO(text)))


def test_the_recording_in_a_pipe_is_the_recording_byte_for_byte() -> None:
    stream = io.StringIO()
    lines = text_of([Event(1, "attach", {"suspended_ns": [1, 2]}), sample(1, 5), miss(2)])
    assert shown(JsonLines(stream), stream, lines) == "".join(lines)


def test_a_look_is_a_line_with_its_answer_and_its_cost() -> None:
    assert in_lines([sample(1, 5)])[0] == f"    0.100 s  {X} = 5   suspended 8.00–20.0 ms"


def test_a_miss_is_a_line_with_its_reason() -> None:
    first = in_lines([miss(1)])[0]
    assert first == "    0.100 s  miss: not-reached (main.write was not reached within 1 s)   suspended 2.00–5.00 ms"


def test_a_wrapped_difference_is_shown_in_both_readings() -> None:
    assert f"{X} = 18446744073709551615 (signed -1)" in in_lines([sample(1, 2**64 - 1, signed=-1)])[0]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event(0, "attach", {"suspended_ns": [60 * MS, 75 * MS]}), "attached; the target was held 60.0–75.0 ms"),
        (Event(0, "back-off", {"period_ns": 200 * MS}), "back-off: a look every 200 ms"),
        (Event(0, "let-go", {"stops": 850.25, "running": 1}), "let go between looks: 850 signals"),
        (Event(0, "speed-up", {"period_ns": 100 * MS}), "speed-up: a look every 100 ms"),
        (Event(0, "stopped-by-target", {"name": "unrecovered-panic"}), "stopped by itself: unrecovered-panic"),
        (Event(0, "detach", {"rescued": True}), "by force"),
    ],
)
def test_an_event_that_concerns_people_is_a_line(event: Event, said: str) -> None:
    assert said in in_lines([event])[0]


@pytest.mark.parametrize("event", [Event(0, "detach", {"suspended_ns": [1, 2]}), Event(0, "from-the-future")])
def test_any_other_event_is_none(event: Event) -> None:
    assert in_lines([event])[0] == ""  # of the summary


def test_the_summary_follows_the_lines() -> None:
    lines = in_lines([sample(1, 5)])
    assert lines[1] == ""
    assert lines[2].startswith("target ")
    assert lines[-1].startswith("ended ")


def test_a_reader_that_went_away_gets_no_summary() -> None:
    stream = io.StringIO()
    view = Lines(stream)
    for step in steps(text_of([sample(1, 5)])):
        view.show(*step)
    with pytest.raises(BrokenPipeError), view:
        raise BrokenPipeError
    assert len(stream.getvalue().splitlines()) == 1


def test_a_run_that_never_began_has_no_summary() -> None:
    stream = io.StringIO()
    assert shown(Lines(stream), stream, []) == ""


def test_each_look_is_a_row_and_a_miss_has_a_reason_in_place_of_values() -> None:
    rows = in_csv([sample(1, 5), Event(2, "back-off", {"period_ns": 1}), miss(3)])
    assert [(row["t_s"], row[X], row["miss"]) for row in rows] == [
        ("0.100000", "5", ""),
        ("0.300000", "", "not-reached"),
    ]
    assert (rows[0]["suspended_low_us"], rows[0]["suspended_high_us"], rows[0]["wait_us"]) == ("8000", "20000", "3000")


def test_every_row_has_a_cell_for_every_column() -> None:
    rows = in_csv([several(1, {"x": 5, "s": 'a "quoted", one'}), miss(3)], "x", "s")
    assert all(None not in row and None not in row.values() for row in rows)
    assert rows[0]["s"] == 'a "quoted", one'


def test_a_wrapped_difference_has_its_signed_reading_in_a_column_of_its_own() -> None:
    (row,) = in_csv([sample(1, 2**64 - 1, signed=-1)])
    assert (row[X], row[f"signed({X})"]) == ("18446744073709551615", "-1")


@pytest.mark.parametrize(("form", "kind"), [("table", Lines), ("jsonl", JsonLines), ("csv", Csv)])
def test_in_a_pipe_the_form_asked_for_is_chosen(form: str, kind: type[object]) -> None:
    assert type(choose_view(form, False, io.StringIO())) is kind
    assert type(choose_view(form, True, io.StringIO())) is Quiet
