"""bpftrace as the tool that sets the probes: how it is started, and what its lines mean."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sampler.debuginfo.executable import Executable
from sampler.errors import NotAnswerable, NotPermitted, SamplerError, TracerMissing, TracerRefused
from sampler.linux import procfs
from sampler.linux.elf_names import naming
from sampler.question import LINEAR
from sampler.sample import Interval
from sampler.tracing.base import Order
from sampler.tracing.bpftrace_output import Output
from sampler.tracing.bpftrace_text import Setting, program
from sampler.tracing.events import Event, Failed, Reading
from sampler.tracing.process import Command
from sampler.tracing.tasks import Site, Task, Watching

#: Names another bpftrace than the one on PATH.
VARIABLE = "SAMPLER_BPFTRACE"
OLDEST = (0, 17)
_ANSWER_S = 20.0
_MOST_SITES = 500  # BPFTRACE_MAX_PROBES is 512
_RUNNING = 65536
# It looks for names by the path that the process itself has for the file: src/cc/bcc_elf.c.
_ROOT = re.compile(r"^/proc/\d+/root(?=/)")
# What it says of a machine without tracefs, or of limits that have no meaning for today's kernels, is no error.
_NOISE = re.compile(r"RLIMIT_MEMLOCK|uprobe_events|failed to detach probe|WARNING: |^\s*~*$|^Attaching ")


@dataclass(frozen=True, slots=True)
class BpftraceTool:
    """``sees_instructions``: it knows where instructions begin, and takes any address that is one."""

    path: str
    version: str
    number: tuple[int, int]
    sees_instructions: bool


@cache
def find_bpftrace() -> BpftraceTool:
    """TracerMissing, also where it is too old."""
    path = os.environ.get(VARIABLE) or shutil.which("bpftrace")
    if not path:
        raise TracerMissing("bpftrace is not installed", "it is not on PATH", "apt-get install bpftrace")
    said = _said(path, "--version")
    match = re.search(r"v(\d+)\.(\d+)(\S*)", said)
    if not match:
        raise TracerMissing(f"{path} is not bpftrace", "its --version says something else", f"set ${VARIABLE} to one")
    if (int(match[1]), int(match[2])) < OLDEST:
        raise TracerMissing(
            f"bpftrace {match[1]}.{match[2]} is too old", "its JSON cannot be relied on",
            f"install {OLDEST[0]}.{OLDEST[1]} or newer, or name it in ${VARIABLE}",
        )  # fmt: skip
    sees_instructions = re.search(r"bfd: yes|disasm\w*: yes", _said(path, "--info")) is not None
    return BpftraceTool(path, match[0].lstrip("v"), (int(match[1]), int(match[2])), sees_instructions)


def _said(path: str, option: str) -> str:
    try:
        done = subprocess.run([path, option], capture_output=True, text=True, timeout=_ANSWER_S, check=False,
                              stdin=subprocess.DEVNULL)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TracerMissing(f"{path} does not start", str(error), "install bpftrace anew") from error
    return done.stdout + done.stderr


class Bpftrace:
    """One task for bpftrace. Raises TracerError, NotPermitted, NotExpressible."""

    name = "bpftrace"
    everywhere = True  # its -p is for static probes (0.17)

    def __init__(self, order: Order) -> None:
        self._order, self._task = order, order.task
        self._tool = find_bpftrace()
        if os.geteuid() != 0:
            raise NotPermitted("bpftrace runs as root only", f"you are user {os.geteuid()}", "run sampler as root")
        _check(order.task)
        self._names = {} if self._tool.sees_instructions else _names(order.task.sites)
        setting = Setting(order.every_ns, order.only, order.bias, self._names, _numbered(self._tool))
        self.text = program(order.task, setting)
        self._output = Output(order.task)

    def describe(self) -> dict[str, Any]:
        return {"name": "bpftrace", "version": self._tool.version}

    def command(self) -> Command:
        checks = ["-kk"] if isinstance(self._task, Watching) else []  # of what is read; it says so of maps too
        words = [self._tool.path, "-f", "json", *checks, *self._process_option(), "{folder}/program.bt"]
        environment = {"BCC_SYMFS": "{folder}", "BPFTRACE_MAP_KEYS_MAX": str(_RUNNING), "BPFTRACE_NO_USER_SYMBOLS": "1"}
        return Command(words, environment, files={"program.bt": self.text.encode()} | self._name_files())

    def _process_option(self) -> list[str]:
        """For who runs below another root it looks for each file there, also for what only our /proc has: a file that
        is gone. Then it is not told of the process: that is for static probes, and those have files by name.
        """
        own = f"/proc/{self._order.pid}/"
        elsewhere = (site.path.startswith(own) and not site.path.startswith(f"{own}root/") for site in self._task.sites)
        return [] if any(elsewhere) else ["-p", str(self._order.pid)]

    def _name_files(self) -> dict[str, bytes]:
        found = {}
        for path in {site.path for site in self._names}:
            names = {name: site.address for site, name in self._names.items() if site.path == path}
            with open(path, "rb") as file:
                build_id = Executable(file, path).gnu_build_id
            found[_ROOT.sub("", path)] = naming(names, bytes.fromhex(build_id) if build_id else None)
        return found

    def events(self, line: str) -> Iterator[Event]:
        """What a line of its output tells."""
        try:
            told = json.loads(line)
        except ValueError:
            return  # it sets blank lines before its last words
        yield from self._output.take(told)

    def last(self, at_ns: Interval) -> Iterator[Reading]:
        """After its end: what it has printed of its own accord then is what was counted when the probes were gone."""
        yield self._output.last(at_ns)

    def explain(self, complaints: Sequence[str], failed: Failed | None) -> SamplerError:
        """Why it ended before it was asked to."""
        real = [line for line in complaints if not _NOISE.search(line)]
        why = re.sub(r"^(\S+:\d+(:\d+)?(-\d+)?: )?(ERROR: )?", "", real[0]) if real else "it ended without a word"
        return TracerRefused(
            "bpftrace does not run the program", why, "see `sampler doctor`, or ask with --instrument bcc"
        )


def _numbered(tool: BpftraceTool) -> str:
    """What makes ``pid`` and ``tid`` the kernel's numbers. NotAnswerable where the tool has no way to say it.

    Since 0.22 they are those of its own PID namespace, for who is in just that one; since 0.24 one can choose.
    """
    if procfs.pids_are_the_kernels() or tool.number < (0, 22):
        return ""
    if tool.number < (0, 24):
        raise NotAnswerable(
            f"bpftrace {tool.version} cannot tell processes apart here", "it is in a PID namespace of its own",
            "install 0.24 or newer, or ask with --instrument bcc",
        )  # fmt: skip
    return "(init)"


def _names(sites: Sequence[Site]) -> dict[Site, str]:
    """Of one name each, made of what bpftrace does not take for a pattern. A static probe is found by its own."""
    found: dict[Site, str] = {}
    for site in sites:
        name = re.sub(r"[^\w.@/:-]", "_", f"{site.name}@{site.address:x}")
        found[site] = name
    return found


def _check(task: Task) -> None:
    """NotAnswerable for what it cannot do."""
    if len(task.sites) > _MOST_SITES:
        raise NotAnswerable(f"{len(task.sites)} places are too many for bpftrace", f"it takes {_MOST_SITES}",
                            "name fewer points, or use bcc")  # fmt: skip
    places = Counter((site.path, site.address) for site in task.sites)
    if any(count > 1 for count in places.values()):
        raise NotAnswerable("bpftrace does not count one instruction for two points", "it would run one for both",
                            "name each in a run of its own, or use bcc")  # fmt: skip
    aggregate = task.aggregate if isinstance(task, Watching) else None
    if aggregate is not None and aggregate.kind == LINEAR and aggregate.low < 0:
        what, why = "bpftrace knows no linear histogram of numbers below 0", f"it would begin at {aggregate.low}"
        raise NotAnswerable(what, why, "begin at 0, or use bcc")
