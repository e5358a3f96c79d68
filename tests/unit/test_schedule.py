from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampler.schedule import MOST_TOLD, Schedule

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
    schedule, now, turn = Schedule(0, PERIOD, jitter, seed), -PERIOD, -1
    for _ in range(20):
        deadline = schedule.next(now)
        turn += 1 + deadline.skipped
        assert abs(deadline.at_ns - turn * PERIOD) <= jitter * PERIOD / 2 + 1
        assert deadline.at_ns >= now
        now = turn * PERIOD + 1


@given(st.floats(0, 1), st.integers(0, 1000), st.lists(st.integers(0, 20 * PERIOD), max_size=30))
def test_when_those_were_that_passed_is_told(jitter: float, seed: int, delays: list[int]) -> None:
    schedule, now, turn = Schedule(0, PERIOD, jitter, seed), 0, -1
    for delay in delays:
        deadline = schedule.next(now)
        assert len(deadline.skipped_at_ns) == deadline.skipped
        for number, at_ns in enumerate(deadline.skipped_at_ns, turn + 1):
            assert abs(at_ns - number * PERIOD) <= jitter * PERIOD / 2 + 1
            assert at_ns < now
        turn += 1 + deadline.skipped
        now = max(now, deadline.at_ns) + delay


def test_of_very_many_that_passed_the_last_ones_are_told() -> None:
    schedule = Schedule(0, PERIOD, 1.0, seed=1)
    deadline = schedule.next(10**15)
    assert abs(deadline.skipped - 10**12) <= 1
    assert MOST_TOLD - 2 <= len(deadline.skipped_at_ns) <= MOST_TOLD
    assert max(deadline.skipped_at_ns) < 10**15 <= deadline.at_ns


def test_after_a_stretch_the_next_deadline_is_one_new_period_away() -> None:
    schedule = Schedule(0, PERIOD)
    schedule.next(0)
    schedule.stretch(5_000, 1_234)
    deadline = schedule.next(1_300)
    assert (deadline.at_ns, deadline.skipped) == (6_234, 1)  # the one at 1000 had passed


def test_deadlines_that_passed_before_a_stretch_are_counted_with_the_next() -> None:
    schedule = Schedule(0, PERIOD)
    schedule.next(0)
    schedule.stretch(5_000, 3 * PERIOD + 1)
    assert schedule.next(3 * PERIOD + 1).skipped == 3
    schedule.stretch(PERIOD, 8_001 + 5_000)  # the one at 13001 is not before
    assert schedule.next(13_001).skipped == 0
    assert schedule.next(14_001).skipped == 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5_000), st.integers(0, 20_000)), max_size=30))
def test_each_deadline_of_each_grid_is_either_given_or_counted(turns: list[tuple[bool, int, int]]) -> None:
    schedule, now, given_or_counted, points = Schedule(0, PERIOD), 0, 0, 0
    origin, period, first = 0, PERIOD, 0
    for stretched, new_period, delay in turns:
        if stretched:
            points += max(first, -((origin - now) // period)) - first  # of the old grid, before now
            schedule.stretch(new_period, now)
            origin, period, first = now, new_period, 1
        else:
            deadline = schedule.next(now)
            given_or_counted += 1 + deadline.skipped
            turn = (deadline.at_ns - origin) // period
            points += turn - first + 1
            first = turn + 1
            now = deadline.at_ns
        now += delay
    deadline = schedule.next(now)
    points += (deadline.at_ns - origin) // period - first + 1
    assert given_or_counted + 1 + deadline.skipped == points


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=60), st.integers(1, 10**5))
def test_whatever_the_clock_shows_a_deadline_is_on_the_grid_and_after_the_one_before(
    clock: list[int], period: int
) -> None:
    schedule, before, turns = Schedule(77, period), 77 - period, 0
    for now in clock:
        deadline = schedule.next(now)
        turns += 1 + deadline.skipped
        assert (deadline.at_ns - 77) % period == 0
        assert deadline.at_ns - before == (1 + deadline.skipped) * period
        assert deadline.at_ns >= now
        before = deadline.at_ns
    assert before == 77 + (turns - 1) * period


def test_a_deadline_that_passed_is_counted_and_not_made_up_for() -> None:
    schedule = Schedule(0, PERIOD)
    schedule.next(0)
    deadline = schedule.next(4 * PERIOD + 1)
    assert (deadline.at_ns, deadline.skipped) == (5 * PERIOD, 4)
    assert schedule.next(5 * PERIOD).at_ns == 6 * PERIOD


def test_a_deadline_of_this_very_moment_is_not_skipped() -> None:
    schedule = Schedule(0, PERIOD)
    schedule.next(0)
    assert (schedule.next(PERIOD).at_ns, schedule.next(2 * PERIOD).skipped) == (PERIOD, 0)


@given(st.floats(0.01, 1), st.integers(0, 1000), st.integers(2, 10**9))
def test_jitter_alone_skips_no_deadline(jitter: float, seed: int, period: int) -> None:
    schedule, now = Schedule(0, period, jitter, seed), 0
    for _ in range(50):
        deadline = schedule.next(now)
        assert deadline.skipped == 0
        now = max(now, deadline.at_ns)  # a look that costs nothing


@given(st.integers(0, 1000))
def test_a_jitter_of_one_seed_is_repeatable(seed: int) -> None:
    one, other = (Schedule(0, PERIOD, 0.5, seed) for _ in range(2))
    assert [one.next(0) for _ in range(20)] == [other.next(0) for _ in range(20)]


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.lists(st.integers(0, 10**9), max_size=20))
def test_after_a_stretch_the_grid_is_of_the_new_period_and_drifts_no_more_than_before(
    period: int, at: int, delays: list[int]
) -> None:
    schedule, turn, now = Schedule(0, PERIOD), 0, at
    schedule.next(0)
    schedule.stretch(period, at)
    passed = max(0, -(-at // PERIOD) - 1)  # of the old grid
    for delay in delays:
        deadline = schedule.next(now)
        turn += 1 + deadline.skipped - passed
        passed = 0
        assert deadline.at_ns == at + turn * period
        now = deadline.at_ns + delay


def test_what_has_just_passed_is_given_late_and_in_order_and_what_is_long_past_is_skipped() -> None:
    schedule = Schedule(0, PERIOD, patience_ns=2 * PERIOD)
    schedule.next(0)
    found = [schedule.next(5 * PERIOD) for _ in range(4)]
    assert [deadline.at_ns for deadline in found] == [3_000, 4_000, 5_000, 6_000]
    assert [deadline.skipped for deadline in found] == [2, 0, 0, 0]
