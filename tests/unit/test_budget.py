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
    assert throttle.after(100 * MS)
    changes = [throttle.after(1 * MS) for _ in range(MEMORY)]
    assert changes == [False] * (MEMORY - 1) + [True]
    assert throttle.period_ns == 100 * MS


def test_a_period_beyond_a_minute_and_a_hundred_times_the_asked_is_helpless() -> None:
    throttle = Throttle(Budget(max_suspended=0.0001), 100 * MS)
    throttle.after(20 * MS)
    assert throttle.helpless
