"""A debugger is held by a descriptor: nobody else is ever signalled in its place."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sampler.errors import DebuggerEnded
from sampler.instruments.dialogue import Dialogue
from sampler.instruments.language import Command
from sampler.linux import procfs, rescue, tracing
from sampler.linux.signals import ProcessHandle
from sampler.linux.wakeup import StopRequest
from sampler.units import NS_PER_SECOND
from tests.conftest import Start
from tests.integration.help import wait_until

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
TURNS = 200


def shell(script: str) -> Dialogue:
    """A "debugger" that is a shell; its target are we, whom it does not trace."""
    command = Command("/bin/sh", ["-c", script], {})
    return Dialogue(command, "(sh) ", os.getpid(), 10 * NS_PER_SECOND, StopRequest())


def end_of(talk: Dialogue) -> None:
    """Until pexpect has noticed the end, and so has reaped the process."""
    with pytest.raises(DebuggerEnded):
        talk.wait(time.monotonic_ns() + 10 * NS_PER_SECOND)


def stranger_with(pid: int) -> subprocess.Popen[bytes]:
    """A process that has got this PID anew; skips where that cannot be brought about."""
    for _ in range(TURNS):
        try:
            LAST_PID.write_text(str(pid - 1))
        except OSError as error:
            pytest.skip(f"a PID cannot be chosen here: {error}")
        stranger = subprocess.Popen(["sleep", "60"])
        if stranger.pid == pid:
            return stranger
        stranger.kill()
        stranger.wait()
    pytest.skip("others start processes too fast here")


def test_a_process_with_the_pid_of_a_debugger_that_has_ended_is_left_alone() -> None:
    talk = shell("exit 0")
    end_of(talk)
    with stranger_with(talk.process.pid) as stranger:
        talk.interrupt()
        rescue.take_back(os.getpid(), talk.process)
        talk.terminal.bury()
        assert procfs.stat(stranger.pid).state not in "TZ"
        assert stranger.poll() is None
        stranger.kill()


def test_a_debugger_that_has_not_ended_is_not_killed_when_it_is_buried() -> None:
    talk = shell('trap "" INT HUP; echo "(sh) "; read line')
    talk.answer()
    with ProcessHandle(talk.process.pid) as process:
        talk.terminal.bury()
        del talk
        gc.collect()  # pexpect would kill it then
        assert not process.wait_for_end(0.2)
        process.send(signal.SIGKILL)
        assert process.wait_for_end(10)
        os.waitpid(process.pid, 0)


def test_a_debugger_that_has_ended_leaves_no_zombie() -> None:
    talk = shell("exit 0")
    pid = talk.process.pid
    assert talk.process.wait_for_end(10)
    talk.terminal.bury()
    assert not Path(f"/proc/{pid}").exists()


def test_a_signal_to_a_process_that_has_ended_is_no_error() -> None:
    with subprocess.Popen(["true"]) as process, ProcessHandle(process.pid) as handle:
        assert handle.wait_for_end(10)
        process.wait()
        assert handle.has_ended
        handle.send(signal.SIGKILL)


def test_a_thread_that_its_tracer_has_missed_is_found(start: Start) -> None:
    ring = start("-threads=4", program="c_ring")
    first, *others = procfs.threads(ring.pid)
    with ThreadPoolExecutor(1) as tracer:  # its end lets go of the thread
        tracer.submit(tracing.seize, first).result()
        assert procfs.untraced(ring.pid) == others
    wait_until(lambda: procfs.untraced(ring.pid) == [first, *others], "the tracer has ended")
