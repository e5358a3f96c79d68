"""Memory that is read without a look: its values are the program's, and whatever moves or goes is told."""

from __future__ import annotations

import signal
import time
from collections import Counter

import pytest

from bench.tracee import Tracee
from tests.conftest import Start
from tests.images import located
from tests.integration.help import (
    answers,
    assert_as_found,
    differing,
    lines_of,
    lines_until,
    of_type,
    recorded,
    started,
    wait_until,
)
from tests.integration.peeking import (
    ALL_BITS,
    BY_PEEK,
    GAP,
    INDICES,
    OF_VISIT,
    PATIENT,
    all_values,
    footer_of,
    has,
    interrupted,
    of_an_anchor,
    until,
    untorn,
    values,
)

# The values.


def test_the_values_are_those_that_the_program_tells(start: Start) -> None:
    ring = start(program="c_ring")
    with started("record", str(ring.pid), *INDICES, "--at=ring_write", BY_PEEK, "--rate=1000/s") as run:
        (header, *_) = lines_until(run, "samples")
        ring.ask("quiet")
        told: Counter[str] = Counter()

        def has_read_all() -> bool:
            report = ring.report()
            told.update({name: report[name] for name in ("writes", "reads", "drops")})
            return report["writes"] == report["reads"] == 0

        wait_until(has_read_all, "the reader has come to the end")
        now_ns = time.monotonic_ns() - header["started_monotonic_ns"]
        line = until(run, lambda line: line["type"] == "samples" and line["t_ns"][0] > now_ns)[-1]
        interrupted(run)
    assert set(values(line, "r->write_index")) == {told["writes"]}
    assert set(values(line, "r->read_index")) == {told["reads"] + told["drops"]}
    assert_as_found(ring.pid)


OF_KEEP = [
    "keep.size", "keep.head->last", "keep.head->pair.a", "keep.head->inner_int", "keep.head->as_bytes[2]",
    "keep.head->named.weight", "keep.head->next", "keep.head->next->colour", "keep.head->flag", "keep.bits->minus",
    "keep.bits->long_minus", "keep.bits->yes", "keep.packed->third", "keep.value->real", "keep.flexible->items[2]",
    "global_int", "global_pairs[1].b", "*global_pointer", "keep.head == 0", "keep.head->pair", "keep.size * 2 - 1",
    "keep.head && keep.head->flag", "keep.head->next->next && keep.head->next->next->flag",
    "!keep.head || keep.head->pair.b == 1",
]  # fmt: skip
OF_GO = [
    "k.number", "k.outer.ID", "k.outer.Depth", "k.outer.Next.Colour", "len(k.ints)", "k.ints[3]", "k.f32", "k.pair",
    "k.shape == nil", "len(k.three)", "k.outer.Next != nil && k.outer.Next.ID == 2",
    "k.outer.Next.Next != nil && k.outer.Next.Next.ID == 2", "Counter", "k.raw", "Table[2]",
    "GlobalPair.A", "k.outer.Inner.Pair.B",
]  # fmt: skip
PARITY = {
    ("c_types", "integers"): OF_KEEP,
    ("c_types-o2", "integers"): OF_KEEP,
    ("cpp_types", "shop::square::area"): ["side", "this->corners", "side * corners"],
    ("rust_types", "main::kinds::pointers"): ["boxed.a", "(*boxed).b", "shared.ptr.pointer.value"],
    ("go_types", "main.locals"): OF_GO,
    ("go_types-unoptimised", "main.locals"): OF_GO,
}


@pytest.mark.parametrize(("program", "point"), PARITY)
def test_the_answers_are_those_of_a_look_at_the_point(start: Start, program: str, point: str) -> None:
    target, asked = start(program=program), PARITY[program, point]
    expected, found = (answers(target.pid, instrument, point, asked) for instrument in ("ptrace", "peek"))
    assert list(differing(expected, found)) == []
    assert_as_found(target.pid)


def test_of_a_program_that_runs_as_fast_as_it_can_each_sample_is_of_one_memory(start: Start) -> None:
    ring = start(program="c_ring")
    lines = recorded(str(ring.pid), *INDICES, "--at=ring_write", BY_PEEK, "--rate=50000/s", PATIENT, "--count=5000")
    written, read, gaps = (all_values(lines, expression) for expression in INDICES)
    assert len(written) == 5000
    assert written == sorted(written)
    assert read == sorted(read)
    assert gaps == [(ahead - behind) % 2**64 for ahead, behind in zip(written, read, strict=True)]
    assert_as_found(ring.pid)


