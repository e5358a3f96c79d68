"""BCC as the tool that sets the probes: in a process of its own, for it belongs to the system's Python."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import struct
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from sampler.errors import NotPermitted, SamplerError, TracerMissing, TracerRefused
from sampler.linux import bpf
from sampler.question import COUNT, LINEAR, LOG2, Aggregate
from sampler.sample import Interval
from sampler.tally import Bucket, Numbers
from sampler.tracing import bcc_text
from sampler.tracing.base import Order
from sampler.tracing.events import Event, Failed, Hit, Reading, Ready
from sampler.tracing.headers import kernel_headers
from sampler.tracing.process import Command
from sampler.tracing.tasks import Counting, Timing, Watching

#: Names the Python that has BCC.
VARIABLE = "SAMPLER_BCC_PYTHON"
_ANSWER_S = 20.0
_HEAD = struct.Struct("<QQ")
_NOISE = re.compile(r"uprobe_events|RLIMIT_MEMLOCK|^\s*$")


@dataclass(frozen=True, slots=True)
class BccTool:
    """``python``: that has it. ``headers``: a folder for BCC_KERNEL_SOURCE; None where BCC finds its own."""

    python: str
    version: str
    headers: str | None


@cache
def find_bcc() -> BccTool:
    """TracerMissing: no BCC, or no kernel headers."""
    python = os.environ.get(VARIABLE) or shutil.which("python3", path="/usr/bin:/bin")
    if not python:
        raise TracerMissing("BCC is not installed", "there is no /usr/bin/python3", "apt-get install python3-bpfcc")
    try:
        done = subprocess.run([python, "-c", "import bcc; print(bcc.__version__)"], capture_output=True, text=True,
                              timeout=_ANSWER_S, check=False, stdin=subprocess.DEVNULL)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TracerMissing(
            f"{python} does not start", str(error), f"name a Python that has BCC in ${VARIABLE}"
        ) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise TracerMissing("BCC is not installed", f"{python}: {last}", "apt-get install python3-bpfcc")
    return BccTool(python, done.stdout.strip().partition("+")[0], kernel_headers())


class Bcc:
    """One task for BCC. Raises TracerError, NotPermitted, NotExpressible."""

    name = "bcc"
    everywhere = False

    def __init__(self, order: Order) -> None:
        self._order, self._task = order, order.task
        self._tool = find_bcc()
        if not bpf.permitted():
            raise NotPermitted("BCC may load no programs here", f"the kernel refuses them to user {os.geteuid()}",
                               "run as root, or with CAP_BPF and CAP_PERFMON")  # fmt: skip
        self._program = bcc_text.program(order.task, order.only, order.bias)
        self.text = self._program.text

    def describe(self) -> dict[str, Any]:
        return {"name": "bcc", "version": self._tool.version}

    def command(self) -> Command:
        worker = Path(__file__).with_name("bcc_worker.py")
        environment = {"BCC_KERNEL_SOURCE": self._tool.headers} if self._tool.headers else {}
        return Command([self._tool.python, "-I", str(worker)], environment, json.dumps(self._asked()) + "\n")

    def _asked(self) -> dict[str, Any]:
        attach = [
            {
                "path": one.site.path,
                "offset": one.site.offset,
                "semaphore": one.site.semaphore,
                "function": one.function,
            }
            for one in self._program.attachments
        ]
        slots = self._program.slots
        return {
            "text": self.text,
            "attach": attach,
            "pid": self._order.pid,
            "every_ms": max(1, self._order.every_ns // 1_000_000),
            "maps": self._program.maps,
            "record": 0 if slots is None else _HEAD.size + 8 * slots,
        }

    def events(self, line: str) -> Iterator[Event]:
        """What a line of the worker's tells, see there."""
        match json.loads(line):
            case {"ready": [_, int(at_ns)], "opened": int(count)}:
                yield Ready(at_ns, count)
            case {"reading": [int(low), int(high)], "maps": dict(maps)}:
                yield self._reading(Interval(low, high), maps)
            case {"hits": str(records)}:
                yield from self._hits(base64.b64decode(records))
            case {"failed": str(what), "why": str(why)}:
                yield Failed(what, why)

    def last(self, at_ns: Interval) -> Iterator[Reading]:
        """Its last reading is a line like the others."""
        return iter(())

    def explain(self, complaints: Sequence[str], failed: Failed | None) -> SamplerError:
        """Why it ended before it was asked to."""
        if failed is not None and failed.what == "import":
            return TracerMissing("BCC cannot be loaded", failed.why, "apt-get install python3-bpfcc")
        if failed is not None and failed.what == "attach":
            return TracerRefused("the kernel does not set the probe", failed.why, "see `sampler doctor`")
        real = [line for line in complaints if not _NOISE.search(line)]
        errors = [line for line in real if re.search(r"\b(fatal )?error\b", line)]
        why = (errors or real[-1:] or ([failed.why] if failed else ["it ended without a word"]))[0]
        return TracerRefused(
            "BCC does not run the program", why, "see `sampler doctor`, or ask with --instrument bpftrace"
        )

    def _hits(self, records: bytes) -> Iterator[Hit]:
        slots = self._program.slots or 0
        for site, at_ns, *values in struct.iter_unpack(f"<QQ{slots}Q", records):
            yield Hit(site, at_ns, values)

    def _reading(self, at_ns: Interval, maps: dict[str, list[Any]]) -> Reading:
        unreadable, lost, met = (sum(maps.get(name, [])) for name in ("unreadable", "lost", "met"))
        match self._task:
            case Counting(probes=probes):
                counts = {probe.point: count for probe, count in zip(probes, maps["calls"], strict=True)}
                return Reading(at_ns, counts, unreadable=unreadable)
            case Timing(entry=entry):
                latency = list(_log2(maps["latency"]))
                return Reading(at_ns, {entry.point: maps["starts"][0]}, {entry.point: latency},
                               ends_alone=maps["ends_alone"][0], unreadable=unreadable, lost=lost)  # fmt: skip
            case Watching(expressions=expressions, aggregate=aggregate):
                found = Reading(at_ns, unreadable=unreadable, lost=lost, met=met)
                if aggregate is None:
                    return found
                by_name = {name: maps[f"values{number}"] for number, name in enumerate(expressions)}
                return _summed_up(found, aggregate, by_name)


