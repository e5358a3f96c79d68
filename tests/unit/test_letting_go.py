from __future__ import annotations

import pytest

from sampler.instruments.letting_go import JUDGED_EACH_NS, LettingGo, Reason
from sampler.units import NS_PER_SECOND

MS = 1_000_000


def due_after(stops_a_look: int, period_ns: int = 10 * MS, running: int = 1, attach_ns: int = MS // 2) -> Reason | None:
    """Of a second of looks, each with so many stops before the next."""
    letting_go = LettingGo(period_ns, lambda: running)
    for look in range(NS_PER_SECOND // period_ns):
        if letting_go.is_due(look * stops_a_look, attach_ns, 1 + look * period_ns):
            return letting_go.reason
    return None


@pytest.mark.parametrize("period_ns", [NS_PER_SECOND, 60 * NS_PER_SECOND])
def test_once_a_second_or_less_often_it_is_due_at_once(period_ns: int) -> None:
    assert LettingGo(period_ns, lambda: 1).is_due(0, MS, 0)


@pytest.mark.parametrize(
    ("stops", "running", "due"),
    [(0, 1, False), (2, 1, False), (3, 1, True), (3, 2, False), (5, 2, True), (1000, 400, True), (1000, 600, False)],
)
def test_it_is_due_where_being_traced_stops_more_threads_than_letting_go(stops: int, running: int, due: bool) -> None:
    assert (due_after(stops, running=running) is not None) == due


def test_it_is_judged_twice_a_second() -> None:
    looks = JUDGED_EACH_NS // (10 * MS)
    letting_go = LettingGo(10 * MS, lambda: 1)
    answers = [letting_go.is_due(1000 * look, MS // 2, 1 + look * 10 * MS) for look in range(looks + 1)]
    assert answers == [False] * looks + [True]


def test_what_was_long_ago_does_not_count() -> None:
    letting_go = LettingGo(10 * MS, lambda: 1)
    assert not letting_go.is_due(0, MS // 2, 1)
    assert letting_go.is_due(100, MS // 2, 1 + JUDGED_EACH_NS)
    assert not letting_go.is_due(100, MS // 2, 1 + 2 * JUDGED_EACH_NS)


def test_where_attaching_takes_a_large_part_of_the_period_it_is_never_due() -> None:
    assert due_after(1000, attach_ns=MS) is not None
    assert due_after(1000, attach_ns=MS + 1) is None
    assert not LettingGo(NS_PER_SECOND, lambda: 1).is_due(0, NS_PER_SECOND // 9, 0)
