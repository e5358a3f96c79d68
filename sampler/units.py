"""Durations, rates and shares as a person writes and reads them. Inside, time is integer nanoseconds."""

from __future__ import annotations

import re

from sampler.errors import UsageError

NS_PER_SECOND = 1_000_000_000
UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": NS_PER_SECOND,
    "m": 60 * NS_PER_SECOND,
    "min": 60 * NS_PER_SECOND,
    "h": 3600 * NS_PER_SECOND,
}
_RATE_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

LONGEST_NS = 366 * 24 * 3600 * NS_PER_SECOND
SHORTEST_PERIOD_NS = 1_000  # a million looks a second: beyond any instrument


def parse_duration(text: str) -> int:
    """``100ms``, ``1.5s``, ``2m`` or plain seconds, in nanoseconds; UsageError unless over 0."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zµ]*)", text.strip())
    unit = UNITS_NS.get(match[2] or "s") if match else None
    if not match or unit is None:
        raise UsageError(f"{text!r} is not a duration", fix="write it like 100ms, 1.5s or 2m")
    # Bounded before the conversion: float() of a thousand digits is inf, and int(inf) raises.
    amount = float(match[1]) * unit
    if not 1 <= amount <= LONGEST_NS:
        raise UsageError(f"the duration {text} is out of range", fix="give more than 0 and at most a year")
    return round(amount)


def parse_rate(text: str) -> int:
    """``10/s``, ``6/m`` or plain looks a second, as a period in nanoseconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(?:\s*/\s*([a-z]+))?", text.strip())
    unit = _RATE_UNITS.get(match[2] or "s") if match else None
    if not match or unit is None:
        raise UsageError(f"{text!r} is not a rate", fix="write it like 10/s or 6/m")
    per_second = float(match[1]) / unit
    if not NS_PER_SECOND / LONGEST_NS <= per_second <= NS_PER_SECOND / SHORTEST_PERIOD_NS:
        raise UsageError(
            f"the rate {text} is out of range", fix="give more than 0 and at most 1000/s, with peek 1000000/s"
        )
    return round(NS_PER_SECOND / per_second)


def parse_period(text: str) -> int:
    """The time from one look to the next, in nanoseconds, within the bounds that a rate has."""
    period_ns = parse_duration(text)
    if period_ns < SHORTEST_PERIOD_NS:
        raise UsageError(f"a look every {text} is too often", fix="give at least 1us")
    return period_ns


def parse_share(text: str) -> float:
    """``5%`` or ``0.05``, as a fraction over 0 and at most 1."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(%?)", text.strip())
    if not match:
        raise UsageError(f"{text!r} is not a share", fix="write it like 5% or 0.05")
    share = float(match[1]) / (100 if match[2] else 1)
    if not 0 < share <= 1:
        raise UsageError(f"the share {text} is out of range", fix="give more than 0 and at most 100%")
    return share


def parse_jitter(text: str) -> float:
    """Like a share, but nought is a value: the deadlines are then exact."""
    return 0.0 if re.fullmatch(r"0(\.0*)?\s*%?", text.strip()) else parse_share(text)


def format_duration(ns: float) -> str:
    """Three significant digits and a unit: ``21.3 ms``."""
    rounded = float(f"{ns:.3g}")  # first: 999.9 µs is 1.00 ms, not 1000 µs
    for unit, scale in (("s", NS_PER_SECOND), ("ms", 1_000_000), ("µs", 1_000)):
        if abs(rounded) >= scale:
            return f"{_three_digits(rounded / scale)} {unit}"
    return f"{ns:.0f} ns"


def _three_digits(value: float) -> str:
    decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{decimals}f}"


def span(low_ns: float, high_ns: float) -> str:
    """Two bounds of a duration, in one unit: ``8.7–20.9 ms``."""
    low, high = format_duration(low_ns), format_duration(high_ns)
    number, _, unit = low.partition(" ")
    return f"{number}–{high}" if unit == high.partition(" ")[2] else f"{low} – {high}"
