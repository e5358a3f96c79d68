"""A task as a program of bpftrace's language, to be run with ``-f json``; as one would write it by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sampler.bpf.values import NotExpressible
from sampler.question import COUNT, LINEAR, LOG2, STATS, Aggregate
from sampler.tracing.handler import Dialect, Emitter, commented
from sampler.tracing.slots import Slots, check_integers
from sampler.tracing.tasks import Counting, Probe, Site, Task, Timing, Watching

#: Begin the lines that the program prints for us: the moment of a reading, and the values of one hit.
READING, READ, SAMPLE, LEFT = "at", "read", "hit", "left"
#: The maps. Of several points those of counts and of aggregates have a number as their key.
COUNTS, STARTS, LATENCY, ENDS_ALONE, UNREADABLE, BEGAN = (
    "@calls",
    "@starts",
    "@latency",
    "@ends_alone",
    "@unreadable",
    "@began",
)
VALUES = "@values"
#: Hits that were to be handed over: of those that found no room, the kernel tells only with the next that finds some.
HANDED_OVER = "@hits"
#: Hits at which a condition was looked at.
MET = "@met"
#: Of stats, by processor: bpftrace's own min and max know no numbers below 0 or beyond 32 bits (0.17).
LOWEST, HIGHEST, _SEEN = "@lowest", "@highest", "@seen"
_MOST_SLOTS = 24  # what printf takes is built on the kernel's stack of 512 bytes
_LARGEST = 1 << 63


class Bpftrace(Dialect):
    """Statements of a handler. ``reads``: the variables with what was read from memory, so far."""

    sigil = "$"

    def __init__(self, one_by_one: bool = False) -> None:
        """``one_by_one``: each hit is handed over; it says so too when it is not, if it may have failed to read."""
        super().__init__()
        self.reads: list[str] = []
        self._one_by_one = one_by_one

    def let(self, value: str) -> str:
        name = self.fresh()
        self.add(f"{name} = (uint64)({_bare(value)});")
        return name

    def change(self, name: str, value: str) -> None:
        self.add(f"{name} = (uint64)({_bare(value)});")

    def fail_if(self, condition: str) -> None:
        with self.block(condition):
            self.add(f"{UNREADABLE} = count();")
            self.leave()

    def leave(self) -> None:
        if self._one_by_one and self.reads:
            with self.block(f"{self.zeros()} > 0"):
                self.add(f'printf("{LEFT} %d\\n", cpu);')
        self.add("return;")

    def zeros(self) -> str:
        """How many of the reads gave 0, as one that failed does."""
        return f"({' + '.join(f'({name} == 0)' for name in self.reads)})" if self.reads else "0"

    def first(self, register: str) -> str:
        return f'${register} = reg("{register}");'

    def read(self, address: str, size: int) -> str:
        name = self.let(f"*(uint{8 * size} *){address}")
        self.reads.append(name)
        return name

    def constant(self, value: int) -> str:
        value &= (1 << 64) - 1
        return f"(uint64)({value - (1 << 64)})" if value >= _LARGEST else str(value)

    def extended(self, value: str, width: int) -> str:
        sign = 1 << (width - 1)
        return f"((({value} & {2 * sign - 1:#x}) ^ {sign:#x}) - {sign:#x})"

    def as_signed(self, value: str) -> str:
        return f"(int64){value}"

    def shifted_with_sign(self, value: str, by: str) -> str:
        name = self.let(value)
        return f"((int64){name} < 0 ? ~(~{name} >> {by}) : {name} >> {by})"


def _bare(value: str) -> str:
    """Without the brackets around all of it."""
    if not value.startswith("("):
        return value
    depth = 0
    for at, mark in enumerate(value):
        depth += (mark == "(") - (mark == ")")
        if depth == 0:
            return value[1:-1] if at == len(value) - 1 else value
    return value


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of the run: how often to read, whose hits count (None: whoever's), and by what names sites go.

    ``names``: of a site that the tool cannot be given by its address. ``numbered``: stands behind ``pid`` and ``tid``.
    """

    every_ns: int
    only: int | None
    bias: int
    names: Mapping[Site, str]
    numbered: str = ""


def program(task: Task, setting: Setting) -> str:
    """Raises NotExpressible."""
    writer = _Writer(setting)
    match task:
        case Counting():
            return writer.counting(task)
        case Timing():
            return writer.timing(task)
        case Watching():
            return writer.watching(task)