def test_a_difference_that_wrapped_has_its_signed_reading_in_the_same_place(moving: Tracee) -> None:
    lines = recorded(
        str(moving.pid), "o->third - o->first", "--at=visit", BY_PEEK, "--rate=1000/s", PATIENT, "--count=2000"
    )
    for line in of_type(lines, "samples"):
        found = values(line, "o->third - o->first")
        signed = line.get("signed", {}).get("o->third - o->first", [None] * len(found))
        assert signed == [value - 2**64 if value >= 2**63 else None for value in found]
    assert all_values(lines, "o->third - o->first")


# Several at a time.


def test_samples_that_are_wanted_often_are_taken_by_the_hundred_and_their_times_are_in_order(start: Start) -> None:
    ring = start(program="c_ring")
    lines = recorded(str(ring.pid), GAP, "--at=ring_write", BY_PEEK, "--rate=50000/s", PATIENT, "--count=3000")
    batches = of_type(lines, "samples")
    assert lines[0]["at_once"] == 100
    assert [len(batch["t_ns"]) for batch in batches] == [100] * 30
    times = [moment for batch in batches for moment in batch["t_ns"]]
    assert times == sorted(times)
    for batch in batches:
        assert batch["cost"]["during_ns"][0] <= batch["t_ns"][0] <= batch["t_ns"][-1] <= batch["cost"]["during_ns"][1]
        assert batch["cost"]["suspended_ns"] == [0, 0]
        assert batch["cost"]["threads_stopped"] == batch["cost"]["hits"] == 0
    assert_as_found(ring.pid)


@pytest.mark.parametrize("count", [1, 99, 100, 101, 250])
def test_as_many_samples_are_taken_as_were_asked_for(moving: Tracee, count: int) -> None:
    lines = recorded(str(moving.pid), "o->number", "--at=visit", BY_PEEK, "--rate=50000/s", PATIENT, f"--count={count}")
    assert all_values(lines) == [1] * count
    assert (lines[-1]["samples"], lines[-1]["ended"]) == (count, "count")


def test_a_miss_counts_as_a_look_and_what_follows_are_as_many_as_are_left(moving: Tracee) -> None:
    moving.ask("quiet")
    asked = ("o->number", "--at=visit", BY_PEEK, "--rate=50000/s", "--window=50ms", "--count=150")
    with started("record", str(moving.pid), *asked) as run:
        lines_until(run, "miss")
        moving.ask("move")
        footer = footer_of(run)
    assert footer["samples"] + footer["misses"] == 150
    assert footer["misses"] >= 1


@pytest.mark.parametrize("rate", ["1/s", "500/s"])
def test_samples_that_are_wanted_seldom_are_lines_of_their_own(moving: Tracee, rate: str) -> None:
    lines = recorded(str(moving.pid), "o->number", "--at=visit", BY_PEEK, f"--rate={rate}", PATIENT, "--count=2")
    assert [line["type"] for line in lines if line["type"] != "event"] == ["header", "sample", "sample", "footer"]
    assert lines[0]["at_once"] == 1


# What may be of two moments.


def test_a_sample_that_is_not_said_to_be_torn_is_of_one_moment(moving: Tracee) -> None:
    """The program writes the same number to all three, in this order: so the first is never behind, nor far ahead."""
    words = ("o->first", "o->second", "o->third")
    lines = recorded(str(moving.pid), *words, "--at=visit", BY_PEEK, "--rate=50000/s", PATIENT, "--count=20000")
    whole = list(untorn(lines, *words))
    assert whole
    for first, second, third in whole:
        assert first - third in (0, 1)
        assert second in (first, third)


def test_one_word_is_hardly_ever_torn(moving: Tracee) -> None:
    """The kernel copies bytes: it was seen twice in 20,000 reads, once."""
    asked = ("o->all_or_nothing", "--at=visit", BY_PEEK, "--rate=50000/s", PATIENT, "--count=20000")
    lines = recorded(str(moving.pid), *asked)
    values = all_values(lines, "o->all_or_nothing")
    assert sum(value not in (0, ALL_BITS) for value in values) <= len(values) / 500
    assert not any("torn" in line for line in lines)


