from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from sampler.linux.turns import take_turns


def living() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/task")}


def test_each_turn_has_a_thread_of_its_own_and_the_last_one_has_ended_before_it() -> None:
    threads: list[int] = []

    def job() -> Iterator[None]:
        for _ in range(20):
            assert not living() & set(threads)
            threads.append(threading.get_native_id())
            yield

    before = living()
    take_turns(job())
    assert len(threads) == 20
    assert threading.get_native_id() not in threads
    assert living() == before


def test_an_error_ends_it_and_reaches_the_caller() -> None:
    def job() -> Iterator[None]:
        yield
        raise LookupError("as it is")

    with pytest.raises(LookupError, match="as it is"):
        take_turns(job())


def test_a_job_that_never_yields_is_done_in_one_turn() -> None:
    threads: list[int] = []

    def job() -> Iterator[None]:
        threads.append(threading.get_native_id())
        return
        yield

    take_turns(job())
    assert len(threads) == 1
