from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import example, given
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


@given(st.integers(1, 2**53))
def test_a_duration_in_nanoseconds_is_taken_exactly_up_to_a_hundred_days(ns: int) -> None:
    assert parse_duration(f"{ns}ns") == ns


@given(st.integers(1, 10**6), st.sampled_from([("us", 10**3), ("µs", 10**3), ("ms", 10**6), ("s", 10**9), ("", 10**9)]))
def test_a_duration_means_the_same_with_and_without_a_space_before_its_unit(amount: int, unit: tuple[str, int]) -> None:
    name, scale = unit
    assert parse_duration(f"{amount}{name}") == parse_duration(f" {amount} {name} ") == amount * scale


@pytest.mark.parametrize(
    "text",
    ["0", "0s", "-1s", "+1s", "1e3s", "1.s", ".5s", "1s2", "1 0s", "nan", "inf", "367d", "9000h", "1" * 400, "1S"],
)
def test_what_is_no_duration_or_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_duration(text)


@given(st.integers(1, 1000), st.sampled_from([("s", 1), ("m", 60), ("min", 60), ("h", 3600), ("", 1)]))
def test_a_rate_and_its_period_are_one_anothers_inverse(looks: int, unit: tuple[str, int]) -> None:
    name, seconds = unit
    period_ns = parse_rate(f"{looks}/{name}" if name else str(looks))
    assert period_ns == pytest.approx(seconds * NS_PER_SECOND / looks, rel=1e-12, abs=1)


@given(st.decimals("0.0000001", 1000, places=7))
def test_every_rate_that_is_accepted_is_a_period_that_is_accepted(rate: Decimal) -> None:
    period_ns = parse_rate(f"{rate:f}")
    assert parse_period(f"{period_ns}ns") == period_ns


@pytest.mark.parametrize(
    "text", ["0", "0/s", "1000001", "1000000.1/s", "60000001/m", "1/d", "10/", "/s", "-1", "1/2s", "10 s"]
)
def test_what_is_no_rate_or_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_rate(text)


def test_a_period_has_the_bounds_of_a_rate() -> None:
    assert parse_period("1us") == parse_rate("1000000/s")
    with pytest.raises(UsageError, match="too often"):
        parse_period("999ns")


@given(st.decimals("0.001", 100, places=3))
def test_a_percentage_is_a_hundredth_of_its_number(percent: Decimal) -> None:
    assert parse_share(f"{percent} %") == parse_share(f"{percent}%") == pytest.approx(float(percent) / 100, rel=1e-12)


@pytest.mark.parametrize("text", ["0", "0%", "1.001", "100.1%", "-5%", "5%%", "%", "1e-3", "nan", "1" * 400])
def test_what_is_no_share_or_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_share(text)


@pytest.mark.parametrize("text", ["0", "0%", "0.0", "0.00%", "0 %", " 0 "])
def test_no_jitter_is_a_value_in_every_form_that_a_share_has(text: str) -> None:
    assert parse_jitter(text) == 0.0


@given(st.integers(1_000, 999 * NS_PER_SECOND))
@example(9_999_000)
@example(99_990_000)
@example(999_999_999)
def test_a_duration_is_shown_with_three_digits_and_no_more(ns: int) -> None:
    number, unit = format_duration(ns).split()
    assert len(number.replace(".", "")) == 3
    scale = {"µs": 1_000, "ms": 1_000_000, "s": NS_PER_SECOND}[unit]
    assert float(number) * scale == pytest.approx(ns, rel=0.0051)


@given(st.floats(-1e12, 1e12))
def test_a_duration_before_zero_is_shown_with_its_sign(ns: float) -> None:
    assert format_duration(-abs(ns)).lstrip("-") == format_duration(abs(ns))
