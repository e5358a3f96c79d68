"""What was worked out once is kept: safe when runs meet in it, bounded, and never believed when it is damaged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.tracee import ROOT
from sampler.debuginfo.cache import VARIABLE, Cache
from tests.conftest import Start
from tests.integration.help import as_nobody, environment, sampler, wait_until

ANSWER = {"places": [[4242, "main.write", ["tuple"]]], "types": {"x": "int"}}
KEY = ("c0ffee", "main.write", "x")

# Writes answers that tell their own key, and checks each that it reads, whoever wrote it.
WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from sampler.debuginfo.cache import Cache
    cache = Cache(Path(sys.argv[1]), int(sys.argv[2]))
    name, read = sys.argv[3], 0
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(int(sys.argv[4])):
        key = str(turn % 7)
        cache.put({"key": key, "by": name, "turn": turn, "padding": "x" * (turn * 37 % 5000)}, key)
        found = cache.get(key)
        if found is not None:
            read += 1
            assert found["key"] == key and len(found["padding"]) == found["turn"] * 37 % 5000, found
    print(read)
""")


@contextmanager
def writer(folder: Path, most_bytes: int, name: str, turns: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WRITER, str(folder), str(most_bytes), name, str(turns)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def held(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("most_bytes", [1 << 20, 20_000])
def test_runs_that_write_at_once_never_read_what_nobody_wrote_and_leave_nothing_behind(
    tmp_path: Path, most_bytes: int
) -> None:
    with writer(tmp_path, most_bytes, "a", 700) as one, writer(tmp_path, most_bytes, "b", 700) as other:
        outputs = race(one, other)
    assert all(int(output) > 0 for output in outputs)
    assert all(name.endswith(".json") and not name.startswith(".") for name in held(tmp_path))
    assert sum(entry.stat().st_size for entry in tmp_path.iterdir()) <= most_bytes


def race(*processes: subprocess.Popen[str]) -> list[str]:
    """Lets them go at one moment, and waits for them all; their last lines."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return outputs


def test_a_writer_that_is_killed_leaves_answers_that_are_whole_or_none(tmp_path: Path) -> None:
    with writer(tmp_path, 1 << 20, "a", 1_000_000) as process:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        wait_until(lambda: len(held(tmp_path)) >= 7, "it has written some")
        process.send_signal(signal.SIGKILL)
        process.wait()
    cache = Cache(tmp_path, most_bytes=1 << 20)
    found = [cache.get(str(key)) for key in range(7)]
    assert any(found)
    assert all(answer is None or answer["key"] == str(key) for key, answer in enumerate(found))
    cache.put(ANSWER, *KEY)
    assert cache.get(*KEY) == ANSWER


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of one answer that was put."""
    Cache(tmp_path).put(ANSWER, *KEY)
    (name,) = held(tmp_path)
    assert Cache(tmp_path).get(*KEY) == ANSWER
    return tmp_path / name


def test_a_file_cut_anywhere_is_as_good_as_none(file: Path) -> None:
    whole = file.read_bytes()
    for size in range(len(whole)):
        file.write_bytes(whole[:size])
        assert Cache(file.parent).get(*KEY) is None


def test_a_file_with_any_wrong_byte_is_as_good_as_none(file: Path) -> None:
    whole = file.read_bytes()
    for at in range(len(whole)):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert Cache(file.parent).get(*KEY) in (None, ANSWER)  # some white space may be other white space


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"key": null}', b"1e999"])
def test_a_file_of_something_else_is_as_good_as_none(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    assert Cache(file.parent).get(*KEY) is None


def test_what_is_damaged_is_written_anew(file: Path) -> None:
    file.write_bytes(b"damaged")
    Cache(file.parent).put(ANSWER, *KEY)
    assert Cache(file.parent).get(*KEY) == ANSWER


def test_the_answer_of_another_build_is_none_even_in_the_place_of_ours(file: Path) -> None:
    assert Cache(file.parent).get("facade", *KEY[1:]) is None
    Cache(file.parent).put({"other": True}, "facade", *KEY[1:])
    (other,) = set(held(file.parent)) - {file.name}
    (file.parent / other).replace(file)
    assert Cache(file.parent).get(*KEY) is None


def test_the_answers_used_least_lately_are_dropped_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=4000)
    for number in range(3):
        cache.put("x" * 900, str(number))
        stamp(tmp_path, number)
    assert cache.get("0") is not None  # which makes it the latest
    cache.put("x" * 900, "3")
    cache.put("x" * 900, "4")
    assert [cache.get(str(number)) is not None for number in range(5)] == [True, False, False, True, True]


def stamp(folder: Path, age: int) -> None:
    """Gives the newest file a time of long ago, later ones a later one: no clock tells them apart else."""
    newest = max(folder.iterdir(), key=lambda entry: entry.stat().st_mtime_ns)
    os.utime(newest, ns=(age, age))


def test_other_files_in_the_folder_are_left_alone_however_full_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.json").write_text("x" * 10_000)
    cache = Cache(tmp_path, most_bytes=2000)
    for number in range(5):
        cache.put("x" * 900, str(number))
    assert (tmp_path / "thesis.json").read_text() == "x" * 10_000
    assert cache.get("4") is not None


@pytest.mark.parametrize("folder", ["/proc/nosuch/sampler", "/dev/null/sampler"])
def test_a_folder_that_cannot_be_is_no_error(folder: str) -> None:
    cache = Cache(Path(folder))
    cache.put(ANSWER, *KEY)
    assert cache.get(*KEY) is None


def test_another_users_answers_are_read_though_they_cannot_be_written(file: Path) -> None:
    reader = (
        f"from pathlib import Path; from sampler.debuginfo.cache import Cache; c = Cache(Path({str(file.parent)!r}));"
        f"c.put(1, 'other'); print(c.get(*{KEY!r}) is not None, c.get('other'))"
    )
    done = subprocess.run([*as_nobody(), sys.executable, "-B", "-c", reader],
                          capture_output=True, text=True, check=True, cwd=ROOT)  # fmt: skip
    assert done.stdout == "True None\n"


def test_a_question_is_answered_alike_with_a_cache_and_without(start: Start, tmp_path: Path) -> None:
    target = start(program="c_types-o2")
    arguments = ("watch", str(target.pid), "i - 1", "--at=integers", "--instrument=ptrace", "--count=1")
    values = []
    for folder in ("", str(tmp_path), str(tmp_path), "/dev/null/none"):
        done = sampler(*arguments, env=environment(**{VARIABLE: folder}))
        assert done.returncode == 0, done.stderr
        values.append("i - 1 = 2147483647" in done.stdout)
    assert values == [True] * 4
    assert len(held(tmp_path)) == 1
