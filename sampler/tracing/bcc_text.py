"""A task as a program of C for BCC: a function for each handler, and the maps that it fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sampler.question import COUNT, LINEAR, LOG2, STATS, Aggregate
from sampler.tracing.handler import Dialect, Emitter, commented
from sampler.tracing.slots import Slots, check_integers
from sampler.tracing.tasks import Counting, Site, Task, Timing, Watching

_MASK = (1 << 64) - 1
_UNREADABLE, _MET = "unreadable", "met"
#: Slots of a log2 histogram: one for 0, then by bpf_log2l: one more than the logarithm, rounded down.
SLOTS = 65
_RUNNING = 65536  # keys with a start and no end yet
_RING_PAGES = 256
_PREAMBLE = "#include <uapi/linux/ptrace.h>\n\n"


class C(Dialect):
    """Statements of a function of BCC's C."""

    sigil = ""

    def let(self, value: str) -> str:
        name = self.fresh()
        self.add(f"u64 {name} = {value};")
        return name

    def change(self, name: str, value: str) -> None:
        self.add(f"{name} = {value};")

    def fail_if(self, condition: str) -> None:
        self.add(f"if ({condition})")
        self.add("    goto unreadable;")

    def first(self, register: str) -> str:
        return f"u64 {register} = ctx->{register};"

    def read(self, address: str, size: int) -> str:
        name = self.fresh()
        self.add(f"u64 {name} = 0;")
        self.fail_if(f"bpf_probe_read_user(&{name}, {size}, (void *){address})")
        return name

    def constant(self, value: int) -> str:
        value &= _MASK
        return f"{value:#x}ULL" if value >= 1 << 31 else str(value)

    def extended(self, value: str, width: int) -> str:
        if width in (8, 16, 32):
            return f"(u64)(s{width}){value}"
        return f"((u64)((s64)({value} << {64 - width}) >> {64 - width}))"

    def as_signed(self, value: str) -> str:
        return f"(s64){value}"

    def shifted_with_sign(self, value: str, by: str) -> str:
        return f"(u64)((s64){value} >> {by})"


@dataclass(frozen=True, slots=True)
class Attachment:
    """``function`` of the program is what a hit of the site runs."""

    site: Site
    function: str


@dataclass(frozen=True, slots=True)
class BccProgram:
    """``maps``: which are to be read, by what they hold: ``counts``, ``log2``, ``stats``, ``linear``.

    ``slots``: how many numbers a hit hands over; None if none does.
    """

    text: str
    attachments: Sequence[Attachment]
    maps: dict[str, str]
    slots: int | None = None


def program(task: Task, only: int | None, bias: int) -> BccProgram:
    """Raises NotExpressible."""
    writer = _Writer(only, bias)
    match task:
        case Counting():
            return writer.counting(task)
        case Timing():
            return writer.timing(task)
        case Watching():
            return writer.watching(task)


