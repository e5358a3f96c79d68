"""perf_event_open(2): a hardware breakpoint, which fires once. No tracer, no stop, no changed byte.

Layouts and numbers: include/uapi/linux/perf_event.h, hw_breakpoint.h and arch/x86/include/uapi/asm/perf_regs.h.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import struct
from dataclasses import dataclass
from time import monotonic_ns
from types import TracebackType
from typing import Self

from sampler.linux.calls import failure

_PERF_EVENT_OPEN = 298  # arch/x86/entry/syscalls/syscall_64.tbl
_TYPE_SOFTWARE, _DUMMY = 1, 9
_TYPE_BREAKPOINT = 5
_SIZE = 128  # PERF_ATTR_SIZE_VER7
# struct perf_event_attr: type, size, config, sample_period, sample_type, read_format, flags, wakeup_events,
# bp_type, bp_addr, bp_len, branch_sample_type, sample_regs_user, sample_stack_user, clockid.
_ATTRIBUTES = struct.Struct("<IIQQQQQIIQQQQIi")
_DISABLED, _EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR, _USE_CLOCK = 1 << 0, 1 << 5, 1 << 6, 1 << 25
_REMOVE_ON_EXEC = 1 << 36  # another program has other instructions there; since Linux 5.13
_SAMPLE_TID, _SAMPLE_TIME, _SAMPLE_REGISTERS, _SAMPLE_STACK = 1 << 1, 1 << 2, 1 << 12, 1 << 13
_EXECUTE, _LENGTH = 4, 8  # HW_BREAKPOINT_X; of execution breakpoints the length is that of a long
_CLOEXEC = 8
_CLOCK_MONOTONIC = 1
# ioctl(2) requests.
_DISABLE, _REFRESH, _SET_PROGRAM = 0x2401, 0x2402, 0x40042408

# PERF_REG_X86_*: ax bx cx dx si di bp sp ip are bits 0 to 8, r8 to r15 are bits 16 to 23.
_REGISTERS = 0x1FF | 0xFF << 16
#: Where the registers of that mask are in the order of DWARF: rax rdx rcx rbx rsi rdi rbp rsp r8 … r15 rip.
_BY_DWARF = (0, 3, 2, 1, 4, 5, 6, 7, *range(9, 17), 8)
_STACK = 1024
_RECORD_SAMPLE = 9
_HEADER = struct.Struct("<IHH")
_SAMPLE = struct.Struct("<IIQQ17QQ")  # process, thread, time, the registers' sort, they themselves, the stack's size
_DATA_HEAD_AT = 1024  # struct perf_event_mmap_page

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Where:
    """One thread, wherever it runs; or one processor, whoever runs there (CAP_PERFMON, or perf_event_paranoid 0)."""

    tid: int = -1
    cpu: int = -1


class Breakpoint:
    """On the instruction at ``address``. Closed when it has fired: it cannot be armed again (it stays PERF_HES_STOPPED,
    kernel/events/hw_breakpoint.c).

    Disarmed at first. ``took_ns``: for how long calls may have interrupted who runs there.
    Raises OSError: ENOSPC where all four are in use, ESRCH for no such thread, EACCES, EPERM.
    """

    def __init__(self, where: Where, address: int, sample: bool = False) -> None:
        """``sample``: it tells the registers and the top of the stack itself (``SamplingBreakpoint``)."""
        kinds = _SAMPLE_TID | _SAMPLE_TIME | _SAMPLE_REGISTERS | _SAMPLE_STACK if sample else 0
        flags = _DISABLED | _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR | _USE_CLOCK | _REMOVE_ON_EXEC
        attributes = _ATTRIBUTES.pack(
            _TYPE_BREAKPOINT, _SIZE, 0, 1, kinds, 0, flags, 1, _EXECUTE, address, _LENGTH, 0,
            _REGISTERS if sample else 0, _STACK if sample else 0, _CLOCK_MONOTONIC,
        )  # fmt: skip
        self.where, self.address, self.took_ns = where, address, 0
        begun_ns = monotonic_ns()
        self.descriptor = _open(attributes, where)
        self._took(begun_ns)

    def _took(self, begun_ns: int) -> None:
        """Counts a call that interrupts a thread which runs: the kernel waits for that on our processor, spinning."""
        self.took_ns += monotonic_ns() - begun_ns

    def run(self, program: int) -> None:
        """What is executed when it fires: a BPF program, by its descriptor."""
        fcntl.ioctl(self.descriptor, _SET_PROGRAM, program)

    def arm(self) -> None:
        """For the next time that the thread comes to the address; then it is disarmed."""
        begun_ns = monotonic_ns()
        fcntl.ioctl(self.descriptor, _REFRESH, 1)
        self._took(begun_ns)

    def disarm(self) -> None:
        begun_ns = monotonic_ns()
        fcntl.ioctl(self.descriptor, _DISABLE, 0)
        self._took(begun_ns)

    def close(self) -> None:
        begun_ns = monotonic_ns()
        os.close(self.descriptor)
        self._took(begun_ns)


class Companion:
    """An event of our own that counts nothing. While there is none on the machine, the first one has the kernel patch
    its scheduler, and the last one patch it back (perf_sched_events, kernel/events/core.c): milliseconds each, in
    which every processor is interrupted. So one stays.
    """

    def __enter__(self) -> Self:
        flags = _DISABLED | _EXCLUDE_KERNEL
        attributes = _ATTRIBUTES.pack(_TYPE_SOFTWARE, _SIZE, _DUMMY, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0, 0, 0)
        self._descriptor = _open(attributes, Where(tid=0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)


def software_event(kind: int, period: int, tid: int) -> int:
    """One of enum perf_sw_ids, on one thread, also in the kernel: what is run when it overflows is told by ioctl(2).

    Disabled at first. Raises OSError.
    """
    attributes = _ATTRIBUTES.pack(_TYPE_SOFTWARE, _SIZE, kind, period, 0, 0, _DISABLED, 0, 0, 0, 0, 0, 0, 0, 0)
    return _open(attributes, Where(tid))


def _open(attributes: bytes, where: Where) -> int:
    buffer = ctypes.create_string_buffer(attributes, _SIZE)
    descriptor = int(_libc.syscall(_PERF_EVENT_OPEN, buffer, where.tid, where.cpu, -1, _CLOEXEC))
    if descriptor < 0:
        raise failure()
    return descriptor


class NoRoom(OSError):
    """What a user without rights may lock for such buffers is used up (perf_event_mlock_kb, RLIMIT_MEMLOCK)."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """What the kernel told of one hit. ``stack``: the bytes from the stack pointer up."""

    tid: int
    time_ns: int
    registers: tuple[int, ...]
    stack: bytes


class SamplingBreakpoint(Breakpoint):
    """One that needs no rights beyond those over the thread: the kernel writes what it knows into a buffer."""

    def __init__(self, where: Where, address: int) -> None:
        super().__init__(where, address, sample=True)
        try:
            self._buffer = mmap.mmap(self.descriptor, 2 * mmap.PAGESIZE)
        except OSError as error:
            os.close(self.descriptor)
            if error.errno == errno.EPERM:
                raise NoRoom(error.errno, "no more memory may be locked") from error
            raise

    def close(self) -> None:
        self._buffer.close()
        super().close()

    @property
    def has_fired(self) -> bool:
        if struct.unpack_from("<Q", self._buffer, _DATA_HEAD_AT)[0] == 0:
            return False
        return bool(_HEADER.unpack_from(self._buffer, mmap.PAGESIZE)[0] == _RECORD_SAMPLE)

    def sampled(self) -> Sampled:
        """The hit, if there was one."""
        at = mmap.PAGESIZE + _HEADER.size
        _, tid, time_ns, _, *rest = _SAMPLE.unpack_from(self._buffer, at)
        found, stack_size = rest[:17], rest[17]
        start = at + _SAMPLE.size
        # Behind the room for the stack stands how much of it was filled.
        filled = struct.unpack_from("<Q", self._buffer, start + stack_size)[0] if stack_size else 0
        registers = tuple(found[place] for place in _BY_DWARF)
        return Sampled(tid, time_ns, registers, self._buffer[start : start + filled])
