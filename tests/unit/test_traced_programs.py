"""The programs that are written for bpftrace and for BCC, and what their lines are taken for."""

from __future__ import annotations

import json

import pytest

from sampler.bpf.values import NotExpressible
from sampler.plan.nodes import (
    INT64,
    WORD,
    Arithmetic,
    Base,
    Block,
    Compare,
    Constant,
    Convert,
    Decode,
    Kind,
    Node,
    NotNil,
    Part,
    Register,
    Text,
    offset,
)
from sampler.question import Aggregate
from sampler.sample import Interval
from sampler.tally import Numbers
from sampler.tracing import bcc_text, bpftrace_text
from sampler.tracing.bpftrace_output import Output
from sampler.tracing.events import Hit, Lost, Reading, Ready
from sampler.tracing.slots import Slots
from sampler.tracing.tasks import Counting, Probe, Site, Timing, Watching

POINTER = NotNil(Decode(Register(0), Kind(Base.POINTER, 8)), "d")
FIRST, SECOND = (Part(Block(offset(POINTER, 24), 16), at, 8) for at in (0, 8))
GAP = Arithmetic("-", Decode(FIRST, WORD), Decode(SECOND, WORD), WORD)


def site(*plans: Node) -> Site:
    return Site("/bin/it", 0x4010, 0x10, "main.f", "main.f at main.go:7", "push rbp", True, 0, plans)


def setting(only: int | None = 4711) -> bpftrace_text.Setting:
    return bpftrace_text.Setting(100_000_000, only, 0, {})


def watching(*plans: Node, aggregate: Aggregate | None = None) -> Watching:
    names = tuple(f"e{number}" for number in range(len(plans)))
    return Watching(Probe("main.f", (site(*plans),)), names, aggregate)


def test_a_count_reads_as_one_would_write_it_by_hand() -> None:
    text = bpftrace_text.program(Counting((Probe("main.f", (site(),)),)), setting())
    assert "uprobe:/bin/it:0x4010\n/pid == 4711/\n{\n    @calls = count();\n}" in text
    assert "before `push rbp`" in text
    made = bcc_text.program(Counting((Probe("main.f", (site(),)),)), 4711, 0)
    assert "calls.atomic_increment(0);" in made.text
    assert "bpf_get_current_pid_tgid() >> 32 != 4711" in made.text
    assert [one.function for one in made.attachments] == ["count_0"]


def test_where_the_process_has_another_number_for_the_kernel_it_is_not_asked_for() -> None:
    assert "pid ==" not in bpftrace_text.program(Counting((Probe("main.f", (site(),)),)), setting(None))
    assert "pid_tgid" not in bcc_text.program(Counting((Probe("main.f", (site(),)),)), None, 0).text


def test_a_difference_is_one_expression() -> None:
    text = bpftrace_text.program(watching(GAP, aggregate=Aggregate("hist")), setting())
    assert "$v1 = (uint64)(*(uint64 *)($ax + 24));" in text
    assert "if ($ax == 0) {\n        @unreadable = count();\n        return;\n    }" in text
    made = bcc_text.program(watching(GAP), None, 0)
    assert made.slots == 1
    assert "goto unreadable;" in made.text
    assert made.text.count("bpf_probe_read_user") == 2


def test_what_no_tool_can_be_asked_is_refused_by_name() -> None:
    for plan in (Text(POINTER, Constant(3), 10), Register(17), Arithmetic("+", Register(18), Constant(1.5), WORD)):
        with pytest.raises(NotExpressible):
            bcc_text.program(watching(plan), None, 0)
        with pytest.raises(NotExpressible):
            bpftrace_text.program(watching(plan), setting())
    with pytest.raises(NotExpressible, match="what is no integer, to sum it up"):
        bcc_text.program(watching(Decode(FIRST, Kind(Base.FLOAT, 8)), aggregate=Aggregate("stats")), None, 0)


def test_a_float_is_handed_over_as_bits_and_made_into_a_value_afterwards() -> None:
    double = Kind(Base.FLOAT, 8)
    slots = Slots.of([Arithmetic("*", Decode(FIRST, double), Constant(2.0), double), Compare("<", GAP, Constant(5))])
    assert slots.plans == [FIRST, Compare("<", GAP, Constant(5))]
    assert slots.answers[0] == Arithmetic("*", Decode(Decode(Register(0), WORD), double), Constant(2.0), double)


