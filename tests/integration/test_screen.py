"""What a user sees: on a terminal, in a pipe, and from the help."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import pty
import resource
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pyte
import pytest

from bench.tracee import Tracee
from sampler.recording import load
from tests.conftest import Start
from tests.integration.help import GAP, PATIENCE_S, assert_as_found, command, environment, sampler, started

HEAVY = ("rich", "capstone", "matplotlib", "numpy", "pexpect", "lark", "elftools", "ptrace", "json")


def test_the_help_imports_nothing_heavy() -> None:
    code = "import sys\nfrom sampler.cli import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "diode-gap" in done.stdout
    loaded = done.stdout.splitlines()[-1]
    assert [name for name in HEAVY if f"'{name}'" in loaded] == []


@pytest.mark.parametrize("columns", [40, 120])
def test_the_live_view_shows_the_answer_and_its_cost(tracee: Tracee, columns: int) -> None:
    screen = Screen(columns)
    with screen.run("diode-gap", str(tracee.pid), "--rate=5/s") as process:
        screen.read_until("samples", "suspended", "median")
        assert GAP in screen.text()
        assert "Ctrl-C" in screen.text()
        process.send_signal(signal.SIGINT)
        screen.read_to_end()
        assert process.wait(PATIENCE_S) == 0
    assert "interrupted" in screen.text()
    assert_as_found(tracee.pid)


class Screen:
    """A terminal of 30 rows, as a person would see it."""

    def __init__(self, columns: int) -> None:
        self._screen = pyte.HistoryScreen(columns, 30)
        self._stream = pyte.ByteStream(self._screen)
        self._columns = columns

    def run(self, *arguments: str) -> subprocess.Popen[bytes]:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, self._columns, 0, 0))
        process = subprocess.Popen(
            command(*arguments), stdin=slave, stdout=slave, stderr=slave, env=os.environ | {"TERM": "xterm-256color"}
        )
        os.close(slave)
        return process

    def text(self) -> str:
        return "\n".join(self._screen.display)

    def read_until(self, *words: str) -> None:
        while not all(word in self.text() for word in words):
            assert self._read(), f"the view ended without {words}:\n{self.text()}"

    def read_to_end(self) -> None:
        while self._read():
            pass

    def _read(self) -> bool:
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:
            os.close(self._master)
            return False
        self._stream.feed(data)
        return bool(data)


def test_in_a_pipe_there_is_a_line_a_look_and_a_summary(tracee: Tracee) -> None:
    done = sampler("diode-gap", str(tracee.pid), "--count=2", "--rate=10/s", "--jitter=50%")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"{GAP} = ") == 2
    assert "\x1b" not in done.stdout
    assert "looks       2 samples, 0 misses" in done.stdout


def test_csv_is_a_table_with_a_row_a_look(tracee: Tracee) -> None:
    done = sampler("diode-gap", str(tracee.pid), "--count=2", "--rate=10/s", "--format=csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 2
    assert all(row[GAP].isdigit() and int(row["suspended_high_us"]) > 0 for row in rows)


def test_jsonl_prints_the_lines_that_are_saved(tracee: Tracee, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    done = sampler("diode-gap", str(tracee.pid), "--count=2", "--format=jsonl", f"--output={file}")
    assert done.stdout == file.read_text()
    assert len(load(str(file)).samples) == 2


def test_report_and_plot_read_what_was_saved(tracee: Tracee, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    sampler("diode-gap", str(tracee.pid), "--count=3", "--rate=10/s", "--quiet", f"--output={file}")
    report = sampler("report", str(file))
    assert report.returncode == 0
    assert "3 samples" in report.stdout
    for form, magic in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        picture = tmp_path / f"run{form}"
        assert sampler("plot", str(file), "-o", str(picture)).returncode == 0
        assert picture.read_bytes().startswith(magic)


def test_a_recording_that_still_grows_can_be_read(tracee: Tracee, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    sampler("diode-gap", str(tracee.pid), "--count=2", "--rate=10/s", "--quiet", f"--output={file}")
    file.write_text(file.read_text()[:-30])
    report = sampler("report", str(file))
    assert report.returncode == 0, report.stderr
    assert "there is no footer" in report.stdout


@pytest.mark.parametrize("text", ["", "{}\n", "nonsense\n", '{"type":"header","version":99,"question":{}}\n', "[1]\n"])
def test_what_is_no_recording_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text(text)
    for arguments in (["report", str(file)], ["plot", str(file), "-o", str(tmp_path / "x.png")]):
        done = sampler(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr


def test_doctor_says_what_works_and_what_would_not(start: Start, tracee: Tracee) -> None:
    well = sampler("doctor", str(tracee.pid))
    assert well.returncode == 0, well.stdout
    assert "Delve 1." in well.stdout
    ill = sampler("doctor", str(start(program="stripped").pid))
    assert ill.returncode == 1
    assert "-ldflags" in ill.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_commands_and_options(shell: str) -> None:
    done = sampler("completion", shell)
    assert "diode-gap" in done.stdout
    assert "max-suspended" in done.stdout
    assert "lifeline" not in done.stdout


def test_bash_completes_commands_options_and_choices() -> None:
    script = (
        f"source <({sys.executable} -m sampler completion bash)"
        + """
    complete_for() { COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _sampler; echo "${COMPREPLY[*]}"; }
    complete_for sampler dio
    complete_for sampler watch --max-p
    complete_for sampler watch --format j"""
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["diode-gap", "--max-pause", "jsonl"]


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_do_no_harm(tracee: Tracee, tmp_path: Path, closed: str) -> None:
    file = tmp_path / "run.jsonl"
    run = " ".join(command("diode-gap", str(tracee.pid), "--count=1", f"--output={file}"))
    done = subprocess.run(["sh", "-c", f"{run} {closed}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(load(str(file)).samples) == 1


def test_what_nobody_expected_is_one_line_too(tracee: Tracee) -> None:
    done = sampler("diode-gap", str(tracee.pid), "--count=1", preexec_fn=_no_files)
    assert done.returncode == 1
    assert (done.stderr.count("\n"), "Traceback" in done.stderr) == (1, False), done.stderr
    assert_as_found(tracee.pid)


def _no_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))


def test_two_runs_after_one_another_find_the_same_target(tracee: Tracee) -> None:
    for _ in range(2):
        with started("record", str(tracee.pid), "1", "--at=main.write", "--count=1") as run:
            assert run.communicate(timeout=PATIENCE_S)[0].count('"sample"') == 1
        assert_as_found(tracee.pid)


def test_a_terminal_that_lacks_a_character_loses_no_run(tracee: Tracee) -> None:
    ask = (str(tracee.pid), "--instrument=ptrace", "--count=1")
    done = sampler("diode-gap", *ask, env=environment(PYTHONIOENCODING="ascii"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xb5s" in done.stdout


def test_what_a_signal_cuts_short_is_written_all_the_same() -> None:
    """Where Python is told not to buffer, a write that was cut short would be taken for a whole one."""
    script = "import sys; from sampler import cli; cli.main(['--version-of-nothing']); print(type(sys.stdout.buffer))"
    options = {"capture_output": True, "text": True, "check": True, "env": environment(PYTHONUNBUFFERED="1")}
    done = subprocess.run([sys.executable, "-c", script], **options)
    assert "BufferedWriter" in done.stdout
