"""Prediction and measurement, held together."""

from __future__ import annotations

import pytest

from sampler.compare.findings import finding, findings
from sampler.compare.model import model
from sampler.compare.result import CONTROL, Arm
from sampler.view.comparison import crossover_line
from tests.unit.comparisons import Program

PROGRAM = Program()


def test_the_fit_finds_what_a_look_and_a_hit_take() -> None:
    found = _model(PROGRAM)
    (perf,), (bcc,) = found.sampling, found.tracing
    assert perf.look_ns.value == pytest.approx(PROGRAM.look_ns, rel=0.1)
    assert perf.look_ns.holds(PROGRAM.look_ns)
    assert bcc.hit_ns.value == pytest.approx(PROGRAM.hit_ns, rel=0.05)
    assert bcc.calls == pytest.approx(PROGRAM.calls, rel=0.01)


def test_prediction_and_measurement_are_one() -> None:
    """Of each arm: what was measured lies with what the fit says, and with what the instrument reckons."""
    comparison = PROGRAM.compared()
    rows = findings(comparison)
    found = model(comparison, rows)
    for row in rows:
        if row.arm.instrument == CONTROL:
            continue
        assert row.slowdown is not None
        law = found.tracing[0].lost if row.traces else found.sampling[0].lost(row.arm.rate or 0)
        low, high = found.tracing[0].reckoned if row.traces else found.sampling[0].reckoned(row.arm.rate or 0)
        assert row.slowdown.value == pytest.approx(law.value, abs=0.004)
        assert low - 0.004 <= row.slowdown.value <= high + 0.004


def test_the_crossover_is_where_both_take_the_same() -> None:
    program = Program(calls=20_000, look_ns=100_000)
    (crossover,) = _model(program).crossovers
    truth = (1 - program.kept(Arm("bcc"))) / program.look_ns * 1e9
    assert crossover.rate is not None
    assert crossover.rate.value == pytest.approx(truth, rel=0.15)
    assert not crossover.always
    assert "looks a second" in crossover_line(crossover)


def test_an_instrument_that_never_comes_near_is_said_to_be_gentler_always() -> None:
    (crossover,) = _model(Program(calls=1_000_000)).crossovers
    assert crossover.always
    assert crossover_line(crossover).startswith("at each rate that it reached, up to 1,000/s, perf is gentler than bcc")


def test_what_was_not_felt_has_no_crossover() -> None:
    (crossover,) = _model(Program(calls=100, look_ns=0, hit_ns=10, noise=0.01)).crossovers
    assert crossover.rate is None
    assert "not to be told from none" in crossover.why_not


def test_the_control_has_lost_nothing() -> None:
    found = finding(PROGRAM.compared(), Arm(CONTROL)).slowdown
    assert found is not None
    assert found.holds(0)


def test_of_few_rounds_nothing_is_claimed() -> None:
    (crossover,) = _model(PROGRAM, rounds=2).crossovers
    assert (crossover.rate, crossover.why_not) == (None, "too few rounds to tell")


def _model(program: Program, rounds: int = 5):  # type: ignore[no-untyped-def]
    comparison = program.compared(rounds=rounds)
    return model(comparison, findings(comparison))
