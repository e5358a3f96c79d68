"""One run of a tracing tool on one process: from the start of the tool to what it has counted when it was ended."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sampler.bpf.values import NotExpressible
from sampler.errors import NotAnswerable, SamplerError, TargetEnded, TracerRefused
from sampler.instruments.base import Report
from sampler.instruments.presence import Presence
from sampler.linux import procfs
from sampler.linux.kernel_pid import kernel_pid
from sampler.linux.signals import ProcessHandle
from sampler.linux.wakeup import StopRequest
from sampler.planning import image_of, load_bias
from sampler.sample import Cost, Interval
from sampler.tally import Tally
from sampler.target import Target
from sampler.tracing.base import Order, Tool, tool_class
from sampler.tracing.events import Event, Failed, Hit, Lost, Reading, Ready
from sampler.tracing.hit_cost import HitCosts
from sampler.tracing.process import Process
from sampler.tracing.tasks import Site, Task, Watching
from sampler.units import NS_PER_SECOND

_STARTS_WITHIN_NS = 60 * NS_PER_SECOND  # the tool compiles its program
_CENSUS_NS = NS_PER_SECOND
_READ_EVERY_NS = NS_PER_SECOND // 10
_MOST_AT_ONCE = 10_000  # hits in one line of the recording
_A_PROBE_NS = NS_PER_SECOND // 4  # to set one, and to take it away


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a tracer is given. ``tool``: its name; ``every_ns``: how often is read what was counted."""

    task: Task
    tool: str
    target: Target
    stop: StopRequest
    report: Report
    start_ns: int
    every_ns: int


