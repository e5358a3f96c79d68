from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.errors import UsageError
from sampler.units import (
    LONGEST_NS,
    NS_PER_SECOND,
    format_duration,
    parse_duration,
    parse_jitter,
    parse_period,
    parse_rate,
    parse_share,
)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("100ms", 100_000_000),
        ("1.5s", 1_500_000_000),
        ("2", 2 * NS_PER_SECOND),
        ("3m", 180 * NS_PER_SECOND),
        ("7us", 7000),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, ns: int) -> None:
    assert parse_duration(text) == ns


@given(st.integers(1, LONGEST_NS))
def test_a_duration_in_nanoseconds_is_taken_exactly_up_to_the_precision_of_a_float(ns: int) -> None:
    assert parse_duration(f"{ns}ns") == pytest.approx(ns, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("text", "ns"), [("10/s", 100_000_000), ("6/m", 10 * NS_PER_SECOND), ("0.5", 2 * NS_PER_SECOND)]
)
def test_a_rate_is_a_period(text: str, ns: int) -> None:
    assert parse_rate(text) == ns


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05", 0.05), ("100%", 1.0)])
def test_a_share_is_a_percentage_or_a_fraction(text: str, share: float) -> None:
    assert parse_share(text) == share


def test_no_jitter_is_a_value() -> None:
    assert parse_jitter("0") == parse_jitter("0%") == 0.0


@given(st.text(max_size=30))
def test_any_other_text_is_refused_by_a_typed_error(text: str) -> None:
    for parse in (parse_duration, parse_rate, parse_share, parse_period, parse_jitter):
        with suppress(UsageError):
            assert parse(text) >= 0


@pytest.mark.parametrize(
    ("ns", "text"), [(0, "0 ns"), (999, "999 ns"), (21_340_000, "21.3 ms"), (1_500, "1.50 µs"), (266e6, "266 ms")]
)
def test_a_duration_is_shown_with_three_digits(ns: float, text: str) -> None:
    assert format_duration(ns) == text
