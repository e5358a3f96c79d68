"""From a question to a task: its points found in the target, its keys as plans. The process is not touched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sampler.errors import NotAnswerable, UsageError
from sampler.plan.nodes import Node, Register
from sampler.planning import plan_question
from sampler.question import AnyQuestion, CountQuestion, LatencyQuestion, Question
from sampler.target import Target
from sampler.tracing.find import find_probe, is_static
from sampler.tracing.tasks import Counting, Probe, Site, Task, Timing, Watching
from sampler.units import UNITS_NS

THREAD, GOROUTINE, NONE = "thread", "goroutine", "none"
_ARGUMENT = re.compile(r"arg(\d{1,2})")
_G = Register(14)  # the goroutine, in all code that Go's compiler has made: src/cmd/compile/abi-internal.md


def task_of(question: AnyQuestion, target: Target) -> Task:
    """Raises PointNotFound, PointAmbiguous, NotAnswerable, ExpressionError, BinaryError, UsageError."""
    match question:
        case CountQuestion(points=points):
            return Counting(tuple(find_probe(point, target) for point in points))
        case LatencyQuestion():
            return _timing(question, target)
        case Question():
            if is_static(question.point):
                raise NotAnswerable(f"{question.point} is a static probe", "no variables are known there",
                                    "count it, or measure a latency; or name a function")  # fmt: skip
            plan = plan_question(question, target, traced=True)
            probe = find_probe(question.point, target, plan)
            return Watching(probe, question.expressions, question.aggregate, plan.unsigned_bits, plan.types)


def _timing(question: LatencyQuestion, target: Target) -> Timing:
    entry, end = find_probe(question.entry, target), find_probe(question.exit, target)
    keys = question.keys or (_usual_key(entry, end, target),)
    for key in keys:
        if key not in (THREAD, GOROUTINE, NONE) and not _ARGUMENT.fullmatch(key):
            raise UsageError(f"{key!r} is no key", fix=f"give {THREAD}, {GOROUTINE}, arg0 to arg11, or {NONE}")
    if NONE in keys and len(keys) > 1:
        raise UsageError(f"{NONE} stands alone", fix="leave it out, or the others")
    by_thread, others = THREAD in keys, [key for key in keys if key not in (THREAD, NONE)]
    shared = {(site.path, site.address) for site in entry.sites} & {(site.path, site.address) for site in end.sites}
    if shared:
        raise NotAnswerable(f"{question.entry} and {question.exit} are one instruction", "nothing is between them",
                            f"give its end: {question.entry.partition('+')[0]}:return")  # fmt: skip
    keyed = [replace(probe, sites=tuple(_keyed(site, probe, others, target) for site in probe.sites))
             for probe in (entry, end)]  # fmt: skip
    return Timing(keyed[0], keyed[1], by_thread, UNITS_NS[question.unit], tuple(others))


def _usual_key(entry: Probe, end: Probe, target: Target) -> str:
    if target.go_version is None:
        return THREAD
    if entry.static is None and end.static is None:
        return GOROUTINE
    raise NotAnswerable(
        f"it is not known which {end.point} belongs to which {entry.point}",
        "a goroutine may be on another thread by then, and a static probe is called where the goroutine is not seen",
        "give --key arg0, if that argument tells one from another, or --key none, if only one is under way at a time",
    )


def _keyed(site: Site, probe: Probe, keys: Sequence[str], target: Target) -> Site:
    return replace(site, plans=tuple(_key(key, site, probe, target) for key in keys))


def _key(key: str, site: Site, probe: Probe, target: Target) -> Node:
    if key == GOROUTINE:
        if target.go_version is None:
            raise NotAnswerable(f"{probe.point} runs on no goroutine", "the program is not Go's", "give --key thread")
        if probe.static is not None:
            raise NotAnswerable(f"the goroutine is not seen at {probe.point}", "C code is called there",
                                "give --key arg0, or name functions")  # fmt: skip
        return _G
    number = int(key.removeprefix("arg"))
    found = site.arguments[number] if number < len(site.arguments) else None
    if found is None:
        why = "it is no static probe" if probe.static is None else "it has none, or none that a program can read"
        raise NotAnswerable(f"{probe.point} tells no {key}", why, "give another --key")
    return found
