from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampler.budget import MEMORY, Budget, Throttle
from sampler.units import NS_PER_SECOND

MS = 1_000_000


def test_a_look_within_the_share_changes_nothing() -> None:
    throttle = Throttle(Budget(max_suspended=0.1), NS_PER_SECOND)
    assert not throttle.after(100 * MS)
    assert throttle.period_ns == NS_PER_SECOND


@given(st.lists(st.integers(0, 10**10), min_size=1, max_size=60), st.floats(0.001, 1))
def test_the_period_always_leaves_the_dearest_recent_look_within_the_share(looks: list[int], share: float) -> None:
    throttle = Throttle(Budget(max_suspended=share), 10 * MS)
    for number, cost in enumerate(looks):
        throttle.after(cost)
        recent = looks[max(0, number + 1 - MEMORY) : number + 1]
        assert throttle.period_ns >= max(recent) / share - 1
        assert throttle.period_ns >= 10 * MS


def test_the_rate_recovers_once_all_recent_looks_were_cheap() -> None:
    throttle = Throttle(Budget(max_suspended=0.1), 100 * MS)
    assert throttle.after(100 * MS) == "back-off"
    changes = [throttle.after(1 * MS) for _ in range(MEMORY)]
    assert changes == [""] * (MEMORY - 1) + ["speed-up"]
    assert throttle.period_ns == 100 * MS


def test_a_period_beyond_a_minute_and_a_hundred_times_the_asked_is_helpless() -> None:
    throttle = Throttle(Budget(max_suspended=0.0001), 100 * MS)
    throttle.after(20 * MS)
    assert throttle.helpless


@given(st.lists(st.integers(0, 10**10), max_size=60), st.floats(0.001, 1), st.integers(10**6, 10**11))
def test_a_change_is_told_if_and_only_if_the_period_changed(looks: list[int], share: float, asked: int) -> None:
    throttle = Throttle(Budget(max_suspended=share), asked)
    for cost in looks:
        before = throttle.period_ns
        assert bool(throttle.after(cost)) == (throttle.period_ns != before)


@given(st.integers(0, 10**10), st.floats(0.001, 1))
def test_a_look_of_the_same_cost_backs_off_once_and_not_at_every_look(cost: int, share: float) -> None:
    throttle = Throttle(Budget(max_suspended=share), 10 * MS)
    throttle.after(cost)
    assert not any(throttle.after(cost) for _ in range(3 * MEMORY))


def test_one_dear_look_among_the_last_keeps_the_rate_down() -> None:
    throttle = Throttle(Budget(max_suspended=0.1), 100 * MS)
    throttle.after(100 * MS)
    for _ in range(MEMORY - 1):
        throttle.after(1 * MS)
        assert throttle.period_ns == 1_250 * MS


def test_a_slow_rate_that_was_asked_for_is_not_helpless() -> None:
    assert not Throttle(Budget(), 3600 * NS_PER_SECOND).helpless


def test_a_stretch_up_to_a_minute_is_no_reason_to_give_up() -> None:
    throttle = Throttle(Budget(max_suspended=0.1), 1 * MS)
    throttle.after(4_000 * MS)
    assert (throttle.period_ns, throttle.helpless) == (50 * NS_PER_SECOND, False)
    throttle.after(6_000 * MS)
    assert throttle.helpless
