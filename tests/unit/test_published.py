"""The comparisons that README shows: its tables are what the JSON says, and measurements are where predictions say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.readme import filled
from bench.tracee import ROOT
from sampler.compare.findings import Finding, findings
from sampler.compare.model import model
from sampler.compare.result import CONTROL, load

PLOTS = ROOT / "plots"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OWN = ("go_diode", "c_ring")
#: What windows differ by at least, beside what is predicted: a share of progress.
_NOISE = 0.01


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tables_are_what_the_json_says(document: Path) -> None:
    text = document.read_text()
    assert filled(text, PLOTS) == text


@pytest.mark.parametrize("name", OWN)
def test_what_was_measured_is_what_costs_predict(name: str) -> None:
    """Of each arm the interval of the slowdown meets the share of time that the instrument says it took."""
    found = load(str(PLOTS / f"{name}.json"))
    rows = findings(found)
    tracing = {one.instrument: one.reckoned for one in model(found, rows).tracing}
    for row in rows:
        if row.arm.instrument == CONTROL:
            continue
        predicted = tracing[row.arm.instrument] if row.traces else row.share
        assert predicted is not None
        assert _meets(row, *predicted, _noise(rows)), f"{row.arm.name}: {row.slowdown}, {predicted}"


def test_what_was_measured_is_what_the_law_says() -> None:
    """Rate times look. Of C, where nothing but looks stops a thread: a traced Go program is stopped by its signals."""
    found = load(str(PLOTS / "c_ring.json"))
    rows = findings(found)
    for one in model(found, rows).sampling:
        for row in rows:
            if row.arm.instrument == one.instrument:
                law = one.lost(row.achieved or 0)
                assert law.low is not None
                assert law.high is not None
                assert _meets(row, law.low, law.high, _noise(rows)), row.arm.name
                assert _meets(row, *one.reckoned(row.achieved or 0), _noise(rows)), row.arm.name


def _noise(rows: Sequence[Finding]) -> float:
    """By how much windows differ in which nobody asks."""
    (control,) = (row.slowdown for row in rows if row.arm.instrument == CONTROL)
    assert control is not None
    return max(_NOISE, *(abs(bound) for bound in (control.low, control.high) if bound is not None))


def _meets(row: Finding, low: float, high: float, noise: float) -> bool:
    measured = row.slowdown
    assert measured is not None
    assert measured.low is not None
    assert measured.high is not None
    return measured.low <= high + noise and low - noise <= measured.high
