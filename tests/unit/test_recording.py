from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import BudgetExceeded, RecordingError, SamplerError
from sampler.recording import Recording, Writer, load, look_from, parse
from sampler.sample import Cost, Event, Interval, Miss, Sample, signed_reading

HEADER = {"question": {"expressions": ["x"], "point": "main.f"}, "target": {"pid": 1}, "instrument": "dlv"}
values = st.dictionaries(
    st.text(min_size=1), st.one_of(st.integers(), st.booleans(), st.none(), st.text(), st.floats(allow_nan=False))
)
bounds = st.builds(Interval, st.integers(0, 10**12), st.integers(0, 10**12))
costs = st.builds(Cost, bounds, bounds, st.none() | st.integers(0), st.integers(0, 10**4), st.integers(0, 100))
samples = st.builds(Sample, st.integers(0), values, costs, st.dictionaries(st.text(), st.integers()), st.integers(0))
misses = st.builds(Miss, st.integers(0), st.text(), costs, st.text(), st.integers(0))


@given(samples | misses)
def test_a_look_comes_back_as_it_was(look: Sample | Miss) -> None:
    assert look_from(json.loads(json.dumps(look.to_json()))) == look


class Lines(list[str]):
    def write(self, text: str) -> None:
        self.append(text)


def written() -> Lines:
    lines = Lines()
    writer = Writer(lines)
    writer.header(HEADER)
    writer.event(Event(1, "attach", {"suspended_ns": [1, 2]}))
    writer.look(Sample(5, {"x": 1}, Cost(Interval(3, 9))), 0)
    writer.look(Miss(9, "not-reached", Cost(Interval(1, 2))), 4)
    writer.footer("count", 100)
    return lines


def test_the_footer_holds_the_totals() -> None:
    footer = json.loads(written()[-1])
    assert (footer["samples"], footer["misses"], footer["skipped"]) == (1, 1, 4)
    assert footer["suspended_ns"] == [4, 11]
    assert footer["ended"] == "count"


@given(st.integers(0, 2000))
def test_a_recording_cut_anywhere_is_read_as_far_as_its_lines_are_whole(cut: int) -> None:
    text = "".join(written())[:cut]
    whole = text.count("\n")
    try:
        read = list(parse(text.splitlines(keepends=True)))
    except RecordingError:
        assert text == ""
    else:
        assert len(read) == whole


def test_a_line_of_a_type_that_is_not_known_yet_is_passed_over(tmp_path: Path) -> None:
    lines = written()
    lines.insert(1, '{"type":"hologram"}\n')
    file = tmp_path / "run.jsonl"
    file.write_text("".join(lines))
    recording = load(str(file))
    assert (len(recording.samples), len(recording.misses), len(recording.events)) == (1, 1, 1)


def test_a_damaged_line_is_named_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(written()[0] + '{"type":"sample"}\n')
    with pytest.raises(RecordingError, match="line 2"):
        load(str(file))


def test_an_error_crosses_as_its_own_type() -> None:
    error = SamplerError.from_json(BudgetExceeded("a", "b", "c").to_json())
    assert isinstance(error, BudgetExceeded)
    assert error.exit_status == 3
    assert str(error) == "a: b; c"


def test_an_error_is_one_line_that_steers_no_terminal() -> None:
    assert str(SamplerError("a\nb\x1b[2J")) == "a\\nb\\x1b[2J"


@pytest.mark.parametrize(
    ("value", "bits", "signed"), [(2**64 - 1, 64, -1), (37, 64, None), (255, 8, -1), (True, 8, None), (-1, 8, None)]
)
def test_the_signed_reading_is_of_wrapped_values_only(value: int, bits: int, signed: int | None) -> None:
    assert signed_reading(value, bits) == signed


def test_a_growing_recording_has_no_footer() -> None:
    recording = Recording(json.loads(written()[0]))
    assert recording.footer is None
    assert recording.expressions == ["x"]
