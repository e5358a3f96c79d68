"""The agent, and runs that go through it: whatever ends them, the target runs on and somebody has written it down."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from bench.tracee import ROOT, Tracee
from sampler.agent.channel import Channel
from tests.conftest import Start
from tests.integration.agents import Agent, finish, hang_up, in_group, unused_pid
from tests.integration.help import (
    GAP,
    assert_as_found,
    child_of,
    ended,
    lines_until,
    of_type,
    stopped,
    wait_until,
)
from tests.integration.tracing import TOOLS, WITHOUT_BUDGET

RING = ("r->write_index - r->read_index", "--at=ring_write")
POD = "kubepods/burstable/pod8c1f4a6e-2b7d-4c39-9a51-6f0e2d3b4c5a/ID"
BY_EACH = pytest.mark.parametrize("instrument", ["perf", "ptrace"])


def by(instrument: str, target: Tracee, rate: str = "20/s") -> tuple[str, ...]:
    return (f"--instrument={instrument}", f"--rate={rate}", str(target.pid), *RING)


DELVE = ("--instrument=dlv", "--max-suspended=100%", "--max-pause=20s", "--at=main.write")


def assert_runs_on(target: Tracee) -> None:
    """As it was found, and at work."""
    assert_as_found(target.pid)
    target.report()
    assert target.report()["writes"] > 0


# One run.


@BY_EACH
def test_a_run_is_recorded_as_by_the_recorder_and_written_down(agent: Agent, ring: Tracee, instrument: str) -> None:
    with agent.asked(*by(instrument, ring), "--count=5") as run:
        lines, said = finish(run)
    assert said == ""
    assert run.returncode == 0
    assert [line["type"] for line in (lines[0], lines[-1])] == ["header", "footer"]
    assert len(of_type(lines, "sample")) == 5
    begun, over = agent.logged("run-begun"), agent.logged("run-ended")
    assert begun["run"] == over["run"]
    assert (begun["who"], begun["target"], begun["instrument"]) == ("jane", {"pid": ring.pid}, instrument)
    assert begun["question"] == over["question"] == lines[0]["question"]
    assert over["target"]["name"] == "c_ring"
    assert over["target"]["executable"] == lines[0]["target"]["executable"]
    assert (over["samples"], over["misses"], over["ended"]) == (5, 0, "count")
    assert over["suspended_ns"] == lines[-1]["suspended_ns"]
    assert_runs_on(ring)


@pytest.mark.parametrize("tool", TOOLS)
def test_calls_are_counted_on_behalf_of_somebody_and_written_down(agent: Agent, start: Start, tool: str) -> None:
    caller = start("-rate=1000", program="go_uprobe")
    words = (f"--instrument={tool}", WITHOUT_BUDGET, "--every=100ms", "--", str(caller.pid), "main.f", "main.f:return")
    with agent.asked(*words, options=("--verb=count",)) as run:
        while not lines_until(run, "tally")[-1]["counts"]["main.f"]:
            pass
        (going,) = agent.status()["runs"]
        hang_up(run)
        lines, said = finish(run)
    assert (said, run.returncode, lines[-1]["ended"]) == ("", 0, "interrupted")
    begun, over = agent.logged("run-begun"), agent.logged("run-ended")
    assert begun["question"] == over["question"] == going["question"]
    assert (begun["question"]["kind"], begun["question"]["points"]) == ("count", ["main.f", "main.f:return"])
    assert (over["instrument"], over["ended"], over["suspended_ns"]) == (
        tool, "interrupted", lines[-1]["suspended_ns"],
    )  # fmt: skip
    assert over["hits"] == [line for line in lines if line["type"] == "tally"][-1]["cost"]["hits"]
    assert_as_found(caller.pid)


def test_a_latency_is_measured_on_behalf_of_somebody(agent: Agent, start: Start) -> None:
    caller = start("-rate=1000", program="go_uprobe")
    words = (WITHOUT_BUDGET, "--unit=ns", "--duration=300ms", "--", str(caller.pid), "main.f", "main.f:return")
    with agent.asked(*words, options=("--verb=latency",)) as run:
        lines, said = finish(run)
    assert (said, run.returncode, lines[-1]["ended"]) == ("", 0, "duration")
    question = agent.logged("run-ended")["question"]
    assert question == lines[0]["question"]
    assert (question["kind"], question["entry"], question["unit"]) == ("latency", "main.f", "ns")


@pytest.mark.parametrize(
    "words",
    [
        ("--all=go_uprobe", "main.f"),
        ("main.f",),
        ("PID", "PID", "main.f"),
        ("PID", "main.f", "--output=/nowhere/at-all", "--lifeline=1", "--max-suspended=0"),
    ],
)
def test_one_process_alone_is_counted_and_nothing_else_is_done(
    agent: Agent, start: Start, words: tuple[str, ...]
) -> None:
    caller = start("-rate=10", program="go_uprobe")
    given = [str(caller.pid) if word == "PID" else word for word in words]
    with agent.asked(*given, options=("--verb=count",)) as run:
        lines, said = finish(run)
    assert [line["type"] for line in lines] == ["footer"]
    assert lines[0]["error"]["kind"] in ("UsageError", "PointError")
    assert (run.returncode, said.count("\n")) == (2, 1) or lines[0]["error"]["kind"] == "PointError"


def test_what_a_verb_is_told_beside_its_question_reaches_no_recorder(
    agent: Agent, start: Start, tmp_path: Path
) -> None:
    caller = start("-rate=10", program="go_uprobe")
    file = tmp_path / "file"
    extra = (f"--output={file}", "--lifeline=0", "--program", "--quiet", "--duration=100ms", "--every=100ms")
    with agent.asked(*extra, "--", str(caller.pid), "main.f", options=("--verb=count",)) as run:
        lines, _ = finish(run)
    assert (lines[0]["type"], lines[-1]["ended"]) == ("header", "duration")
    assert not file.exists()


def test_no_other_verb_is_run(agent: Agent, ring: Tracee) -> None:
    with agent.asked(str(ring.pid), options=("--verb=compare",)) as run:
        _, said = finish(run)
    assert run.returncode == 2
    assert "compare" in said


def test_delve_asks_on_behalf_of_somebody_too(agent: Agent, tracee: Tracee) -> None:
    with agent.asked(*DELVE, "--rate=2/s", "--", str(tracee.pid), GAP, "-1") as run:
        lines_until(run, "sample")
        hang_up(run)
        lines, _ = finish(run)
    assert lines[-1]["ended"] == "interrupted"
    assert agent.logged("run-ended")["instrument"] == "dlv"
    assert_runs_on(tracee)


def test_what_is_refused_is_a_footer_and_is_written_down(agent: Agent, ring: Tracee) -> None:
    with agent.asked("--instrument=perf", str(ring.pid), "no_such_name", "--at=ring_write") as run:
        lines, said = finish(run)
    assert [line["type"] for line in lines] == ["footer"]
    assert lines[0]["error"]["kind"] == "ExpressionRefused"
    assert said.startswith("sampler: ")
    assert said.count("\n") == 1
    assert run.returncode == 1
    assert agent.logged("run-ended")["error"] == lines[0]["error"]


def test_words_that_make_no_sense_are_a_footer_too(agent: Agent, ring: Tracee) -> None:
    with agent.asked("--at=ring_write", "--", str(ring.pid), "1 +") as run:
        lines, _ = finish(run)
    assert lines[0]["error"]["kind"] == "ExpressionError"
    with agent.asked("c_ring", *RING) as run:
        lines, _ = finish(run)
    assert lines[0]["error"]["kind"] == "UsageError"
    assert run.returncode == 2


# Ends.


@BY_EACH
def test_the_end_of_the_connection_ends_the_run_at_once(agent: Agent, ring: Tracee, instrument: str) -> None:
    with agent.asked(*by(instrument, ring)) as run:
        lines_until(run, "sample", 3)
        hang_up(run)
        lines, said = finish(run)
    assert (lines[-1]["type"], lines[-1]["ended"], said) == ("footer", "interrupted", "")
    assert "error" not in lines[-1]
    assert agent.logged("run-ended")["samples"] == lines[-1]["samples"]
    assert_runs_on(ring)


@BY_EACH
def test_a_run_whose_asker_has_fallen_silent_ends(agent: Agent, ring: Tracee, instrument: str) -> None:
    """As when a node or a network goes away, which closes nothing."""
    with agent.asked(*by(instrument, ring), options=("--silence=3s",)) as run:
        begun = time.monotonic()
        with beating(run):
            while time.monotonic() < begun + 6:  # twice as long as a silence may last
                lines_until(run, "sample")
        lines, _ = finish(run)
    assert lines[-1]["ended"] == "interrupted"
    assert lines[-1]["error"]["kind"] == "AskerSilent"
    assert_runs_on(ring)


@contextmanager
def beating(run: subprocess.Popen[str]) -> Iterator[None]:
    """Signs of life from the one who asks, for the length of the block."""
    over = Event()

    def beat() -> None:
        assert run.stdin is not None
        while not over.wait(0.1):
            run.stdin.write("any text\n")
            run.stdin.flush()

    thread = Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@BY_EACH
def test_a_run_whose_reader_has_gone_ends(agent: Agent, ring: Tracee, instrument: str) -> None:
    with agent.asked(*by(instrument, ring)) as run:
        recorder = child_of(run.pid)
        lines_until(run, "sample")
        assert run.stdout is not None
        run.stdout.close()
        run.wait(20)
        ended(recorder)
    assert agent.logged("run-ended")["ended"] == "interrupted"
    assert_runs_on(ring)


@BY_EACH
def test_a_reader_that_does_not_read_does_not_hold_the_target(agent: Agent, ring: Tracee, instrument: str) -> None:
    """It is waited for as long as a silence may last; meanwhile the recorder asks on."""
    with agent.asked(*by(instrument, ring, "500/s"), "--max-suspended=100%", options=("--silence=2s",)) as run:
        recorder = child_of(run.pid)
        assert run.stdin is not None
        while run.poll() is None:  # alive, and reading nothing
            with suppress(BrokenPipeError):
                run.stdin.write("beat\n")
                run.stdin.flush()
            with suppress(subprocess.TimeoutExpired):
                run.wait(0.2)
        ended(recorder)
    assert agent.logged("run-ended")["samples"] > 0
    assert_runs_on(ring)


@BY_EACH
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_end_a_run_in_order(agent: Agent, ring: Tracee, number: signal.Signals, instrument: str) -> None:
    with agent.asked(*by(instrument, ring)) as run:
        lines_until(run, "sample")
        run.send_signal(number)
        lines, said = finish(run)
    assert (lines[-1]["ended"], said, run.returncode) == ("interrupted", "", 0)
    assert_runs_on(ring)


@BY_EACH
def test_a_killed_run_is_over_and_its_recorder_leaves(agent: Agent, ring: Tracee, instrument: str) -> None:
    with agent.asked(*by(instrument, ring)) as run:
        recorder = child_of(run.pid)
        lines_until(run, "sample", 25)  # so long that the agent has heard of some
        run.kill()
        ended(recorder)
    over = agent.logged("run-ended")
    assert over["ended"] == "lost"
    assert over["samples"] > 0
    assert over["instrument"] == instrument
    assert agent.status()["runs"] == []
    assert_runs_on(ring)


def test_a_killed_recorder_is_told_with_what_became_of_the_target(agent: Agent, ring: Tracee) -> None:
    """Of perf, which leaves nothing behind. What cannot be saved from others is told in the README."""
    with agent.asked(*by("perf", ring)) as run:
        lines_until(run, "sample")
        os.kill(child_of(run.pid), signal.SIGKILL)
        lines, _ = finish(run)
    assert lines[-1]["error"]["kind"] == "RecorderLost"
    assert "the target runs on" in lines[-1]["error"]["fix"]
    assert agent.logged("run-ended")["error"]["kind"] == "RecorderLost"
    assert_runs_on(ring)


def test_the_end_of_the_target_ends_its_run(agent: Agent, ring: Tracee) -> None:
    with agent.asked(*by("perf", ring)) as run:
        lines_until(run, "sample")
        ring.process.kill()
        lines, _ = finish(run)
    assert lines[-1]["error"]["kind"] == "TargetEnded"
    assert run.returncode == 4
    assert agent.logged("run-ended")["ended"] == "target-ended"


# The agent's own end.


@BY_EACH
def test_an_agent_that_is_told_to_end_ends_all_runs_first(agent: Agent, start: Start, instrument: str) -> None:
    rings = [start(program="c_ring"), start(program="c_ring")]
    with agent.asked(*by(instrument, rings[0])) as one, agent.asked(*by(instrument, rings[1])) as other:
        for run in (one, other):
            lines_until(run, "sample")
        logged = agent.end()
        for run in (one, other):
            lines, said = finish(run)
            assert lines[-1]["error"]["kind"] == "AgentExpired"
            assert "about to end" in said
    assert [line["audit"] for line in logged[-4:]] == ["agent-leaving", "run-ended", "run-ended", "agent-ended"]
    assert not agent.socket.exists()
    for ring in rings:
        assert_runs_on(ring)


@BY_EACH
def test_without_its_agent_no_run_goes_on(agent: Agent, ring: Tracee, instrument: str) -> None:
    with agent.asked(*by(instrument, ring)) as run:
        lines_until(run, "sample")
        agent.process.kill()
        lines, _ = finish(run)
    assert lines[-1]["error"]["kind"] == "AgentMissing"
    assert_runs_on(ring)


def test_without_an_agent_nothing_is_touched(tmp_path: Path, ring: Tracee) -> None:
    with Agent(tmp_path) as agent:
        agent.end()
        with agent.asked(*by("perf", ring)) as run:
            lines, said = finish(run)
    assert [line["type"] for line in lines] == ["footer"]
    assert lines[0]["error"]["kind"] == "AgentMissing"
    assert "sampler agent serve" in said


def test_an_agent_whose_time_is_over_ends_all_runs_and_takes_no_more(tmp_path: Path, ring: Tracee) -> None:
    with Agent(tmp_path, "--ttl=3s") as agent:
        with agent.asked(*by("ptrace", ring)) as run:
            lines_until(run, "sample")
            lines, said = finish(run)
        assert lines[-1]["error"]["kind"] == "AgentExpired"
        assert agent.began["until"] in said
        assert agent.logged("agent-expired")["runs"]
        with agent.asked(*by("ptrace", ring)) as run:
            lines, said = finish(run)
        assert [line["type"] for line in lines] == ["footer"]
        assert "install it anew" in said
        assert agent.logged("run-refused")["who"] == "jane"
        assert agent.status()["state"] == "expired"
        assert agent.end()[-1]["audit"] == "agent-ended"
    assert_runs_on(ring)


def test_an_agent_may_end_with_its_time(tmp_path: Path) -> None:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    with Agent(tmp_path, f"--until={past.isoformat()}", "--exit") as agent:
        agent.logged("agent-ended")
        assert agent.process.wait(20) == 0


def test_a_moment_without_a_zone_is_none(tmp_path: Path) -> None:
    done = Agent(tmp_path).run("serve", "--until=2031-05-01T12:00:00")
    assert done.returncode == 2
    assert "is not a moment" in done.stderr


def test_what_a_killed_agent_has_left_behind_is_no_hindrance(tmp_path: Path) -> None:
    with Agent(tmp_path) as first:
        first.process.kill()
        first.process.wait()
        assert first.socket.exists()
        with Agent(tmp_path) as second:
            assert second.status()["runs"] == []
            third = second.run("serve")
            assert third.returncode == 1
            assert "serves at" in third.stderr


# Several.


def test_two_ask_one_process_at_once_by_perf(agent: Agent, ring: Tracee) -> None:
    with agent.asked(*by("perf", ring)) as one, agent.asked(*by("perf", ring), who="bob") as other:
        lines_until(one, "sample", 5)
        lines_until(other, "sample", 5)
        runs = agent.status()["runs"]
        assert sorted(run["who"] for run in runs) == ["bob", "jane"]
        assert {run["target"]["pid"] for run in runs} == {ring.pid}
    assert_runs_on(ring)


def test_the_second_who_wants_a_debugger_is_told_who_has_it(agent: Agent, tracee: Tracee) -> None:
    words = (*DELVE, str(tracee.pid), GAP)
    with agent.asked(*words) as one:
        lines_until(one, "sample")
        with agent.asked(*words, who="bob") as other:
            lines, said = finish(other)
        assert lines[0]["error"]["kind"] == "AlreadyTraced"
        since = agent.status()["runs"][0]["since"]
        assert f"jane asks it since {since} by dlv" in said
        hang_up(one)
        finish(one)
    assert_runs_on(tracee)


# Weird ones.


def test_an_asker_that_was_never_there(agent: Agent, ring: Tracee) -> None:
    with agent.asked(*by("ptrace", ring)) as run:
        hang_up(run)
        lines, _ = finish(run)
    assert lines[-1]["type"] == "footer"
    assert_runs_on(ring)


def test_a_flood_from_the_asker_is_no_more_than_a_sign_of_life(agent: Agent, ring: Tracee) -> None:
    with agent.asked(*by("ptrace", ring), "--count=20") as run:
        assert run.stdin is not None
        os.write(run.stdin.fileno(), b"\xff\x00" * 30_000)
        lines, _ = finish(run)
    assert lines[-1]["ended"] == "count"
    assert_runs_on(ring)


def test_who_asks_is_one_line_in_the_log(agent: Agent, ring: Tracee) -> None:
    with agent.asked(*by("perf", ring), "--count=1", who='jane\n{"audit":"forged"}\x1b[2J') as run:
        finish(run)
    begun = agent.logged("run-begun")
    assert begun["who"] == 'jane?{"audit":"forged"}?[2J'


@pytest.mark.parametrize(
    "said",
    [
        b"no message\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
        b'{"op":"begin"}\n',
        b'{"op":"begin","who":"x","pid":1e999,"question":{},"instrument":"y"}\n',
        b'{"op":"so-far"}\n',
        b"x" * 2_000_000,
    ],
)
def test_who_says_what_is_no_message_is_cut_off_and_nobody_else_is(agent: Agent, ring: Tracee, said: bytes) -> None:
    import socket

    with agent.asked(*by("perf", ring)) as run, socket.socket(socket.AF_UNIX) as stranger:
        lines_until(run, "sample")
        stranger.connect(str(agent.socket))
        with suppress(BrokenPipeError):
            stranger.sendall(said)
        with suppress(ConnectionResetError):
            assert stranger.recv(1) == b""
        lines_until(run, "sample")
        assert len(agent.status()["runs"]) == 1


def test_nobody_writes_a_field_of_the_log_that_is_not_theirs(agent: Agent) -> None:
    begin = {"op": "begin", "who": "jane", "pid": 1, "question": {}, "instrument": "perf"}
    forged = {"samples": 1, "misses": 0, "suspended_ns": [0, 0], "who": "bob", "run": "another", "audit": "x"}
    with Channel.to(agent.socket) as channel:
        channel.send(begin)
        assert channel.answer()["op"] == "welcome"
        channel.send({"op": "header", "target": {"name": "\ud800"}, "instrument": "perf"})
        channel.send({"op": "ended", "ended": "count", "cost": forged})
    over = agent.logged("run-ended")
    assert (over["who"], over["samples"]) == ("jane", 1)
    assert agent.status()["state"] == "serving"


def test_whoever_only_holds_connections_makes_room_for_others(agent: Agent) -> None:
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(Channel.to(agent.socket))
        assert agent.status()["state"] == "serving"


def test_a_program_whose_path_is_no_text_is_a_target_like_others(agent: Agent, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff\xfe")
    shutil.copy(ROOT / "build" / "c_ring", path)
    with Tracee(program=path) as odd:
        with agent.asked(*by("ptrace", odd), "--count=2") as run:
            lines, _ = finish(run)
        assert lines[-1]["ended"] == "count"
        assert_runs_on(odd)
    assert agent.logged("run-ended")["samples"] == 2
    assert agent.status()["state"] == "serving"


def test_a_stopped_agent_is_none(agent: Agent, ring: Tracee) -> None:
    """Its answer is waited for, but not for ever."""
    with stopped(agent.process.pid), agent.asked(*by("perf", ring)) as run:
        lines, _ = finish(run)
    assert lines[0]["error"]["kind"] == "AgentMissing"


# Containers.


def test_only_a_process_of_the_container_is_asked(agent: Agent, ring: Tracee) -> None:
    with in_group(ring.pid, POD) as inside:
        with agent.asked(*by("perf", ring), "--count=1", options=(f"--container=containerd://{inside}",)) as run:
            lines, _ = finish(run)
        assert lines[-1]["ended"] == "count"
        assert agent.logged("run-ended")["target"]["container"] == inside
        with agent.asked(*by("perf", ring), "--count=1", options=(f"--container={'0' * 64}",)) as run:
            lines, said = finish(run)
        assert [line["type"] for line in lines] == ["footer"]
        assert lines[0]["error"]["kind"] == "WrongContainer"
        assert "not of container" in said
        assert agent.logged("run-ended")["error"]["kind"] == "WrongContainer"


def test_a_process_that_has_ended_is_of_no_container(agent: Agent) -> None:
    with agent.asked(str(unused_pid()), *RING, options=(f"--container={'0' * 64}",)) as run:
        lines, _ = finish(run)
    assert lines[0]["error"]["kind"] == "NoSuchProcess"


@pytest.mark.parametrize(
    "form",
    [POD, "kubepods.slice/kubepods-pod8c1f.slice/cri-containerd-ID.scope", "docker-ID.scope/init.scope"],
)
def test_the_processes_of_a_container_are_listed(agent: Agent, start: Start, form: str) -> None:
    ring, other = start(program="c_ring"), start(program="c_ring")
    with in_group(ring.pid, form) as inside:
        done = agent.run("processes", f"--container=cri-o://{inside}")
        found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["pid"] for line in found] == [ring.pid]
    assert other.pid != ring.pid
    about = found[0]
    assert (about["container"], about["name"], about["ns_pid"]) == (inside, "c_ring", ring.pid)
    assert about["executable"].endswith("/c_ring")
    assert about["threads"] >= 2
    assert about["start_ticks"] > 0


def test_a_zombie_is_no_process_of_a_container(agent: Agent, offspring: Tracee) -> None:
    with in_group(offspring.pid, POD) as inside:
        dead = subprocess.Popen(["sleep", "60"])
        try:
            group = next(Path("/sys/fs/cgroup").glob(f"*/kubepods/burstable/*/{inside}"))
            (group / "cgroup.procs").write_text(str(dead.pid))
            assert len(agent.run("processes", f"--container={inside}").stdout.splitlines()) == 2
            dead.kill()
            wait_until(lambda: " Z " in Path(f"/proc/{dead.pid}/stat").read_text(), "it is a zombie")
            assert len(agent.run("processes", f"--container={inside}").stdout.splitlines()) == 1
        finally:
            dead.kill()
            dead.wait()


def test_what_is_no_id_is_told() -> None:
    from tests.integration.help import sampler

    done = sampler("agent", "processes", "--container=main")
    assert done.returncode == 2
    assert "no container" in done.stderr
