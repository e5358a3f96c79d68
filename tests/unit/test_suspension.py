"""Times in these tests are milliseconds, as nanoseconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sampler.instruments.suspension import BRIEF_RUN_NS, Suspension
from sampler.linux.procfs import Held
from sampler.sample import Interval

MS = 1_000_000
_LATER = 10_000 * MS  # a stop that is over is not changed by when it is asked for


def look(suspension: Suspension, start: int) -> None:
    """Asked at 0, known at 5, resumed at 7, hit known at 9, resumed at 10, seen free at 12 and 13."""
    suspension.requested(start)
    suspension.see(Held.NONE, start + 1 * MS)
    suspension.stopped(start + 5 * MS)
    suspension.resuming(start + 7 * MS, armed=True)
    suspension.stopped(start + 9 * MS)
    suspension.resuming(start + 10 * MS, armed=False)
    suspension.see(Held.ALL, start + 11 * MS)
    suspension.see(Held.NONE, start + 12 * MS)
    suspension.see(Held.NONE, start + 13 * MS)


def test_low_is_what_was_sure_and_high_is_from_request_to_the_second_sight_of_running() -> None:
    suspension = Suspension(0)
    look(suspension, 100 * MS)
    assert suspension.take(_LATER) == Interval(3 * MS, 13 * MS)
    assert suspension.is_over


def test_a_long_run_between_two_stops_is_not_counted() -> None:
    suspension = Suspension(0)
    suspension.stopped(0)
    suspension.resuming(1 * MS, armed=True)
    for at in range(2 * MS, 2 * MS + 2 * BRIEF_RUN_NS, MS):
        suspension.see(Held.NONE, at)
    assert suspension.take(_LATER) == Interval(1 * MS, 3 * MS)


def test_the_state_of_all_threads_makes_a_stop_known_before_the_prompt() -> None:
    suspension = Suspension(0)
    suspension.requested(0)
    suspension.see(Held.SOME, 2 * MS)
    suspension.see(Held.ALL, 3 * MS)
    suspension.stopped(6 * MS)
    suspension.resuming(7 * MS, armed=False)
    suspension.see(Held.NONE, 8 * MS)
    suspension.see(Held.NONE, 9 * MS)
    assert suspension.take(_LATER) == Interval(4 * MS, 9 * MS)


def test_a_signal_in_passing_is_no_stop() -> None:
    suspension = Suspension(0)
    suspension.see(Held.SOME, 50 * MS)
    assert suspension.pause_ns(50 * MS) == 0
    suspension.see(Held.NONE, 51 * MS)
    suspension.see(Held.NONE, 52 * MS)
    assert suspension.take(_LATER) == Interval(0, 0)


def test_a_hold_that_nobody_explains_counts_as_a_pause_from_the_last_sight_of_running() -> None:
    suspension = Suspension(0)
    suspension.see(Held.NONE, 10 * MS)
    suspension.see(Held.ALL, 20 * MS)
    suspension.see(Held.ALL, 21 * MS)
    assert suspension.pause_ns(30 * MS) == 20 * MS


def test_a_request_alone_is_no_pause() -> None:
    suspension = Suspension(0)
    suspension.requested(0)
    suspension.see(Held.NONE, 900 * MS)
    assert suspension.pause_ns(1000 * MS) == 0


def test_a_thread_that_waits_for_a_processor_is_not_running_yet() -> None:
    suspension = Suspension(0)
    suspension.stopped(0)
    suspension.resuming(1 * MS, armed=False)
    suspension.see(Held.NONE, 2 * MS, waiting=True)
    suspension.see(Held.NONE, 3 * MS, waiting=True)
    assert not suspension.is_over
    suspension.see(Held.NONE, 4 * MS)
    suspension.see(Held.NONE, 5 * MS)
    assert suspension.take(_LATER).high == 5 * MS


@given(st.lists(st.tuples(st.sampled_from("rspalNWSAt"), st.integers(0, 50)), max_size=40))
def test_whatever_is_seen_and_whenever_it_is_taken_the_bounds_are_in_order(events: list[tuple[str, int]]) -> None:
    suspension, now = Suspension(0), 0
    for kind, delay in events:
        now += delay * MS
        match kind:
            case "r":
                suspension.requested(now)
            case "s":
                suspension.stopped(now)
            case "p" | "a":
                suspension.resuming(now, armed=kind == "a")
            case "l":
                suspension.released(now)
            case "t":
                found = suspension.take(now)
                assert 0 <= found.low <= found.high
            case _:
                held = {"N": Held.NONE, "W": Held.NONE, "S": Held.SOME, "A": Held.ALL}[kind]
                suspension.see(held, now, waiting=kind == "W")
    found = suspension.take(now)
    assert 0 <= found.low <= found.high


@given(st.lists(st.integers(0, 60), min_size=5, max_size=5), st.lists(st.integers(0, 250), max_size=6))
def test_however_often_a_stop_is_parted_no_part_of_it_is_lost(gaps: list[int], parts: list[int]) -> None:
    asked, known, resumed, free, _ = (100 * MS + sum(gaps[: place + 1]) * MS for place in range(5))
    whole, parted = Suspension(0), Suspension(0)
    steps = [
        (asked, lambda one, at: one.requested(at)),
        (known, lambda one, at: one.stopped(at)),
        (resumed, lambda one, at: one.resuming(at, armed=False)),
        (free, lambda one, at: one.see(Held.NONE, at)),
        (free + MS, lambda one, at: one.see(Held.NONE, at)),
    ]
    taken = []
    takes = [(100 * MS + part * MS, lambda one, at: taken.append(one.take(at))) for part in parts]
    for at, step in sorted(steps + takes, key=lambda step: step[0]):
        step(parted, at)
    for at, step in steps:
        step(whole, at)
    taken.append(parted.take(_LATER))
    total = sum(taken, Interval())
    assert total == whole.take(_LATER)


def test_a_stop_that_is_taken_in_its_midst_counts_in_two_parts() -> None:
    suspension = Suspension(0)
    suspension.requested(100 * MS)
    suspension.stopped(105 * MS)
    suspension.resuming(107 * MS, armed=True)
    suspension.stopped(109 * MS)  # a panic, say
    assert suspension.take(110 * MS) == Interval(3 * MS, 10 * MS)
    suspension.resuming(112 * MS, armed=False)
    suspension.see(Held.NONE, 113 * MS)
    suspension.see(Held.NONE, 114 * MS)
    assert suspension.take(_LATER) == Interval(2 * MS, 4 * MS)


def test_a_request_that_nobody_answers_is_over_once_the_debugger_is_gone() -> None:
    suspension = Suspension(0)
    suspension.requested(1 * MS)
    for at in range(2, 5000, 10):
        suspension.see(Held.NONE, at * MS)
    assert not suspension.is_over
    suspension.see(Held.NONE, 5000 * MS)  # and now by force
    suspension.released(5030 * MS)
    assert not suspension.is_over
    suspension.see(Held.NONE, 5031 * MS)
    suspension.see(Held.NONE, 5032 * MS)
    assert suspension.is_over
    assert suspension.take(_LATER) == Interval(0, 32 * MS)


def test_a_rescue_of_a_target_that_is_held_counts_until_it_lets_go() -> None:
    suspension = Suspension(0)
    suspension.requested(100 * MS)
    suspension.stopped(105 * MS)
    suspension.released(700 * MS)
    suspension.see(Held.NONE, 701 * MS)
    suspension.see(Held.NONE, 702 * MS)
    assert suspension.take(_LATER) == Interval(595 * MS, 602 * MS)


def test_a_target_that_is_held_again_was_not_free_before() -> None:
    suspension = Suspension(0)
    suspension.stopped(0)
    suspension.resuming(1 * MS, armed=True)
    suspension.see(Held.NONE, 2 * MS)
    suspension.see(Held.NONE, 3 * MS)
    suspension.see(Held.ALL, 10 * MS)
    suspension.see(Held.NONE, 40 * MS)
    suspension.see(Held.NONE, 41 * MS)
    assert suspension.take(_LATER) == Interval(1 * MS, 41 * MS)


def test_whether_it_was_ever_held_is_remembered() -> None:
    suspension = Suspension(0)
    suspension.requested(0)
    suspension.see(Held.NONE, 1 * MS)
    assert not suspension.was_held
    suspension.see(Held.SOME, 2 * MS)
    suspension.see(Held.NONE, 3 * MS)
    assert suspension.was_held


def test_what_was_taken_is_not_counted_again() -> None:
    suspension = Suspension(0)
    look(suspension, 100 * MS)
    suspension.take(_LATER)
    assert suspension.take(_LATER) == Interval(0, 0)
    look(suspension, 900 * MS)
    assert suspension.take(_LATER) == Interval(3 * MS, 13 * MS)


def test_a_pause_lasts_from_the_last_sight_of_running_until_the_next() -> None:
    suspension = Suspension(0)
    suspension.see(Held.NONE, 10 * MS)
    suspension.requested(12 * MS)
    suspension.stopped(15 * MS)
    assert suspension.pause_ns(40 * MS) == 30 * MS
    suspension.resuming(41 * MS, armed=False)
    assert suspension.pause_ns(42 * MS) == 32 * MS  # asked to, but not seen
    suspension.see(Held.NONE, 43 * MS)
    assert suspension.pause_ns(44 * MS) == 0


def test_one_sight_of_running_does_not_end_a_stop() -> None:
    suspension = Suspension(0)
    suspension.stopped(0)
    suspension.resuming(1 * MS, armed=False)
    suspension.see(Held.NONE, 2 * MS)
    suspension.see(Held.ALL, 3 * MS)
    suspension.see(Held.NONE, 4 * MS)
    assert not suspension.is_over
    suspension.see(Held.NONE, 5 * MS)
    assert suspension.take(_LATER) == Interval(1 * MS, 5 * MS)


def test_asking_again_for_a_stop_that_is_known_changes_nothing() -> None:
    one, other = Suspension(0), Suspension(0)
    for suspension in (one, other):
        suspension.requested(1 * MS)
        suspension.stopped(5 * MS)
        if suspension is other:
            suspension.requested(6 * MS)
        suspension.resuming(9 * MS, armed=False)
        suspension.see(Held.NONE, 10 * MS)
        suspension.see(Held.NONE, 11 * MS)
    assert one.take(_LATER) == other.take(_LATER) == Interval(4 * MS, 10 * MS)


def test_a_stop_that_nobody_asked_for_counts_high_from_the_last_sight_of_running() -> None:
    suspension = Suspension(0)
    suspension.see(Held.NONE, 10 * MS)
    suspension.stopped(18 * MS)
    suspension.resuming(20 * MS, armed=False)
    suspension.see(Held.NONE, 21 * MS)
    suspension.see(Held.NONE, 22 * MS)
    assert suspension.take(_LATER) == Interval(2 * MS, 12 * MS)


def test_a_target_that_somebody_else_freed_was_for_sure_not_held() -> None:
    suspension = Suspension(0)
    suspension.requested(0)
    suspension.stopped(5 * MS)
    suspension.see(Held.NONE, 30 * MS)
    suspension.see(Held.NONE, 31 * MS)
    suspension.resuming(40 * MS, armed=False)
    assert suspension.take(_LATER).low == 0


@given(st.lists(st.integers(1, 60), min_size=4, max_size=4), st.booleans(), st.booleans())
def test_the_truth_lies_between_the_bounds_of_a_plain_look(gaps: list[int], seen: bool, waiting: bool) -> None:
    asked = 100 * MS
    held, known, resumed, free = (asked + sum(gaps[: place + 1]) * MS for place in range(4))
    suspension = Suspension(0)
    suspension.requested(asked)
    if seen:
        suspension.see(Held.ALL, held)  # otherwise held between two sights
    suspension.stopped(known)
    suspension.resuming(resumed, armed=False)
    suspension.see(Held.ALL, resumed)
    for later in range(60):
        suspension.see(Held.NONE, free + later * MS, waiting=waiting and later < 5)
    found = suspension.take(_LATER)
    assert suspension.is_over
    assert found.low <= resumed - held
    assert found.high >= free - held
