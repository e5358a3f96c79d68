from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.sample import Interval, Value
from sampler.view.statistics import Costs, Distribution, commonest, numbers, quantile, reading, show_value
from tests.unit.recordings import MS, X, miss, recording_of, sample

values = st.lists(st.integers(-(2**64), 2**64), min_size=1, max_size=300)


@given(values, st.sampled_from([(0.5, Fraction(1, 2)), (0.99, Fraction(99, 100))]))
def test_a_quantile_is_the_smallest_value_seen_that_the_share_does_not_exceed(
    found: list[int], share: tuple[float, Fraction]
) -> None:
    ordered = sorted(found)
    value = quantile(ordered, share[0])
    assert sum(other <= value for other in ordered) >= share[1] * len(ordered)
    assert sum(other < value for other in ordered) < share[1] * len(ordered)


@given(values)
def test_the_numbers_of_a_distribution_are_values_that_were_seen_and_in_order(found: list[int]) -> None:
    spread = Distribution.of(found)
    assert spread is not None
    assert {spread.minimum, spread.median, spread.p99, spread.maximum} <= set(found)
    assert min(found) == spread.minimum <= spread.median <= spread.p99 <= spread.maximum == max(found)
    if spread.median_interval is not None:
        assert spread.median_interval[0] <= spread.median <= spread.median_interval[1]


def test_of_nothing_there_is_no_distribution() -> None:
    assert Distribution.of([]) is None


@pytest.mark.parametrize("count", [6, 7, 10, 21, 30, 84, 100, 300])
def test_the_medians_interval_covers_it_with_close_to_95_percent(count: int) -> None:
    spread = Distribution.of(list(range(count)))
    assert spread is not None
    assert spread.median_interval is not None
    low, high = (int(bound) for bound in spread.median_interval)  # a value is its own place here
    chance = Fraction(sum(comb(count, below) for below in range(low + 1, high + 1)), 2**count)
    assert chance > Fraction(945, 1000)  # the approximation is a little short of it now and then


def test_under_six_values_the_median_has_no_interval() -> None:
    spread = Distribution.of([1, 2, 3, 4, 5])
    assert spread is not None
    assert spread.median_interval is None


def test_a_wrapped_difference_counts_by_its_signed_reading() -> None:
    wrapped = sample(1, 2**64 - 1, signed=-1)
    assert reading(wrapped, X) == -1
    assert numbers(recording_of([wrapped, sample(2, 5)]), X) == [-1, 5]


def test_truth_values_are_no_numbers_but_answers_that_are_counted() -> None:
    looks = [sample(1, True), sample(2, 1), sample(3, False), sample(4, True), sample(5, None), sample(6, "a")]
    recording = recording_of(looks)
    assert numbers(recording, X) == [1]
    assert commonest(recording, X)[0] == ("true", 2)
    assert dict(commonest(recording, X, most=9)) == {"true": 2, "false": 1, "nil": 1, "a": 1}


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (None, "nil"), (2**64 - 1, "18446744073709551615"), (3.25, "3.25"), ("a", "a")],
)
def test_a_value_is_shown_as_go_writes_it(value: Value, text: str) -> None:
    assert show_value(value) == text


def test_costs_add_up_over_samples_and_misses() -> None:
    costs = Costs.of(recording_of([sample(1, 5), miss(2)]))
    assert costs is not None
    assert costs.total == Interval(10 * MS, 25 * MS)
    assert costs.share == (10 / 2000, 25 / 2000)
    assert (costs.low.maximum, costs.high.maximum, costs.threads) == (8 * MS, 20 * MS, 6)


def test_the_share_of_a_run_that_goes_on_is_of_the_time_up_to_its_last_look() -> None:
    costs = Costs.of(recording_of([sample(1, 5), sample(4, 5)], ended=None))
    assert costs is not None
    assert costs.share == (16 / 400, 40 / 400)


def test_before_the_first_look_there_is_no_cost() -> None:
    assert Costs.of(recording_of([], ended=None)) is None


def test_the_most_frequent_reason_for_a_miss_comes_first() -> None:
    looks = [miss(1, "unreadable"), miss(2), miss(3), sample(4, 1)]
    assert recording_of(looks).reasons() == [("not-reached", 2), ("unreadable", 1)]
