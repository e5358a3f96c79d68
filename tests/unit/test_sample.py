from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.sample import Cost, Event, Interval, Sample, marks_since, signed_reading

numbers = st.integers(0, 10**15)
intervals = st.builds(Interval, numbers, numbers)
marks = st.lists(st.tuples(st.text(), numbers)).map(tuple)


@given(intervals, intervals)
def test_bounds_add_up_each_with_its_like(one: Interval, other: Interval) -> None:
    assert one + other == Interval(one.low + other.low, one.high + other.high)
    assert one + Interval() == one


@given(
    st.builds(Cost, intervals, intervals, st.none() | numbers, st.integers(0, 999), st.integers(0, 999), marks=marks)
)
def test_a_cost_comes_back_as_it_was(cost: Cost) -> None:
    assert Cost.from_json(json.loads(json.dumps(cost.to_json()))) == cost


def test_a_cost_written_by_an_earlier_version_lacks_what_was_not_measured() -> None:
    assert Cost.from_json({"suspended_ns": [3, 9]}) == Cost(Interval(3, 9))


def test_marks_are_pairs_in_time_order_and_absent_where_there_are_none() -> None:
    cost = Cost(marks=marks_since(100, [("stopped", 107), ("requested", 103), ("set", 107)]))
    assert cost.to_json()["marks"] == [["requested", 3], ["stopped", 7], ["set", 7]]
    assert "marks" not in Cost().to_json()


def test_a_sample_in_which_nothing_wrapped_has_no_second_readings() -> None:
    assert "signed" not in Sample(1, {"x": 2}, Cost()).to_json()


def test_an_events_detail_is_laid_beside_its_name() -> None:
    line = Event(7, "back-off", {"period_ns": 5}).to_json()
    assert line == {"type": "event", "t_ns": 7, "event": "back-off", "period_ns": 5}


@given(st.sampled_from([8, 16, 32, 64]), st.data())
def test_a_small_negative_difference_is_read_back_from_its_wrapped_form(bits: int, data: st.DataObject) -> None:
    difference = data.draw(st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    wrapped = difference % (1 << bits)
    assert signed_reading(wrapped, bits) == (difference if difference < 0 else None)


@pytest.mark.parametrize("value", [None, True, "255", 200.0, 256, -1])
def test_what_is_no_number_of_that_width_has_no_signed_reading(value: bool | str | float | None) -> None:
    assert signed_reading(value, 8) is None
