"""Memory read again and again, here our own: what is read at once, what may be torn, and what cannot be read."""

from __future__ import annotations

import ctypes
import mmap
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.instruments.anchor import Anchor
from sampler.instruments.peeked import Peeked
from sampler.linux.vector import MOST_PIECES, VectorRead
from sampler.plan.nodes import INT64, WORD, Arithmetic, Block, Constant, Decode, Node, Part, Within
from sampler.plan.numbers import NoAnswer

_PAGE = mmap.PAGESIZE
_NOWHERE = 8  # nobody has that page mapped


class Own:
    """Words of our own memory, the first on the border of a page."""

    def __init__(self, *words: int) -> None:
        self.pages = mmap.mmap(-1, 3 * _PAGE)
        self.view = (ctypes.c_uint64 * (3 * _PAGE // 8)).from_buffer(self.pages)
        self.start = ctypes.addressof(self.view)
        self.view[: len(words)] = words

    def at(self, number: int) -> int:
        return self.start + 8 * number

    def word(self, number: int) -> Node:
        return word(self.at(number))


def word(address: int) -> Node:
    return Decode(Part(Block(Constant(address), 8), 0, 8), WORD)


def anchor(plans: list[Node], *pieces: tuple[int, int]) -> Anchor:
    return Anchor(0, pieces, tuple(plans))


def of_words(own: Own, *numbers: int) -> Anchor:
    return anchor([own.word(number) for number in numbers], *((own.at(number), 8) for number in numbers))


def read(peeked: Peeked) -> list[tuple[list[Any] | NoAnswer, bool]]:
    peeked.read()
    return [(values, torn) for values, torn in peeked.answers()]


@pytest.fixture
def gone() -> int:
    """A PID that nobody has any more."""
    with subprocess.Popen(["true"]) as child:
        pass
    return child.pid


# One call.


@given(
    st.lists(st.tuples(st.integers(0, 3 * _PAGE - 64), st.integers(1, 64)), min_size=1, max_size=9), st.integers(1, 9)
)
def test_the_pieces_are_copied_one_after_the_other_as_often_as_was_asked(
    pieces: list[tuple[int, int]], times: int
) -> None:
    own = Own(*range(1, 1000))
    memory = bytes(own.pages)
    found = VectorRead(os.getpid(), [(own.start + at, size) for at, size in pieces], times)
    found.read()
    assert bytes(found.data) == b"".join(memory[at : at + size] for at, size in pieces) * times
    assert found.stride == sum(size for _, size in pieces)


def test_each_call_reads_anew() -> None:
    own = Own(1)
    found = VectorRead(os.getpid(), [(own.start, 8)], 1)
    for value in (5, 2**64 - 1):
        own.view[0] = value
        found.read()
        assert int.from_bytes(found.data, "little") == value


def test_as_many_pieces_as_the_kernel_takes_are_one_call() -> None:
    own = Own(*range(MOST_PIECES // 2))
    found = VectorRead(os.getpid(), [(own.at(number), 8) for number in range(MOST_PIECES // 2)], 2)
    found.read()
    assert bytes(found.data) == bytes(own.pages)[: MOST_PIECES * 4] * 2


@pytest.mark.parametrize("address", [_NOWHERE, 0, 2**47, 2**63, 2**64 - 8])
def test_what_nobody_has_mapped_cannot_be_read(address: int) -> None:
    with pytest.raises(OSError, match="Bad address"):
        VectorRead(os.getpid(), [(address, 8)], 2).read()


@pytest.mark.parametrize("place", [1, 2])
def test_where_some_of_it_cannot_be_read_nothing_is_taken_for_read(place: int) -> None:
    own = Own(1, 2)
    pieces = [(own.at(0), 8), (own.at(1), 8)]
    pieces.insert(place, (_NOWHERE, 8))
    with pytest.raises(OSError, match="some of the memory cannot be read"):
        VectorRead(os.getpid(), pieces, 1).read()


def test_a_process_that_is_gone_is_told_from_memory_that_is(gone: int) -> None:
    with pytest.raises(ProcessLookupError):
        VectorRead(gone, [(_NOWHERE, 8)], 1).read()


# Several samples.


def test_each_sample_has_the_value_of_every_plan() -> None:
    own = Own(7, 9)
    plans = [own.word(0), own.word(1), Arithmetic("-", own.word(0), own.word(1), WORD)]
    peeked = Peeked(os.getpid(), anchor(plans, (own.at(0), 8), (own.at(1), 8)), 0, 3)
    assert read(peeked) == [([7, 9, 2**64 - 2], False)] * 3


@pytest.mark.parametrize("at_once", [1, 2, 100, 511, 512, 513, 2000])
def test_there_are_as_many_samples_as_are_taken_at_once_in_however_many_calls(at_once: int) -> None:
    own = Own(7, 9)
    peeked = Peeked(os.getpid(), of_words(own, 0, 1), 0, at_once)
    assert read(peeked) == [([7, 9], False)] * at_once
    times = list(peeked.times_ns())
    assert len(times) == at_once
    assert times == sorted(times)
    assert peeked.begun_ns <= times[0] <= times[-1] <= peeked.ended_ns


def test_pieces_of_equal_places_are_each_read() -> None:
    own = Own(7, 9)
    twice = anchor([own.word(0), own.word(0), own.word(1)], (own.at(0), 8), (own.at(0), 8), (own.at(1), 8))
    assert read(Peeked(os.getpid(), twice, 0, 2)) == [([7, 7, 9], False)] * 2


def test_what_has_no_answer_is_told_in_its_place_and_the_others_have_theirs() -> None:
    own = Own(1, 7)
    within = Within(Decode(Part(Block(Constant(own.at(0)), 8), 0, 8), INT64), Constant(2))
    peeked = Peeked(os.getpid(), anchor([within, own.word(1)], (own.at(0), 8), (own.at(1), 8)), 0, 2)
    assert read(peeked) == [([1, 7], False)] * 2
    own.view[0] = 5
    for values, torn in read(peeked):
        assert isinstance(values, NoAnswer)
        assert "index 5 out of bounds" in str(values)
        assert not torn


def test_it_cannot_be_read_where_one_piece_is_gone() -> None:
    own = Own(7)
    with pytest.raises(OSError, match="cannot be read"):
        Peeked(os.getpid(), anchor([own.word(0)], (own.at(0), 8), (_NOWHERE, 8)), 0, 4).read()


# Torn.


@contextmanager
def counting(own: Own) -> Iterator[None]:
    """Another thread writes one number after the other to both of two words, the first one first."""
    ended = threading.Event()

    def count() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            own.view[0] = number
            own.view[1] = number

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_what_changes_while_it_is_read_is_told_and_all_else_is_of_one_moment() -> None:
    own = Own(0, 0)
    peeked = Peeked(os.getpid(), of_words(own, 0, 1), 0, 2000)
    seen = set[bool]()
    with counting(own):
        while seen != {True, False}:
            for values, torn in read(peeked):
                assert not isinstance(values, NoAnswer)
                first, second = map(int, values)
                assert torn or first - second in (0, 1)
                seen.add(torn)


@pytest.mark.parametrize("size", [1, 4, 8, 16, 64])
def test_what_lies_in_one_line_of_the_cache_is_read_once(size: int) -> None:
    own = Own(0, 0)
    plan = Part(Block(Constant(own.start), size), 0, size)
    peeked = Peeked(os.getpid(), anchor([plan], (own.start, size)), 0, 2000)
    found = []
    with counting(own):
        while len(set(map(str, found))) < 10:
            found += read(peeked)
    assert not any(torn for _, torn in found)


@pytest.mark.parametrize(
    ("pieces", "copies"),
    [
        ([(0x1000, 1)], 1),
        ([(0x1038, 8)], 1),
        ([(0x103C, 4)], 1),
        ([(0x103D, 4)], 2),  # over the end of a line
        ([(0x1000, 64)], 1),
        ([(0x1000, 65)], 2),
        ([(0x1000, 8), (0x1008, 8)], 2),
    ],
)
def test_there_are_two_copies_of_what_is_more_than_a_line(pieces: list[tuple[int, int]], copies: int) -> None:
    assert anchor([], *pieces).copies == copies