def test_equal_numbers_are_handed_over_once() -> None:
    assert len(Slots.of([GAP, GAP, Convert(GAP, INT64)]).plans) == 2


# What bpftrace says.


def told(output: Output, *lines: dict[str, object]) -> list[object]:
    return [event for line in lines for event in output.take(json.loads(json.dumps(line)))]


def printf(text: str) -> dict[str, object]:
    return {"type": "printf", "data": text + "\n"}


def test_a_reading_is_complete_at_its_last_line() -> None:
    output = Output(Counting((Probe("main.f", ()), Probe("main.g", ()))))
    events = told(
        output,
        {"type": "attached_probes", "data": {"probes": 3}},
        printf("at 1000"),
        {"type": "map", "data": {"@calls": {"0": 5}}},
        printf("read"),
    )
    assert events[0] == Ready(1000, 2)
    assert isinstance(events[1], Reading)
    assert events[1].counts == {"main.f": 5, "main.g": 0}
    assert events[1].at_ns.low == 1000


def test_a_hit_whose_memory_could_not_be_read_has_no_values() -> None:
    output = Output(watching(GAP))
    events = told(
        output,
        ERROR,
        printf("hit 0 17 0 1 0"),
        printf("hit 0 18 0 0 ff"),
        {"type": "lost_events", "data": {"events": 7}},
    )
    assert events == [Hit(0, 17, None), Hit(0, 18, [255]), Lost(7)]


ERROR: dict[str, object] = {"type": "helper_error", "helper": "probe_read", "retcode": -14, "line": 1, "col": 2}


def values_of(*lines: dict[str, object]) -> list[object]:
    return [event.values for event in told(Output(watching(GAP)), *lines) if isinstance(event, Hit)]


def test_a_hit_that_was_left_takes_its_failure_with_it() -> None:
    assert values_of(ERROR, printf("left 0"), printf("hit 0 18 0 1 0")) == [[0]]


def test_a_failure_is_not_put_to_a_hit_that_has_read_all() -> None:
    """The lines of one processor come after those of another, and may come between two of one hit."""
    first = printf("hit 0 17 0 0 5")
    assert values_of(first, ERROR, printf("hit 0 18 1 0 7"), printf("hit 0 19 0 1 0"), printf("hit 0 20 0 1 0")) == [
        [5], [7], None, [0],
    ]  # fmt: skip
    assert values_of(first, ERROR, printf("hit 0 18 1 1 0"), printf("hit 0 19 0 1 0")) == [[5], None, None]


def test_histograms_and_sums_are_read() -> None:
    output = Output(watching(GAP, aggregate=Aggregate("hist")))
    told(output, {"type": "hist", "data": {"@values0": [{"max": -1, "count": 2}, {"min": 4, "max": 7, "count": 3}]}})
    assert output.reading(Interval(1, 2)).histograms == {"e0": [(None, 0, 2), (4, 8, 3)]}
    sums = Output(watching(GAP, aggregate=Aggregate("stats")))
    told(
        sums,
        {"type": "stats", "data": {"@values0": {"count": 3, "average": 2, "total": 6}}},
        {"type": "map", "data": {"@lowest0": {"0": -1, "1": 4}}},
        {"type": "map", "data": {"@highest0": {"0": 3, "1": 4}}},
    )
    assert sums.reading(Interval(1, 2)).numbers == {"e0": Numbers(3, 6, -1, 4)}


def test_the_latency_of_a_program_is_keyed_by_what_is_asked_for() -> None:
    keyed = Timing(Probe("a", (site(Register(14)),)), Probe("b", (site(Register(14)),)), True, 1000)
    text = bpftrace_text.program(keyed, setting())
    assert '$r14 = reg("r14");\n    @began[tid, $r14] = nsecs;' in text
    assert "hist((nsecs - $began) / 1000)" in text
    made = bcc_text.program(keyed, None, 0)
    assert "u64 part[2]" in made.text
