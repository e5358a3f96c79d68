from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampler.schedule import Schedule

PERIOD = 1_000


def test_the_first_deadline_is_the_start() -> None:
    assert Schedule(5_000, PERIOD).next(5_000).at_ns == 5_000


@given(st.integers(0, 10**12), st.integers(1, 10**9), st.lists(st.integers(0, 10**10), max_size=50))
def test_deadlines_stay_on_the_grid_and_those_that_passed_are_counted(
    start: int, period: int, delays: list[int]
) -> None:
    schedule, now, turn = Schedule(start, period), start, -1
    for delay in delays:
        deadline = schedule.next(now)
        turn += 1 + deadline.skipped
        assert deadline.at_ns == start + turn * period
        assert deadline.at_ns >= now
        assert deadline.skipped >= 0
        now = deadline.at_ns + delay


@given(st.floats(0.01, 1), st.integers(0, 1000))
def test_jitter_moves_a_deadline_by_at_most_half_its_share_around_the_grid(jitter: float, seed: int) -> None:
    schedule, now = Schedule(0, PERIOD, jitter, seed), 0
    for turn in range(20):
        at = schedule.next(now).at_ns
        assert abs(at - turn * PERIOD) <= jitter * PERIOD / 2 + 1
        now = turn * PERIOD + 1


def test_after_a_stretch_the_next_deadline_is_one_new_period_away() -> None:
    schedule = Schedule(0, PERIOD)
    schedule.next(0)
    schedule.stretch(5_000, 1_234)
    deadline = schedule.next(1_300)
    assert (deadline.at_ns, deadline.skipped) == (6_234, 0)
