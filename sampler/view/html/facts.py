"""What was compared, what came out in short, and how to do it again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sampler.compare.agreement import Agreement
from sampler.compare.beside import untouched_speed
from sampler.compare.findings import Finding
from sampler.compare.model import Crossover
from sampler.compare.result import CONTROL, Comparison
from sampler.units import format_duration
from sampler.view import figures
from sampler.view.comparison import crossover_line
from sampler.view.html import reading
from sampler.view.html.markup import Markup, code, element, joined, listed
from sampler.view.html.section import Section
from sampler.view.html.tables import scrolling

_CUT_SHORT = {
    "interrupted": "It was interrupted: what was measured until then is here.",
    "target-ended": "The target ended before all rounds were done.",
    "error": "An error ended it: what was measured until then is here.",
    "": "It still goes on, or was cut off.",
}


def in_short(rows: Sequence[Finding], crossovers: Sequence[Crossover]) -> Section:
    """In words, what the tables tell."""
    return Section("in-short", "In short", reading.IN_SHORT, (listed(_points(rows, crossovers)),))


def _points(rows: Sequence[Finding], crossovers: Sequence[Crossover]) -> Iterator[str]:
    control = next((row for row in rows if row.arm.instrument == CONTROL), None)
    if control is not None and control.slowdown is not None:
        yield f"By chance alone windows in which nobody asked differ by {figures.slowdown(control.slowdown)}."
    asking = [row for row in rows if row is not control]
    free = [row for row in asking if row.slowdown is not None and row.slowdown.holds(0)]
    if free:
        yield f"The rounds cannot tell what these took from nothing: {_named(free)}."
    dear = [row for row in asking if row.slowdown is not None and (row.slowdown.low or 0) > 0]
    if dear:
        took = (f"{row.arm.name} {figures.slowdown(row.slowdown)}" for row in sorted(dear, key=_lost))
        yield f"These surely took a part of the target's progress: {', '.join(took)}."
    differing = [row for row in asking if row.truth is not None and row.truth.differs]
    if differing:
        yield f"These saw other values than the target itself tells of, beyond chance: {_named(differing)}."
    changing = [row for row in asking if row.effect is not None and _changed(row.effect, control)]
    if changing:
        yield f"While these asked, the target's values were others than before and after: {_named(changing)}."
    yield from _gentler(crossovers)
    failed = [row for row in asking if row.failed and not row.rounds]
    if failed:
        yield f"Nothing came of {_named(failed)}: the reasons stand below."


def _named(rows: Sequence[Finding]) -> str:
    """``perf (1, 10/s), bcc``"""
    rates: dict[str, list[str]] = {}
    for row in rows:
        rates.setdefault(row.arm.instrument, []).extend([] if row.arm.rate is None else [f"{row.arm.rate:g}"])
    return ", ".join(f"{name} ({', '.join(several)}/s)" if several else name for name, several in rates.items())


def _changed(effect: Agreement, control: Finding | None) -> bool:
    """By more than two windows in which nobody asked are apart."""
    by_itself = control.effect.high if control is not None and control.effect is not None else 0.0
    return effect.differs and effect.low > by_itself


def _gentler(crossovers: Sequence[Crossover]) -> Iterator[str]:
    """Those that are always the gentler way together, each other one by itself."""
    always: dict[str, list[str]] = {}
    for one in crossovers:
        if one.always:
            always.setdefault(f"{one.sampling} (up to {one.fastest:,.0f}/s)", []).append(one.tracing)
    for tracing in dict.fromkeys(map(tuple, always.values())):
        sampling = [name for name, than in always.items() if tuple(than) == tracing]
        yield f"At every rate that they reached these took less than {' and '.join(tracing)}: {', '.join(sampling)}."
    for one in crossovers:
        if one.rate is not None and not one.always:
            line = crossover_line(one)
            yield f"{line[:1].upper()}{line[1:]}."


def _lost(row: Finding) -> float:
    return -row.slowdown.value if row.slowdown is not None else 0.0


def compared(found: Comparison) -> Section:
    """Who was asked what, where, and how it was measured."""
    terms = (joined((element("dt", term), element("dd", text))) for term, text in _facts(found))
    return Section("compared", "What was compared", (), (element("dl", *terms),))


def _facts(found: Comparison) -> Iterator[tuple[str, str]]:
    header = found.header
    question, target, machine = header["question"], header["target"], header.get("machine", {})
    made = target.get("go_version") or target["language"]
    yield "question", joined((code(found.expression), " at ", code(question["point"])))
    yield "target", f"{target['name']} (PID {target['pid']}, {made}, {target['threads']} threads)"
    yield "executable", joined((code(target["executable"]), f" (build-id {target.get('build_id') or 'none'})"))
    yield "machine", figures.machine(machine)
    yield "when", str(header.get("started", "unknown"))
    yield "rounds", _rounds(found)
    yield "progress", _progress(found)
    yield "budget", _budget(question)
    yield "sampler", f"version {machine.get('sampler', '?')}, Python {machine.get('python', '?')}"


def _rounds(found: Comparison) -> str:
    header = found.header
    done = max((window.round for window in found.windows), default=0)
    length = format_duration(header["round_ns"])
    return (
        f"{done} of {header['rounds']}; in each, each arm asks for {length}, in an order by chance"
        f" (seed {header['seed']}), and before and after each one nobody asks for as long"
    )


def _progress(found: Comparison) -> str:
    about = found.header["progress"]
    if about["by"] == "counter":
        return joined((code(about["expression"]), f", read in its memory without a stop{_typical(found)}"))
    if about["by"] == "target":
        return f"what the target itself tells{_typical(found)}"
    return "its processor time, which does not tell when calls become dearer"


def _typical(found: Comparison) -> str:
    speed = untouched_speed(found)
    return "" if speed is None else f": {figures.rate(speed)} while nobody asks"


def _budget(question: dict[str, object]) -> str:
    pause, share = question.get("max_pause_ns"), question.get("max_suspended")
    if not isinstance(pause, int) or not isinstance(share, (int, float)):
        return "none"
    return f"suspended for at most {format_duration(pause)} at once, and for at most {100 * share:g} % of the time"


def again(found: Comparison) -> Section:
    """The command, and what makes it the same."""
    command = str(found.header.get("command", ""))
    if "--seed" not in command:
        command = command.replace("sampler compare ", f"sampler compare --seed {found.header['seed']} ", 1)
    box: Markup = scrolling("the command", element("pre", code(command)))
    return Section("again", "How to do it again", reading.AGAIN, (box,))


def cut_short(found: Comparison) -> str:
    """Empty where all rounds were done."""
    untidy = "".join(
        f" {window.arm.name} has not left the target as it was: {window.untidy}."
        for window in found.windows
        if window.untidy
    )
    return ("" if found.ended == "done" else _CUT_SHORT.get(found.ended, f"It ended by {found.ended}.")) + untidy
