"""A comparison's figures as text: what all its tables say alike, in a terminal, a README and a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sampler.compare.agreement import Agreement
from sampler.compare.findings import Finding
from sampler.compare.intervals import Estimate
from sampler.compare.result import CONTROL
from sampler.units import format_duration, span

NONE = "–"
_WHOLE = 1000  # from here on fractions say nothing


def machine(found: Mapping[str, Any]) -> str:
    """Processor, cores and kernel; of that the version, without what whoever built it has added."""
    kernel = str(found.get("kernel", "?")).partition("-")[0]
    return f"{found.get('cpu', '?')}, {found.get('cores', '?')} cores, Linux {kernel}"


def asked(row: Finding) -> str:
    return f"{row.arm.rate:g}/s" if row.arm.rate is not None else "every hit" if row.traces else NONE


def rate(value: float | None) -> str:
    """So many a second, in three digits."""
    if value is None:
        return NONE
    for unit, scale in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= scale * 0.9995:
            return f"{_digits(value / scale)} {unit}/s"
    return f"{_digits(value)}/s"


def _digits(value: float) -> str:
    return f"{value:.2f}" if value < 9.995 else f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def suspended(row: Finding) -> str:
    """Of a look; of a tracing tool, what a hit takes."""
    bounds = row.suspended_ns if row.arm.rate is not None else row.hit_ns
    if bounds is None:
        return NONE
    return span(bounds.low, bounds.high) if bounds.high else "nobody"


def share(row: Finding) -> str:
    if row.share is None:
        return NONE
    low, high = row.share
    return "0 %" if not high else f"{percent(low)}–{percent(high)} %"


def once(row: Finding) -> str:
    """What attaching and leaving has suspended, together."""
    if row.once_ns is None:
        return NONE
    return span(row.once_ns.low, row.once_ns.high) if row.once_ns.high else "nobody"


def slowdown(found: Estimate | None) -> str:
    """A share of progress lost, with its interval."""
    if found is None:
        return NONE
    if found.low is None or found.high is None:
        return f"{percent(found.value)} % (?)"
    return f"{percent(found.value)} % ({percent(found.low)} to {percent(found.high)})"


def percent(part: float) -> str:
    """Just below 100 % more places."""
    percent = 100 * part
    if 99.5 <= percent < 100:
        return f"{min(percent, 99.99):.2f}" if percent < 99.995 else f"{percent:.3f}"
    return f"{percent:.2f}" if abs(percent) < 0.995 else f"{percent:.1f}" if abs(percent) < 99.5 else f"{percent:.0f}"


def stall(row: Finding) -> str:
    return NONE if row.stall_ns is None else format_duration(row.stall_ns)


def cpu(row: Finding) -> str:
    return NONE if row.cpu is None else f"{100 * row.cpu:.1f} %"


def samples(row: Finding) -> str:
    return NONE if row.rounds == 0 or row.arm.instrument == CONTROL else f"{row.samples:,}"


def misses(row: Finding) -> str:
    return f"{sum(row.misses.values()):,}" if row.samples or row.misses else NONE


def quantile(row: Finding, place: int) -> str:
    """Of what is known by buckets, at least so much."""
    if row.spread is None:
        return NONE
    value = row.spread.quantiles[place]
    wide = any(low == value and high is not None and high - low > 1 for low, high, _ in row.buckets)
    return f"≥ {number(value)}" if wide else number(value)


def mean(row: Finding) -> str:
    """None of wide buckets: nobody knows where in them the values lie."""
    if row.spread is None or any(
        count and (low is None or high is None or high - low > 1) for low, high, count in row.buckets
    ):
        return NONE
    return number(row.spread.mean)


def number(value: float) -> str:
    """A value of the program's, or a mean of some: whole ones in full, others in four digits."""
    if isinstance(value, int):
        return f"{value:,}"
    if abs(value) >= _WHOLE:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def agreement(found: Agreement | None) -> str:
    """The distance with its interval, and whether chance may have made it."""
    if found is None:
        return NONE
    verdict = "differs" if found.differs else "alike" if found.tells else "?"
    return f"{found.distance:.2f} ({found.low:.2f}–{found.high:.2f}) {verdict}"


def estimate(found: Estimate | None) -> str:
    if found is None:
        return NONE
    if found.low is None or found.high is None:
        return number(found.value)
    return f"{number(found.value)} ({number(found.low)} to {number(found.high)})"
