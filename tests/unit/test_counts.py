"""Distributions of weighted values, and how far they are apart."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.compare.agreement import Agreement
from sampler.compare.counts import (
    Spread,
    coarse,
    distance,
    in_buckets,
    merged,
    quantile,
    rebucketed,
)

COUNTS = st.dictionaries(st.integers(-50, 50), st.integers(1, 20), min_size=1)


def test_a_quantile_is_a_value_that_was_seen() -> None:
    assert [quantile({1: 5, 2: 4, 9: 1}, share) for share in (0.05, 0.5, 0.51, 0.9, 1)] == [1, 1, 2, 2, 9]


def test_a_spread_weighs_each_value() -> None:
    spread = Spread.of({0: 3, 10: 1, "text": 9, True: 0})
    assert spread is not None
    assert (spread.weight, spread.minimum, spread.maximum, spread.mean, spread.median) == (4, 0, 10, 2.5, 0)


def test_there_is_no_spread_of_texts() -> None:
    assert Spread.of({"a": 1}) is None
    assert Spread.of({}) is None


@given(COUNTS, COUNTS)
def test_a_distance_is_symmetric_and_between_0_and_1(one: dict[int, int], other: dict[int, int]) -> None:
    assert distance(one, other) == pytest.approx(distance(other, one))
    assert 0 <= distance(one, other) <= 1
    assert distance(one, one) == 0


@given(COUNTS, st.integers(2, 9))
def test_a_distance_does_not_depend_on_how_many_there_are(one: dict[int, int], times: int) -> None:
    assert distance(one, {value: times * weight for value, weight in one.items()}) == pytest.approx(0)


def test_a_distance_is_the_largest_difference_of_the_shares_below() -> None:
    assert distance({0: 1, 1: 1}, {1: 1, 2: 1}) == pytest.approx(0.5)
    assert distance({0: 1}, {}) == 1


def test_texts_are_compared_by_their_shares() -> None:
    assert distance({"a": 3, "b": 1}, {"a": 1, "b": 1}) == pytest.approx(0.25)


def test_large_numbers_are_cut_to_their_leading_bits() -> None:
    assert coarse({31: 1, 32: 1, 33: 1, 1023: 2, -33: 1}, 5) == {31: 1, 32: 2, 992: 2, -32: 1}
    assert coarse({33: 1}, None) == {33: 1}


def test_values_fall_into_their_buckets() -> None:
    buckets = [(None, 0, 0), (0, 1, 0), (1, 2, 0), (2, 4, 0), (4, 8, 0), (8, 16, 0)]
    assert in_buckets({-5: 1, 0: 2, 3: 4, 99: 1}, buckets) == {0: 1, 1: 2, 3: 4}


def test_what_is_known_by_buckets_falls_into_wider_ones() -> None:
    assert rebucketed([(0, 1, 3), (4, 6, 2), (None, 0, 1)], [(None, 0, 0), (0, 4, 0), (4, 8, 0)]) == {0: 1, 1: 3, 2: 2}


def test_several_are_merged() -> None:
    assert merged([{1: 1, 2: 0.5}, {1: 2}]) == {1: 3, 2: 0.5}


@pytest.mark.parametrize("samples", [10, 100, 2000])
def test_samples_of_one_distribution_seldom_differ(samples: int) -> None:
    chance = random.Random(samples)
    differ = 0
    for _ in range(200):
        ours, theirs = ([_drawn(chance, size // 5) for _ in range(5)] for size in (samples, 3000))
        found = Agreement.of(ours, theirs, (samples, 3000))
        assert found is not None
        differ += found.differs
    assert differ <= 0.07 * 200


def test_rounds_that_differ_among_themselves_are_no_difference() -> None:
    """Of millions of calls chance leaves nothing, but a machine is now faster and now slower."""
    chance = random.Random(5)
    differ = 0
    for _ in range(200):
        pairs = [[_shifted(chance, 100_000) for _ in range(2)] for _ in range(5)]
        found = Agreement.of([one for one, _ in pairs], [other for _, other in pairs], (500_000, 500_000))
        assert found is not None
        differ += found.differs
    assert differ <= 0.08 * 200


def _drawn(chance: random.Random, size: int) -> Counter[int]:
    return Counter(chance.randrange(20) for _ in range(size))


def _shifted(chance: random.Random, size: int) -> Counter[int]:
    """Mostly low values, but how mostly is different each time."""
    share = min(1, max(0, chance.gauss(0.7, 0.05)))
    return Counter({0: round(share * size), 1: round((1 - share) * size)})


def test_samples_of_another_one_differ() -> None:
    found = Agreement.of([{0: 39, 1: 2}, {0: 38, 1: 2}], [{0: 1000, 1: 1000}], (81, 2000))
    assert found is not None
    assert found.differs
    assert found.low <= found.distance <= found.high


def test_a_handful_of_samples_tells_nothing() -> None:
    assert Agreement.of([{0: 3}], [{0: 1, 1: 1}], (3, 100)) is None
    found = Agreement.of([{0: 3, 1: 3}], [{0: 1, 1: 1}], (6, 100))
    assert found is not None
    assert not found.tells


def test_of_texts_there_is_a_distance_and_no_verdict() -> None:
    found = Agreement.of([{"a": 9}, {"b": 9}], [{"c": 9}], (18, 9))
    assert found is not None
    assert (found.distance, found.differs, found.tells) == (1.0, False, False)
