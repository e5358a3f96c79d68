"""What works here, what does not, and the fix: each check by trying, none by guessing.

The target, if one is named, is only looked at; nothing is attached.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sampler.errors import ExpressionBeyond, LibraryMissing, NotPermitted, SamplerError
from sampler.instruments.base import TRACING, Assignment
from sampler.instruments.choice import COMPILING, made
from sampler.instruments.dlv import check_binary
from sampler.instruments.dlv_tool import find_delve
from sampler.instruments.gdb_tool import find_gdb
from sampler.instruments.hit_cost import measured
from sampler.linux import bpf
from sampler.linux.wakeup import StopRequest
from sampler.planning import QuestionPlan, image_of, plan_question
from sampler.question import Question
from sampler.resolve import find_pid, resolve
from sampler.target import Target
from sampler.tracing.bcc import find_bcc
from sampler.tracing.bpftrace import find_bpftrace
from sampler.tracing.hit_cost import measured as traced_hit
from sampler.tracing.run import TracingRun
from sampler.units import span

_CAP_SYS_PTRACE = 19  # include/uapi/linux/capability.h
_MOST_LISTED = 3
# Measured by `make bench` on the machine that the README describes: an order of magnitude, no promise.
_COSTS = {
    "dlv": "every thread is suspended for some 10 to 40 ms a look, and 0.2 to 0.5 s to attach",
    "gdb": "every thread is suspended for some 3 to 30 ms a look, and 0.2 to 0.5 s to attach",
    "ptrace": "one thread is suspended for some 20 to 100 µs a look, nobody to attach",
    "perf": "nobody is stopped; the thread that is hit, or interrupted, loses some 30 to 100 µs a look",
    "peek": "nobody notices; an anchor every second, by the gentlest of the others",
}
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_YAMA_MEANS = {"1": "only children, unless by CAP_SYS_PTRACE", "2": "only by CAP_SYS_PTRACE", "3": "nobody"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, whether it went well, what was seen, and what to do if it did not."""

    name: str
    good: bool
    seen: str
    fix: str = ""


def examine(target: str | None, question: Question | None = None) -> Iterator[Finding]:
    """The findings, in the order in which to put things right; of a question, whether it can be answered."""
    yield _machine()
    yield _rights()
    found: list[Target] = []
    about = _tried("target", lambda: _target(target or "", found)) if target is not None else None
    native = bool(found) and found[0].go_version is None
    yield _spared(_tried("dlv", _delve), "for Go programs only") if native else _tried("dlv", _delve)
    yield _spared(_tried("gdb", _gdb), "for native programs only, beside ptrace")
    yield _spared(_tried("perf", _perf), "ptrace is there")
    yield _spared(_tried("uprobes", _uprobes), "for count, latency, and what meets every hit")
    tracing = [_tried("bpftrace", _bpftrace), _tried("bcc", _bcc)]
    yield from (_spared(one, f"for count and latency; to have it: {one.fix}") for one in tracing)
    yield _spared(_tried("plots", _matplotlib), "for pictures; a recording can be drawn elsewhere")
    if about is not None:
        yield about
    for one in found:
        yield from _asked(one, question)


def _asked(target: Target, question: Question | None) -> Iterator[Finding]:
    if question is not None:
        yield from _question(target, question)
    elif target.go_version is not None:
        yield _tried("dlv on it", lambda: _delve_on(target))
    else:
        yield _tried("its names", lambda: _debug_info(target))


def _spared(finding: Finding, what_for: str) -> Finding:
    """What is missing, but is not needed."""
    return finding if finding.good else Finding(finding.name, True, f"none: {finding.seen}; {what_for}")