class _Writer:
    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def counting(self, task: Counting) -> str:
        several = len(task.probes) > 1
        handlers = []
        for number, probe in enumerate(task.probes):
            key = f"[{number}]" if several else ""
            handlers.append(self._handler(probe, probe.sites, [f"    {COUNTS}{key} = count();"]))
        return self._whole([COUNTS], handlers)

    def timing(self, task: Timing) -> str:
        handlers = []
        for sites in _alike(task.entry):
            code, key = self._key(task, task.entry, sites[0])
            code.add(f"{BEGAN}[{key}] = nsecs;")
            code.add(f"{STARTS} = count();")
            handlers.append(self._handler(task.entry, sites, code.lines))
        for sites in _alike(task.exit):
            code, key = self._key(task, task.exit, sites[0])
            code.add(f"$began = {BEGAN}[{key}];")
            unit = f" / {task.unit_ns}" if task.unit_ns > 1 else ""
            with code.block("$began > 0"):
                code.add(f"{LATENCY} = hist((nsecs - $began){unit});")
                code.add(f"delete({BEGAN}[{key}]);")
            with code.block("$began == 0"):
                code.add(f"{ENDS_ALONE} = count();")
            handlers.append(self._handler(task.exit, sites, code.lines))
        return self._whole([STARTS, LATENCY, ENDS_ALONE], handlers)

    def _key(self, task: Timing, probe: Probe, site: Site) -> tuple[Bpftrace, str]:
        """Of a static probe by the names that bpftrace has itself: it knows where each is at each of its places."""
        code = Bpftrace()
        emitter = Emitter(code, self._setting.bias)
        parts = list(task.keys) if probe.static is not None else [emitter.of(plan) for plan in site.plans]
        thread = [f"tid{self._setting.numbered}"] if task.by_thread else []
        return code, ", ".join([*thread, *map(_bare, parts)]) or "0"

    def watching(self, task: Watching) -> str:
        handlers = []
        for sites in _alike(task.probe):
            site, code = sites[0], Bpftrace(one_by_one=task.aggregate is None)
            emitter = Emitter(code, self._setting.bias)
            if site.conditions:
                code.add(f"{MET} = count();")
            for condition in site.conditions:
                with code.block(f"{emitter.of(condition)} == 0"):
                    code.leave()
            if task.aggregate is None:
                self._hand_over(code, emitter, site, task.probe.sites.index(site))
            else:
                self._sum_up(code, emitter, site, task.aggregate)
            handlers.append(self._handler(task.probe, sites, code.lines))
        numbered = range(len(task.expressions))
        names = (VALUES, LOWEST, HIGHEST) if task.aggregate is not None else ()
        maps = [f"{name}{number}" for number in numbered for name in names]
        return self._whole(maps, handlers)

    def _hand_over(self, code: Bpftrace, emitter: Emitter, site: Site, number: int) -> None:
        plans = Slots.of(site.plans).plans
        if len(plans) > _MOST_SLOTS:
            raise NotExpressible(f"so much at once: {len(plans)} numbers")
        values = [_bare(emitter.of(plan)) for plan in plans]
        code.add(f"{HANDED_OVER} = count();")
        form = " ".join([SAMPLE, str(number), "%llu %d %d", *["%llx"] * len(values)])
        code.add(f'printf("{form}\\n", {", ".join(["nsecs", "cpu", code.zeros(), *values])});')

    def _sum_up(self, code: Bpftrace, emitter: Emitter, site: Site, aggregate: Aggregate) -> None:
        check_integers(site.plans)
        # All of them first: what cannot be read at a hit is in no sum.
        for number, name in enumerate([code.let(emitter.of(plan)) for plan in site.plans]):
            value = code.as_signed(name)
            if aggregate.kind == STATS:
                self._keep_extremes(code, number, value)
            code.add(f"{VALUES}{number} = {_aggregated(aggregate, value)};")

    def _keep_extremes(self, code: Bpftrace, number: int, value: str) -> None:
        for name, sign in ((LOWEST, "<"), (HIGHEST, ">")):
            known = f"{name}{number}[cpu]"
            with code.block(f"{_SEEN}{number}[cpu] == 0 || {value} {sign} {known}"):
                code.add(f"{known} = {value};")
        code.add(f"{_SEEN}{number}[cpu] = 1;")

    # Around it.

    def _handler(self, probe: Probe, sites: Sequence[Site], lines: Sequence[str]) -> str:
        what = ",\n".join(dict.fromkeys(self._attach_point(probe, site) for site in sites))
        only = f"\n/pid{self._setting.numbered} == {self._setting.only}/" if self._setting.only is not None else ""
        body = "\n".join(lines)
        return f"// {commented(probe.point + _remark(probe, sites))}\n{what}{only}\n{{\n{body}\n}}"

    def _attach_point(self, probe: Probe, site: Site) -> str:
        if probe.static is not None:
            return f"usdt:{site.path}:{probe.static[0]}:{probe.static[1]}"
        name = self._setting.names.get(site)
        return f'uprobe:{site.path}:"{name}"' if name else f"uprobe:{site.path}:{site.address:#x}"

    def _whole(self, maps: Sequence[str], handlers: Sequence[str]) -> str:
        """The reading comes first: bpftrace attaches from the last to the first, so that when it ticks all is set."""
        readings = "".join(f"\n    print({name});" for name in [*maps, UNREADABLE, MET] if _is_used(name, handlers))
        every = f"interval:ms:{max(1, self._setting.every_ns // 1_000_000)}"
        reading = f'{every}\n{{\n    printf("{READING} %llu\\n", nsecs);{readings}\n    printf("{READ}\\n");\n}}'
        return "\n\n".join([reading, *handlers]) + "\n"


def _alike(probe: Probe) -> Iterator[Sequence[Site]]:
    """Sites with one handler: those where the same is read; all of a static probe, which bpftrace finds by its name."""
    if probe.static is not None:
        yield probe.sites
        return
    found: dict[tuple[object, ...], list[Site]] = {}
    for site in probe.sites:
        found.setdefault((site.plans, site.conditions), []).append(site)
    yield from found.values()


def _aggregated(aggregate: Aggregate, value: str) -> str:
    match aggregate.kind:
        case kind if kind == COUNT:
            return "count()"
        case kind if kind == LOG2:
            return f"hist({value})"
        case kind if kind == LINEAR:
            return f"lhist({value}, {aggregate.low}, {aggregate.high}, {aggregate.step})"
    return f"stats({value})"


def _is_used(name: str, handlers: Sequence[str]) -> bool:
    return any(re.search(rf"{re.escape(name)}\b", text) for text in handlers)


def _remark(probe: Probe, sites: Sequence[Site]) -> str:
    if probe.static is not None:
        return ", a static probe"
    where = list(dict.fromkeys(site.where for site in sites))
    place = f": {where[0]}" if where[0] != probe.point else ""
    more = f" and {len(where) - 1} places more" if len(where) > 1 else ""
    return f"{place}{more}, before `{sites[0].instruction}`" if sites[0].instruction else place + more
