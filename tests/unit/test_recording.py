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
    st.text(min_size=1),
    st.one_of(st.integers(), st.booleans(), st.none(), st.text(), st.floats(allow_nan=False, allow_infinity=False)),
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


details = st.dictionaries(
    st.text(min_size=1).filter(lambda name: name not in ("type", "t_ns", "event")),
    st.integers() | st.text() | st.booleans() | st.lists(st.integers(0, 10**12), min_size=2, max_size=2),
)
events = st.builds(Event, st.integers(0), st.text(min_size=1), details)


@given(st.lists(st.tuples(samples | misses, st.integers(0, 9)) | events, max_size=12))
def test_a_recording_is_read_as_it_was_written_and_its_footer_adds_it_up(
    tmp_path_factory: pytest.TempPathFactory, happened: list[tuple[Sample | Miss, int] | Event]
) -> None:
    file = tmp_path_factory.mktemp("recording") / "run.jsonl"
    with file.open("w", encoding="utf-8") as stream:
        writer = Writer(stream)
        writer.header(HEADER)
        for one in happened:
            writer.event(one) if isinstance(one, Event) else writer.look(*one)
        writer.footer("count", 100)
    recording = load(str(file))
    looks = [one for one in happened if not isinstance(one, Event)]
    assert recording.looks == [look for look, _ in looks]
    assert recording.events == [one for one in happened if isinstance(one, Event)]
    assert recording.footer is not None
    assert recording.footer["skipped"] == sum(skipped for _, skipped in looks)
    assert recording.footer["suspended_ns"] == sum((look.cost.suspended_ns for look, _ in looks), Interval()).to_json()
    assert (recording.footer["samples"], recording.footer["misses"]) == (len(recording.samples), len(recording.misses))


@given(samples | misses)
def test_a_field_from_a_later_version_is_passed_over(look: Sample | Miss) -> None:
    assert look_from(look.to_json() | {"hologram": [1, 2]}) == look


def test_a_run_that_failed_has_its_error_in_the_footer() -> None:
    lines = Lines()
    Writer(lines).footer("error", 100, BudgetExceeded("a").to_json())
    assert isinstance(SamplerError.from_json(json.loads(lines[0])["error"]), BudgetExceeded)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_leaves_the_line_json_that_any_reader_takes(value: float) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    lines = Lines()
    Writer(lines).look(Sample(5, {"x": value}, Cost()), 0)
    assert json.loads(lines[0], parse_constant=refuse)["type"] == "sample"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("{", "no header yet"),
        ("{\n", "line 1 is not JSON"),
        ("[]\n", "line 1 is not an object"),
        ("{}\n", "not a header"),
        ('{"type":"header","version":2,"question":{}}\n', "version 2 is not known"),
        ('{"type":"sample","t_ns":1}\n', "not a header"),
    ],
)
def test_what_is_no_recording_is_refused_with_what_is_wrong(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(text)
    with pytest.raises(RecordingError, match=said):
        load(str(file))


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"sample"',
        "7",
        '{"type":"sample","t_ns":1,"values":{},"cost":7}',
        '{"type":"sample","t_ns":1,"values":{},"cost":{}}',
        '{"type":"sample","t_ns":1,"values":{},"cost":{"suspended_ns":[1,2,3]}}',
        '{"type":"sample","t_ns":1,"values":{},"cost":[]}',
        '{"type":"miss","t_ns":1,"cost":{"suspended_ns":[1,2]}}',
        '{"type":"event","t_ns":1}',
    ],
)
def test_every_damaged_line_is_named_by_its_number(line: str, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(written()[0] + line + "\n")
    with pytest.raises(RecordingError, match="line 2"):
        load(str(file))


def test_a_file_that_is_not_there_or_no_text_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        load(str(tmp_path / "nowhere"))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    with pytest.raises(RecordingError, match="UTF-8"):
        load(str(tmp_path / "picture.png"))


def test_a_line_is_written_at_once_and_whole() -> None:
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in written())
