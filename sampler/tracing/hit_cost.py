"""What one hit of a uprobe takes from a thread on this machine, measured on ourselves beforehand.

A few instructions of our own are called with a probe on the first and without: the difference is the exceptions and the
call of a program that does nothing. What a handler does itself comes on top.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from sampler.errors import NotAnswerable
from sampler.linux import bpf
from sampler.linux.uprobe import Uprobe, mapped
from sampler.sample import Interval
from sampler.tracing.tasks import Site

KPROBE = 2  # enum bpf_prog_type, include/uapi/linux/bpf.h
_NOTHING = bytes([0xB7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0])  # r0 = 0; exit
_PUSH, _NOP, _LONG_NOP, _STEPPED = "push", "nop", "long nop", "stepped over"
# push %rbp; pop %rbp; ret; a nop of one byte, and one of four, which not every kernel emulates; xor %eax,%eax.
_CODE = {_PUSH: "555dc3", _NOP: "90c3", _LONG_NOP: "0f1f4000c3", _STEPPED: "31c0c3"}
_CALLS = 400
_OUTLIERS = _CALLS // 20  # in which somebody else had our processor


@dataclass(frozen=True, slots=True)
class HitCosts:
    """``each``: of one hit, at least and, of 19 in 20, at most; of several sites the least and the most."""

    each: Interval

    @staticmethod
    def of(sites: Iterable[Site]) -> HitCosts:
        """Raises NotAnswerable where there are no uprobes."""
        found = [_of_sort(sort) for sort in {_sort(site) for site in sites}]
        return HitCosts(Interval(min(one.low for one in found), max(one.high for one in found)))

    def total(self, hits: int) -> Interval:
        return Interval(hits * self.each.low, hits * self.each.high)

    def to_json(self) -> list[int]:
        return self.each.to_json()


def measured(emulated: bool) -> Interval:
    """Of a hit on an instruction that the kernel emulates, or on one that it steps over. Raises NotAnswerable."""
    return _of_sort(_PUSH if emulated else _STEPPED)


def _sort(site: Site) -> str:
    if not site.emulated:
        return _STEPPED
    if site.instruction == "nop":
        return _NOP
    return _LONG_NOP if site.instruction.startswith("nop") else _PUSH


@cache
def _of_sort(sort: str) -> Interval:
    try:
        return _measured(bytes.fromhex(_CODE[sort]))
    except OSError as error:
        raise NotAnswerable("uprobes cannot be had here", _why(error), "see `sampler doctor`") from error


def _why(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "the kernel was built without them (CONFIG_UPROBE_EVENTS)"
    if error.errno in (errno.EPERM, errno.EACCES):
        # perf_uprobe_event_init, kernel/events/core.c: from 5.8 until mid 2025 CAP_PERFMON was enough.
        who = f"the kernel refuses them to user {os.geteuid()}"
        return f"{who}: that takes CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON on older kernels"
    return f"the kernel refuses: {error.strerror}"


def _measured(code: bytes) -> Interval:
    descriptor = os.memfd_create("sampler-probe", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, code.ljust(mmap.PAGESIZE, b"\xcc"))
        program = bpf.load(_NOTHING, KPROBE)
        try:
            return _tried(descriptor, program)
        finally:
            os.close(program)
    finally:
        os.close(descriptor)


def _tried(descriptor: int, program: int) -> Interval:
    with mapped(descriptor, mmap.PAGESIZE) as address:
        function = ctypes.PYFUNCTYPE(None)(address)
        without_ns = min(_taken(function) for _ in range(_CALLS))
        probe = Uprobe(f"/proc/self/fd/{descriptor}", 0, os.getpid(), program)
        try:
            found = sorted(_taken(function) for _ in range(_CALLS))
        finally:
            probe.close()
    return Interval(max(0, found[0] - without_ns), max(0, found[-1 - _OUTLIERS] - without_ns))


def _taken(function: Callable[[], object]) -> int:
    begun_ns = time.monotonic_ns()
    function()
    return time.monotonic_ns() - begun_ns