class Tracer:
    """Probes for the length of a ``with`` block. Creating one writes the program and sets nothing.

    Raises TracerError, NotPermitted, NotAnswerable.
    """

    def __init__(self, given: Assignment) -> None:
        self._given, self._target, self.task = given, given.target, given.task
        self._presence = Presence(given.target)
        with image_of(given.target) as image:
            bias = load_bias(given.target.pid, image)
        kind = tool_class(given.tool)
        only = _kernels_number(given, kind)
        order = Order(given.task, given.target.pid, only, bias, min(given.every_ns, _READ_EVERY_NS))
        try:
            self._tool = kind(order)
        except NotExpressible as reason:
            summed = isinstance(given.task, Watching) and given.task.aggregate is None
            fix = "ask with --instrument perf or ptrace" if summed else "leave that out"
            raise NotAnswerable(f"{given.tool} cannot ask that", f"its programs cannot read {reason}", fix) from reason
        self.costs = HitCosts.of(given.task.sites)
        self._patience_ns = _STARTS_WITHIN_NS + len(given.task.sites) * _A_PROBE_NS
        self._process = Process(self._tool.command(), len(given.task.sites) * _A_PROBE_NS / NS_PER_SECOND)
        self._open = ExitStack()
        self._failed: Failed | None = None
        self._hits = self._lost = 0
        self.ready_ns: int | None = None  # on the monotonic clock

    @property
    def text(self) -> str:
        """The program that runs."""
        return self._tool.text

    def describe(self) -> dict[str, Any]:
        """For the recording's header."""
        tool = self._tool.describe()
        return {
            "instrument": tool["name"],
            "tool": {"version": tool["version"]},
            "sites": [_described(site) for site in self.task.sites],
            "others": self._others(),
            "hit_ns": self.costs.to_json(),
            "program": self.text,
        } | ({"types": self.task.types} if isinstance(self.task, Watching) else {})

    def _others(self) -> int:
        """How many other processes meet the probes too, and pay: those that run the same file, if the tool is so."""
        everywhere = self._tool.everywhere and any(probe.static is None for probe in self.task.probes)
        return len(procfs.running_the_same(self._target.pid)) if everywhere else 0

    def __enter__(self) -> Self:
        """The tool is started; that its probes are set is told by ``results``."""
        with ExitStack() as opened:
            self._handle = opened.enter_context(_handle(self._target, self._presence))
            opened.enter_context(self._presence)
            opened.enter_context(self._process)
            self._watch = select.epoll()
            opened.callback(self._watch.close)
            for descriptor in (self._process.descriptor, self._handle.fileno()):
                self._watch.register(descriptor, select.EPOLLIN)
            self._open = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def results(self, duration_ns: int | None) -> Iterator[list[Hit] | Tally]:
        """Hits as they come, many at a time, and what was counted, as often as it is read: so long from when all probes
        were set, or until asked to stop. The last was read while all were set: tools take one away after another.

        Raises TargetEnded once that is done, TracerError.
        """
        stop, end_ns = self._given.stop, None
        begun_ns = time.monotonic_ns()
        ended: TargetEnded | None = None
        while stop.reason is None and (end_ns is None or time.monotonic_ns() < end_ns):
            yield from self._gathered(self._events(self._process.lines()))
            if end_ns is None and self.ready_ns is not None and duration_ns is not None:
                end_ns = self.ready_ns + duration_ns
            failed = self._failed  # first: it may end because the target does
            if self._has_ended():
                ended = self._presence.ended()
                break
            if failed is not None or self._process.has_ended:
                raise self._explained(failed)
            if self.ready_ns is None and time.monotonic_ns() > begun_ns + self._patience_ns:
                raise TracerRefused(f"{self._given.tool} does not begin", "it has had its time", "name fewer points")
            now_ns = time.monotonic_ns()
            stop.wait_until(min(now_ns + _CENSUS_NS, end_ns or now_ns + _CENSUS_NS), self._watch.fileno())
        yield from self._finished(ended is not None)
        if ended is not None:
            raise ended

    def _has_ended(self) -> bool:
        """The target, or the program that was asked about."""
        if self._handle.has_ended:
            return True
        try:
            self._presence.check()
        except TargetEnded:
            return True
        return False

    def _explained(self, failed: Failed | None) -> SamplerError:
        for _ in self._process.last_lines():
            pass
        return self._tool.explain(self._process.complaints(), failed)

    def _finished(self, target_ended: bool) -> Iterator[list[Hit] | Tally]:
        """``target_ended``: nobody comes by any more, and all that the tool says at its end is true of one moment. So
        it is of hits that are handed over one by one.
        """
        asked_ns = time.monotonic_ns()
        self._process.ask_to_end()
        yield from self._gathered(self._events(self._process.last_lines()))
        one_by_one = isinstance(self.task, Watching) and self.task.aggregate is None
        cut_short = self._process.was_killed
        if self.ready_ns is not None and (target_ended or one_by_one):
            last = list(self._tool.last(Interval(asked_ns, time.monotonic_ns())))
            cut_short = cut_short or any(reading.cut_short for reading in last)
            yield from map(self._tally, last)
        took = {"took_ns": time.monotonic_ns() - asked_ns} | ({"cut_short": True} if cut_short else {})
        self._given.report("detach", {"suspended_ns": [0, 0], **took})

    def _events(self, lines: Iterator[str]) -> Iterator[Event]:
        for line in lines:
            yield from self._tool.events(line)

    def _gathered(self, events: Iterator[Event]) -> Iterator[list[Hit] | Tally]:
        """Hits that come together are given together."""
        hits: list[Hit] = []
        for event in events:
            if isinstance(event, Hit):
                hits.append(event)
                if len(hits) < _MOST_AT_ONCE:
                    continue
            if hits:
                yield self._counted(hits)
                hits = []
            if not isinstance(event, Hit):
                yield from self._taken(event)
        if hits:
            yield self._counted(hits)

    def _taken(self, event: Ready | Reading | Lost | Failed) -> Iterator[Tally]:
        match event:
            case Ready():
                self._begin(event)
            case Reading():
                yield self._tally(event)
            case Lost(count=count):
                self._lost += count
            case Failed():
                self._failed = event

    def _begin(self, ready: Ready) -> None:
        """Raises TracerRefused if fewer probes were set than there are sites: what is missed looks like silence."""
        wanted = self._wanted()
        if ready.probes < wanted:
            what = f"{self._given.tool} has set {ready.probes} of {wanted} probes"
            raise TracerRefused(what, "the others were not taken", "name fewer points, or use another tool")
        if self.ready_ns is not None:
            return
        self.ready_ns = ready.at_ns
        self._process.forget_files()
        at_ns = ready.at_ns - self._given.start_ns
        self._given.report("attach", {"suspended_ns": [0, 0], "probes": ready.probes, "ready_ns": at_ns})

    def _wanted(self) -> int:
        """A static probe may be one to a tool, at however many places."""
        return sum(1 if probe.static else len(probe.sites) for probe in self.task.probes)

    def _counted(self, hits: list[Hit]) -> list[Hit]:
        if self.ready_ns is None:  # its timer ticks later
            self._begin(Ready(time.monotonic_ns(), self._wanted()))
        self._hits += len(hits)
        return hits

    def _tally(self, reading: Reading) -> Tally:
        start_ns = self._given.start_ns
        read_ns = Interval(reading.at_ns.low - start_ns, reading.at_ns.high - start_ns)
        hits = self._met(reading)
        cost = Cost(self.costs.total(hits), hits=hits)
        return Tally(
            read_ns.high, read_ns, reading.counts, reading.histograms, reading.numbers, reading.ends_alone,
            reading.unreadable + reading.zeroed, reading.lost + self._lost, cost,
        )  # fmt: skip

    def _met(self, reading: Reading) -> int:
        """How many hits there were, as far as is known."""
        ends = [sum(count for _, _, count in found) for found in reading.histograms.values()]
        summed = [one.count for one in reading.numbers.values()]
        if isinstance(self.task, Watching):  # each expression counts the same hits
            handed = self._hits + self._lost + reading.lost
            return max(reading.met, max([handed, *reading.counts.values(), *ends, *summed]) + reading.unreadable)
        return sum(reading.counts.values()) + sum(ends) + reading.ends_alone + reading.unreadable


def _kernels_number(given: Assignment, kind: type[Tool]) -> int | None:
    """What the kernel calls the target; None where the tool need not know. NotAnswerable where it must, and we do not.

    Others who run the same file meet the probes too, and in a PID namespace of our own we do not even see them.
    """
    if procfs.pids_are_the_kernels():
        return given.target.pid
    if not kind.everywhere or all(probe.static is not None for probe in given.task.probes):
        return None
    try:
        found = kernel_pid(given.target.pid)
        why = "it did nothing in three seconds"
    except OSError as error:
        found, why = None, f"the kernel refuses to tell: {error.strerror}"
    if found is None:
        raise NotAnswerable(
            f"{given.tool} would not tell hits of process {given.target.pid} from those of others",
            f"in this PID namespace its number for the kernel is not known, and {why}", "ask with --instrument bcc",
        )  # fmt: skip
    return found


def _handle(target: Target, presence: Presence) -> ProcessHandle:
    try:
        return ProcessHandle(target.pid)
    except ProcessLookupError as error:
        raise presence.ended() from error


def _described(site: Site) -> dict[str, Any]:
    return {
        "address": f"{site.address:#x}",
        "where": site.where,
        "path": site.path,
        "instruction": site.instruction,
        "emulated": site.emulated,
    }
