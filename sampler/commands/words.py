"""A question of any kind as the command line of a recorder that asks it, here or on another machine."""

from __future__ import annotations

from sampler.commands.options import arguments_from, decimal
from sampler.instruments.base import TRACING
from sampler.question import AnyQuestion, CountQuestion, LatencyQuestion


def recorder_words(question: AnyQuestion, instrument: str, *target: str) -> list[str]:
    """The command, then its arguments. One target, or none: then $PID is meant."""
    asking = [f"--instrument={instrument}"]
    match question:
        case CountQuestion():
            return ["count", *asking, *_pace(question), "--", *target, *question.points]
        case LatencyQuestion():
            of_pairs = [f"--key={','.join(question.keys)}", f"--unit={question.unit}"]
            return ["latency", *asking, *of_pairs, *_pace(question), "--", *target, question.entry, question.exit]
    every_hit = instrument in TRACING and question.aggregate is None
    return ["record", *asking, *arguments_from(question, every_hit), "--", *target, *question.expressions]


def _pace(question: CountQuestion | LatencyQuestion) -> list[str]:
    timing, budget = question.timing, question.budget
    options = {"--every": f"{timing.period_ns}ns", "--max-suspended": decimal(budget.max_suspended)}
    if timing.duration_ns is not None:
        options["--duration"] = f"{timing.duration_ns}ns"
    return [f"{name}={value}" for name, value in options.items()]