def _summed_up(found: Reading, aggregate: Aggregate, maps: dict[str, list[Any]]) -> Reading:
    match aggregate.kind:
        case kind if kind == COUNT:
            return replace(found, counts={name: told[0] for name, told in maps.items()})
        case kind if kind == LOG2:
            histograms = {name: [*_below(told[0], 0), *_log2(told[1:])] for name, told in maps.items()}
            return replace(found, histograms=histograms)
        case kind if kind == LINEAR:
            histograms = {name: list(_linear(told, aggregate)) for name, told in maps.items()}
            return replace(found, histograms=histograms)
    numbers = {name: _numbers(told) for name, told in maps.items()}
    return replace(found, numbers=numbers)


def _numbers(told: Sequence[Sequence[int]]) -> Numbers:
    """From those of each processor that has met a hit."""
    low, high = min((one[2] for one in told), default=None), max((one[3] for one in told), default=None)
    return Numbers(sum(one[0] for one in told), sum(one[1] for one in told), low, high)


def _below(count: int, bound: int) -> Iterator[Bucket]:
    if count:
        yield None, bound, count


def _log2(slots: Sequence[int]) -> Iterator[Bucket]:
    """The first for 0; then bpf_log2l is one more than the logarithm, rounded down."""
    for slot, count in enumerate(slots):
        if count:
            yield (0, 1, count) if slot == 0 else (1 << (slot - 1), 1 << slot, count)


def _linear(slots: Sequence[int], aggregate: Aggregate) -> Iterator[Bucket]:
    yield from _below(slots[0], aggregate.low)
    for place, count in enumerate(slots[1:-1]):
        low = aggregate.low + place * aggregate.step
        if count:
            yield low, min(low + aggregate.step, aggregate.high), count
    if slots[-1]:
        yield aggregate.high, None, slots[-1]