def test_what_does_not_change_is_not_torn(moving: Tracee) -> None:
    asked = ("o->number", "last_number", "--at=visit", BY_PEEK, "--rate=50000/s", PATIENT, "--count=5000")
    lines = recorded(str(moving.pid), *asked)
    assert not any("torn" in line for line in lines)


# What moves, and what goes.


def test_an_object_that_has_moved_is_found_again_and_that_is_told(moving: Tracee) -> None:
    with started("record", str(moving.pid), *OF_VISIT) as run:
        first = until(run, has(1))
        moving.ask("move")
        moved = until(run, has(2))
        interrupted(run)
    anchored = [line for line in first + moved if line.get("event") == "anchored"]
    assert [line["again"] for line in anchored] == [False, True]
    assert anchored[0]["pieces"] != anchored[1]["pieces"]
    numbers = all_values(moved)
    assert numbers == sorted(numbers)
    assert not of_type(moved, "miss")
    assert_as_found(moving.pid)


def test_an_object_that_stays_is_anchored_once(moving: Tracee) -> None:
    with started("record", str(moving.pid), *OF_VISIT) as run:
        until(run, has(1))
        lines = until(run, of_an_anchor)
        run.send_signal(signal.SIGINT)
        lines += list(lines_of(run))
    (detach,) = [line for line in lines if line.get("event") == "detach"]
    assert detach["anchors"]["looks"] >= 2
    assert detach["anchors"]["moved"] == 0
    assert not [line for line in lines if line.get("event") == "anchored"]


@pytest.mark.parametrize("where", ["move", "again"], ids=["elsewhere", "at the same address"])
def test_memory_that_is_gone_is_a_miss_until_there_is_another_object(moving: Tracee, where: str) -> None:
    with started("record", str(moving.pid), *OF_VISIT) as run:
        until(run, has(1))
        moving.ask("unmap")
        gone = until(run, lambda line: line.get("reason") == "gone")[-1]
        assert "cannot be read" in gone["detail"]
        lines_until(run, "miss", 2)
        number = int(moving.ask(where))
        until(run, has(number))
        interrupted(run)
    assert_as_found(moving.pid)


def test_an_object_that_is_no_more_is_not_read_as_it_was_left(moving: Tracee) -> None:
    """Its memory can still be read: but who calls the function now has none."""
    with started("record", str(moving.pid), *OF_VISIT) as run:
        until(run, has(1))
        moving.ask("drop")
        miss = until(run, lambda line: line["type"] == "miss")[-1]
        assert (miss["reason"], miss["detail"]) == ("unreadable", "o is nil")
        moving.ask("move")
        assert not all_values(until(run, has(2))[:-1])
        interrupted(run)
    assert_as_found(moving.pid)


def test_a_nil_pointer_is_a_miss_with_the_reason(start: Start) -> None:
    target = start(program="values")
    asked = ("*v.None", "--at=main.step", BY_PEEK, "--rate=500/s", PATIENT, "--count=2")
    misses = of_type(recorded(str(target.pid), *asked), "miss")
    assert [(miss["reason"], miss["detail"]) for miss in misses] == [("unreadable", "v.None is nil")] * 2
    assert_as_found(target.pid)


def test_an_element_of_nothing_is_a_miss_and_no_failure_of_ours(start: Start) -> None:
    target, point = start(program="c_types"), located("points.c: pointers", "c_types")
    misses = of_type(recorded(str(target.pid), "null[0]", f"--at={point}", BY_PEEK, PATIENT, "--count=2"), "miss")
    assert [(miss["reason"], miss["detail"]) for miss in misses] == [("unreadable", "a pointer on the way is nil")] * 2
    assert_as_found(target.pid)


def test_what_is_unmapped_from_the_start_is_a_miss(start: Start) -> None:
    ring = start(program="c_ring")
    asked = ("*(int *)0x10", "--at=ring_write", BY_PEEK, "--rate=500/s", PATIENT, "--count=2")
    misses = of_type(recorded(str(ring.pid), *asked), "miss")
    assert [miss["reason"] for miss in misses] == ["gone"] * 2
    assert_as_found(ring.pid)
