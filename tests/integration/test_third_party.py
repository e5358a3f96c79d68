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
    started,
)

DEBUGGERS = {"caddy": "dlv", "nats-server": "dlv", "uwsgi": "gdb"}


@pytest.fixture(scope="module")
def running() -> Iterator[dict[str, ThirdParty]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(ThirdParty(name)) for name in DEBUGGERS}


@pytest.mark.parametrize(("program", "point"), [(name, point) for name in DEBUGGERS for point in questions(name)])
def test_ptrace_gives_the_answers_of_the_debugger(running: dict[str, ThirdParty], program: str, point: str) -> None:
    pid, asked = running[program].pid, questions(program)[point]
    expected = answers(pid, DEBUGGERS[program], point, asked)
    assert list(differing(expected, answers(pid, "ptrace", point, asked))) == []
    assert_as_found(pid)


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
