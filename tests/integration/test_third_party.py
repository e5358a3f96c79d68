"""On programs that others have written: the debugger's answers, and a first answer that costs the target nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.first_sample import KINDS, MEMORY_BYTES, Kind
from bench.third_party import ThirdParty
from sampler.errors import ExpressionError, ExpressionRefused, PointNotFound
from sampler.linux import procfs, text
from sampler.planning import plan_question
from sampler.question import Question
from sampler.resolve import resolve
from tests.images import questions
from tests.integration.help import (
    answers,
    assert_as_found,
    differing,
    environment,
    lines_until,
    sampler,
    started,
)
from tests.integration.parity import refused_by_perf

DEBUGGERS = {"caddy": "dlv", "nats-server": "dlv", "uwsgi": "gdb"}
# The least share of a point's questions that perf can ask too; with many strings at once they are too long for it.
BY_PERF, AT_ONCE_BY_PERF = 0.9, 5
INLINED_OFTEN = [("nats-server", "server.(*client).isMqtt")]


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, ThirdParty]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(ThirdParty(name)) for name in DEBUGGERS}


@pytest.mark.parametrize(("program", "point"), [(name, point) for name in DEBUGGERS for point in questions(name)])
def test_the_answers_are_those_of_the_debugger(running: dict[str, ThirdParty], program: str, point: str) -> None:
    pid, asked = running[program].pid, questions(program)[point]
    expected = answers(pid, DEBUGGERS[program], point, asked)
    assert list(differing(expected, answers(pid, "ptrace", point, asked))) == []
    if (program, point) not in INLINED_OFTEN:
        refused = refused_by_perf(resolve(pid), point, asked)
        by_perf = [one for one in asked if not refused[one]]
        assert len(by_perf) > BY_PERF * len(asked)
        found = answers(pid, "perf", point, by_perf, at_once=AT_ONCE_BY_PERF)
        assert list(differing({one: expected[one] for one in by_perf}, found)) == []
    assert_as_found(pid)


@pytest.mark.parametrize(("program", "point"), INLINED_OFTEN)
def test_a_point_at_more_places_than_there_are_breakpoints_is_refused_by_perf(
    running: dict[str, ThirdParty], program: str, point: str
) -> None:
    pid = running[program].pid
    refusal = sampler("record", str(pid), questions(program)[point][0], f"--at={point}", "--instrument=perf")
    assert refusal.returncode != 0
    assert "inlined at 35 places: the processor has 4 breakpoints" in refusal.stderr


@pytest.mark.parametrize("program", DEBUGGERS)
def test_each_program_is_asked_at_least_ten_questions(program: str) -> None:
    assert sum(map(len, questions(program).values())) >= 10


REFUSED = {
    ("caddy", "caddyhttp.(*Server).ServeHTTP"): [
        "*s", "s.nosuch", "w", "s.Routes", "s.NamedRoutes", "s.server.Handler", 'r.Header["Host"]', "s.name + 1",
    ],
    ("nats-server", "server.(*client).processPub"): ["*c", "c.nc", "c.subs", "c.srv.info", "c.opts.nosuch", "~r0"],
    ("uwsgi", "uwsgi_parse_vars"): ["uwsgi", "*wsgi_req", "wsgi_req->nosuch", "environ", "buffer", "wsgi_req + 1.5"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("program", "point", "expression"), [(*where, what) for where, asked in REFUSED.items() for what in asked]
)
def test_what_cannot_be_answered_is_refused_by_a_typed_error(
    running: dict[str, ThirdParty], program: str, point: str, expression: str
) -> None:
    target = resolve(running[program].pid)
    with pytest.raises((ExpressionRefused, ExpressionError)) as refusal:
        plan_question(Question(point, (expression,)), target)
    assert refusal.value.why


def test_a_function_of_a_shared_library_is_refused_as_none_of_the_program(running: dict[str, ThirdParty]) -> None:
    with pytest.raises(PointNotFound):
        plan_question(Question("malloc", ("1",)), resolve(running["uwsgi"].pid))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_until_the_question_is_compiled_nobody_is_attached(
    running: dict[str, ThirdParty], kind: Kind, tmp_path: Path
) -> None:
    target = running["caddy"].pid
    how = ("--instrument=ptrace", f"--at={kind.point}", "--window=10s")
    with started("record", str(target), kind.expression, *how, env=environment(SAMPLER_CACHE=str(tmp_path))) as run:
        while True:
            touched = procfs.tracer(target), text.differences(target)
            if any(tmp_path.iterdir()):  # the answer is being kept: it may have been compiled before we looked
                break
            assert touched == (0, [])
            assert run.poll() is None
        lines_until(run, "sample")
        assert int(procfs.status(run.pid)["VmHWM"].split()[0]) * 1024 <= MEMORY_BYTES
        run.terminate()
        assert run.wait(20) == 0
    assert_as_found(target)