class _Writer:
    def __init__(self, only: int | None, bias: int) -> None:
        self._only, self._bias = only, bias
        self._functions: list[str] = []
        self._attachments: list[Attachment] = []

    def counting(self, task: Counting) -> BccProgram:
        for number, probe in enumerate(task.probes):
            code = C()
            code.add(f"calls.atomic_increment({number});")
            self._function(f"count_{number}", probe.sites, code)
        return self._made([f"BPF_ARRAY(calls, u64, {len(task.probes)});"], {"calls": "counts"})

    def timing(self, task: Timing) -> BccProgram:
        keys = max(1, len(task.entry.sites[0].plans) + task.by_thread)
        maps = [
            f"struct key {{ u64 part[{keys}]; }};",
            f"BPF_HASH(began, struct key, u64, {_RUNNING});",
            f"BPF_ARRAY(latency, u64, {SLOTS});",
            "BPF_ARRAY(starts, u64, 1);",
            "BPF_ARRAY(ends_alone, u64, 1);",
            "BPF_ARRAY(lost, u64, 1);",
        ]
        for number, site in enumerate(task.entry.sites):
            code = self._key(task, site)
            code.add("u64 now = bpf_ktime_get_ns();")
            code.add("starts.atomic_increment(0);")
            code.add("if (began.update(&key, &now))")
            code.add("    lost.atomic_increment(0);")
            self._function(f"start_{number}", [site], code)
        for number, site in enumerate(task.exit.sites):
            code = self._key(task, site)
            code.add("u64 *start = began.lookup(&key);")
            code.add("if (!start) {")
            code.add("    ends_alone.atomic_increment(0);")
            code.add("    return 0;")
            code.add("}")
            unit = f" / {task.unit_ns}" if task.unit_ns > 1 else ""
            code.add(f"u64 took = (bpf_ktime_get_ns() - *start){unit};")
            code.add("latency.atomic_increment(took ? bpf_log2l(took) : 0);")
            code.add("began.delete(&key);")
            self._function(f"end_{number}", [site], code)
        return self._made(maps, {"latency": "log2", "starts": "counts", "ends_alone": "counts", "lost": "counts"})

    def _key(self, task: Timing, site: Site) -> C:
        code = C()
        emitter = Emitter(code, self._bias)
        parts = (["(u32)bpf_get_current_pid_tgid()"] if task.by_thread else []) + [
            emitter.of(plan) for plan in site.plans
        ]
        code.add("struct key key = {};")
        for number, part in enumerate(parts):
            code.add(f"key.part[{number}] = {part};")
        return code

    def watching(self, task: Watching) -> BccProgram:
        aggregate = task.aggregate
        slots = max((len(Slots.of(site.plans).plans) for site in task.probe.sites), default=0)
        for number, site in enumerate(task.probe.sites):
            code = C()
            emitter = Emitter(code, self._bias)
            if site.conditions:
                code.add(f"{_MET}.atomic_increment(0);")
            for condition in site.conditions:
                code.add(f"if ({emitter.of(condition)} == 0)")
                code.add("    return 0;")
            if aggregate is None:
                self._hand_over(code, emitter, site, number)
            else:
                self._sum_up(code, emitter, site, aggregate)
            self._function(f"site_{number}", [site], code)
        if aggregate is not None:
            maps, kinds = _maps_of(aggregate, len(task.expressions))
            return self._made(maps, kinds)
        maps = [f"struct hit {{ u64 site; u64 at; u64 value[{max(1, slots)}]; }};",
                f"BPF_RINGBUF_OUTPUT(hits, {_RING_PAGES});", "BPF_ARRAY(lost, u64, 1);"]  # fmt: skip
        return self._made(maps, {"lost": "counts"}, max(1, slots))

    def _hand_over(self, code: C, emitter: Emitter, site: Site, number: int) -> None:
        values = [emitter.of(plan) for plan in Slots.of(site.plans).plans]
        code.add("struct hit *hit = hits.ringbuf_reserve(sizeof *hit);")
        code.add("if (!hit) {")
        code.add("    lost.atomic_increment(0);")
        code.add("    return 0;")
        code.add("}")
        code.add(f"hit->site = {number};")
        code.add("hit->at = bpf_ktime_get_ns();")
        for place, value in enumerate(values):
            code.add(f"hit->value[{place}] = {value};")
        code.add("hits.ringbuf_submit(hit, 0);")

    def _sum_up(self, code: C, emitter: Emitter, site: Site, aggregate: Aggregate) -> None:
        check_integers(site.plans)
        # All of them first: what cannot be read at a hit is in no sum.
        for number, name in enumerate([code.let(emitter.of(plan)) for plan in site.plans]):
            for line in _aggregated(aggregate, f"values{number}", name):
                code.add(line)

    # Around it.

    def _function(self, name: str, sites: Sequence[Site], code: C) -> None:
        body = "\n".join(code.lines)
        only = f"    if (bpf_get_current_pid_tgid() >> 32 != {self._only})\n        return 0;\n" if self._only else ""
        failing = f"\nunreadable:\n    {_UNREADABLE}.atomic_increment(0);\n    return 0;" if "goto" in body else ""
        where = commented(sites[0].where + (f", before `{sites[0].instruction}`" if sites[0].instruction else ""))
        self._functions.append(
            f"/* {where} */\nint {name}(struct pt_regs *ctx)\n{{\n{only}{body}\n    return 0;{failing}\n}}"
        )
        self._attachments += [Attachment(site, name) for site in sites]

    def _made(self, maps: Sequence[str], kinds: dict[str, str], slots: int | None = None) -> BccProgram:
        fails = any("unreadable:" in function for function in self._functions)
        counters = [*([_UNREADABLE] if fails else []), *([_MET] if f"{_MET}." in "".join(self._functions) else [])]
        maps = [*maps, *(f"BPF_ARRAY({name}, u64, 1);" for name in counters)]
        kinds = kinds | dict.fromkeys(counters, "counts")
        text = "\n\n".join([_PREAMBLE + "\n".join(maps), *self._functions]) + "\n"
        return BccProgram(text, tuple(self._attachments), kinds, slots)


def _maps_of(aggregate: Aggregate, count: int) -> tuple[list[str], dict[str, str]]:
    names = [f"values{number}" for number in range(count)]
    match aggregate.kind:
        case kind if kind == COUNT:
            return [f"BPF_ARRAY({name}, u64, 1);" for name in names], dict.fromkeys(names, "counts")
        case kind if kind == LOG2:  # below 0, then by the logarithm
            return [f"BPF_ARRAY({name}, u64, {SLOTS + 1});" for name in names], dict.fromkeys(names, "log2 signed")
        case kind if kind == LINEAR:  # below, the steps, above
            steps = (aggregate.high - aggregate.low) // aggregate.step
            return [f"BPF_ARRAY({name}, u64, {steps + 2});" for name in names], dict.fromkeys(names, "linear")
    head = "struct stats { u64 count; s64 sum; s64 low; s64 high; };"
    return [head, *(f"BPF_PERCPU_ARRAY({name}, struct stats, 1);" for name in names)], dict.fromkeys(names, STATS)


def _aggregated(aggregate: Aggregate, name: str, value: str) -> list[str]:
    match aggregate.kind:
        case kind if kind == COUNT:
            return [f"{name}.atomic_increment(0);"]
        case kind if kind == LOG2:
            return [f"{name}.atomic_increment((s64){value} < 0 ? 0 : {value} ? bpf_log2l({value}) + 1 : 1);"]
        case kind if kind == LINEAR:
            steps = (aggregate.high - aggregate.low) // aggregate.step
            step = f"((u64){value} - ({aggregate.low}LL)) / {aggregate.step} + 1"
            return [f"{name}.atomic_increment((s64){value} < {aggregate.low}LL ? 0 :",
                    f"    (s64){value} >= {aggregate.high}LL ? {steps + 1} : {step});"]  # fmt: skip
    return [
        "{",
        "    int zero = 0;",
        f"    struct stats *all = {name}.lookup(&zero);",
        "    if (all) {",
        f"        if (!all->count || (s64){value} < all->low) all->low = {value};",
        f"        if (!all->count || (s64){value} > all->high) all->high = {value};",
        f"        all->sum += {value};",
        "        all->count++;",
        "    }",
        "}",
    ]
