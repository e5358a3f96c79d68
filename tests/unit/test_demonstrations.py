"""The path of the talk: its order, what is left out, and what is made of what was measured."""

from __future__ import annotations

from textwrap import wrap
from types import SimpleNamespace
from typing import Any

import pytest

from sampler import demonstrations
from sampler.demonstrations import walk as walking
from sampler.demonstrations.asking import Measured
from sampler.demonstrations.programs import NotBuilt, Program
from sampler.demonstrations.stage import Interrupted, Stage, spaced
from sampler.demonstrations.steps.suspended_execution import overlapping_ns
from sampler.demonstrations.steps.usdt import in_ms
from sampler.demonstrations.sweep import at, short_of_rate
from sampler.errors import SamplerError
from sampler.sample import Interval


def walk(monkeypatch: pytest.MonkeyPatch, *names: str, duration_ns: int | None = None, **ends: Exception) -> int:
    """Steps that say their own name and for how long, and end as is said."""

    def load(name: str) -> Any:
        def show(stage: Stage) -> None:
            stage.say(f"{name} for {stage.length}")
            if name in ends:
                raise ends[name]

        return SimpleNamespace(TITLE=name, LINE="", LOOK=(), DURATION_NS=1_500_000_000, show=show)

    monkeypatch.setattr(walking, "load", load)
    return walking.walk(names, lambda _words: 0, "auto", duration_ns, slides=False)


def test_steps_come_in_order_each_with_its_own_duration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk(monkeypatch, "question", "usdt") == 0
    said = capsys.readouterr().out
    assert 0 < said.index("question for 1.5s") < said.index("usdt for 1.5s")


def test_a_duration_is_for_all(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    walk(monkeypatch, "question", "usdt", duration_ns=300_000_000)
    assert capsys.readouterr().out.count("for 300ms") == 2


def test_what_cannot_be_shown_is_left_out_and_the_path_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert walk(monkeypatch, "uprobe", "usdt", uprobe=SamplerError("there is no BCC", fix="install it")) == 0
    said = capsys.readouterr().out
    assert "uprobe is left out here: there is no BCC; install it\n" in said
    assert "usdt for" in said


def test_where_nothing_can_be_shown_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SamplerError, match="no root"):
        walk(monkeypatch, "uprobe", "usdt", uprobe=SamplerError("no BCC"), usdt=SamplerError("no root"))


def test_an_interruption_is_a_normal_end(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert walk(monkeypatch, "question", "usdt", question=Interrupted()) == 0
    assert "usdt" not in capsys.readouterr().out


def test_each_step_has_what_the_list_and_a_slide_hold() -> None:
    for name in demonstrations.STEPS:
        step = demonstrations.load(name)
        assert len(step.LINE) <= 55
        assert 2 <= sum(len(wrap(line, 60)) for line in step.LOOK) <= 6
        assert len(spaced(step.TITLE)) <= 60


def test_a_program_that_is_not_built_is_named_with_the_remedy() -> None:
    with pytest.raises(NotBuilt, match=r"build/nothing is not built.*make demo-programs"):
        Program("nothing")


def test_the_longest_stall_that_touches_a_look_is_its_own() -> None:
    stalls = [(0, 50), (90, 20), (150, 30), (300, 1000)]
    assert overlapping_ns(Interval(100, 200), stalls) == 30
    assert overlapping_ns(Interval(210, 290), stalls) == 0


def test_durations_fall_into_the_rows_of_the_histogram() -> None:
    assert in_ms([999_999, 1_400_000, 2_000_000, 3_999_999, 16_000_000]) == {0: 1, 1: 1, 2: 2, 16: 1}


def test_what_is_said_of_a_rate_is_what_was_measured() -> None:
    one = Measured("dlv", 20, 31, 2_000_000_000, 4.1e6, 1e7, Interval(1, 2))
    assert at(one) == "At 20/s by dlv it wrote 41 % of what it writes untouched."
    assert list(short_of_rate([one])) == ["dlv does not come to 20/s here: it was 16/s."]