def _tried(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except SamplerError as error:
        return Finding(name, False, error.reason, error.fix)


def _machine() -> Finding:
    good = sys.platform == "linux" and platform.machine() == "x86_64"
    return Finding(
        "machine",
        good,
        f"Linux {platform.release()} on {platform.machine()}, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}",
        "" if good else "sampler runs on Linux on x86-64",
    )


def _rights() -> Finding:
    effective = int(_status_field("CapEff"), 16)
    capable = bool(effective >> _CAP_SYS_PTRACE & 1)
    scope = _YAMA.read_text().strip() if _YAMA.exists() else "0"
    who = f"user {os.geteuid()}, {'with' if capable else 'without'} CAP_SYS_PTRACE"
    limit = f"; Yama allows {_YAMA_MEANS[scope]}" if scope in _YAMA_MEANS else ""
    if capable and scope != "3":
        return Finding("rights", True, f"{who}: any process may be traced")
    good = scope == "0"
    return Finding(
        "rights",
        good,
        f"{who}: {'your own processes may be traced' if good else 'tracing is limited'}{limit}",
        "" if good else "run as root, or set kernel.yama.ptrace_scope to 0",
    )


def _status_field(name: str) -> str:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return line.partition(":")[2].strip()
    return "0"


def _delve() -> str:
    tool = find_delve()
    return f"Delve {tool.version_text} at {tool.path}, for programs up to go{tool.version[0]}.{tool.version[1]}"


def _gdb() -> str:
    tool = find_gdb()
    return f"GDB {tool.version} at {tool.path}"


def _perf() -> str:
    """On ourselves: a breakpoint that is hit, and its handler."""
    atomic = bpf.permitted()
    hit_ns = measured(in_kernel=atomic).hit_ns
    handler = "a program in the kernel" if atomic else "no program in the kernel allowed: memory is read after the hit"
    return f"a hit takes {span(hit_ns.low, hit_ns.high)} here; {handler}"


def _uprobes() -> str:
    """On ourselves."""
    cheap, dear = traced_hit(True), traced_hit(False)
    return (
        f"a hit takes {span(cheap.low, cheap.high)} on an instruction that the kernel emulates,"
        f" {span(dear.low, dear.high)} on another"
    )


def _bpftrace() -> str:
    tool = find_bpftrace()
    if os.geteuid() != 0:
        raise NotPermitted("bpftrace runs as root only", f"you are user {os.geteuid()}", "run sampler as root")
    return f"bpftrace {tool.version} at {tool.path}"


def _bcc() -> str:
    tool = find_bcc()
    headers = f"headers in {tool.headers}" if tool.headers else "headers as BCC finds them"
    return f"BCC {tool.version} of {tool.python}; {headers}"


def _matplotlib() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"matplotlib {version('matplotlib')}"
    except PackageNotFoundError as error:
        raise LibraryMissing("matplotlib is not installed") from error


def _target(name: str, resolved: list[Target]) -> str:
    found = resolve(find_pid(name))
    resolved.append(found)
    return (
        f"{found.name}, PID {found.pid}, {found.go_version or found.language}, {found.threads} threads,"
        f" text {'as its file' if not found.patched else f'patched at {len(found.patched)} bytes'}"
    )


def _debug_info(target: Target) -> str:
    with image_of(target) as image:
        return f"{len(image.units.all)} units of debug information"


def _question(target: Target, question: Question) -> Iterator[Finding]:
    """Answerable there? By what, and at what cost? It is well if one instrument can."""
    plans: list[QuestionPlan] = []
    planned = _tried("question", lambda: _answerable(target, question, plans))
    yield planned
    if planned.good:
        found = _by_each(target, question, plans[0] if plans else None)
        able = any(finding.good for finding in found)
        yield from (_spared(finding, "another can ask it") if able else finding for finding in found)


def _by_each(target: Target, question: Question, plan: QuestionPlan | None) -> list[Finding]:
    """Without a plan only the debugger may know an answer."""
    debugger = "dlv" if target.go_version is not None else "gdb"
    stop = StopRequest()
    try:
        assignment = Assignment(question, target, stop, lambda *_: None, time.monotonic_ns(), plan=plan)
        names = (*COMPILING, debugger, "peek") if plan is not None else (debugger,)
        tools = TRACING if plan is not None else ()
        return [*(_by(name, assignment) for name in names), *(_traced_by(name, assignment) for name in tools)]
    finally:
        stop.close()


def _traced_by(tool: str, assignment: Assignment) -> Finding:
    def cost() -> str:
        given = (assignment.target, assignment.stop, assignment.report, assignment.start_ns)
        each = TracingRun(assignment.question, tool, *given).hit_ns
        return f"every hit pays, {span(each.low, each.high)} and what its handler does"

    return _tried(f"by {tool}", cost)


def _by(name: str, assignment: Assignment) -> Finding:
    def cost() -> str:
        made(name, assignment)
        return _COSTS[name]

    return _tried(f"by {name}", cost)


def _answerable(target: Target, question: Question, plans: list[QuestionPlan]) -> str:
    try:
        plan = plan_question(question, target)
    except ExpressionBeyond as error:
        return f"{error.why}; a debugger may"
    plans.append(plan)
    kinds = ", ".join(f"{text} is of type {kind}" for text, kind in plan.types.items())
    where = "; ".join(place.where for place in plan.places[:_MOST_LISTED])
    more = f" and {len(plan.places) - _MOST_LISTED} places more" if len(plan.places) > _MOST_LISTED else ""
    not_at = f"; not at {len(plan.unanswerable)} others, {plan.unanswerable[0][1]}" if plan.unanswerable else ""
    return f"{kinds}; at {where}{more}{not_at}"


def _delve_on(target: Target) -> str:
    tool = check_binary(target)
    return f"Delve {tool.version_text} can read it"
