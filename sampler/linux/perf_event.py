"""perf_event_open(2): a hardware breakpoint on one thread, which fires once. No tracer, no stop, no changed byte.

Layout and numbers: include/uapi/linux/perf_event.h and hw_breakpoint.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct

_PERF_EVENT_OPEN = 298  # arch/x86/entry/syscalls/syscall_64.tbl
_TYPE_BREAKPOINT = 5
_SIZE = 128  # PERF_ATTR_SIZE_VER7
# struct perf_event_attr: type, size, config, sample_period, sample_type, read_format, flags, wakeup_events,
# bp_type, bp_addr, bp_len, branch_sample_type, sample_regs_user, sample_stack_user.
_ATTRIBUTES = struct.Struct("<IIQQQQQIIQQQQI")
_DISABLED, _EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 1 << 0, 1 << 5, 1 << 6
_EXECUTE, _LENGTH = 4, 8  # HW_BREAKPOINT_X; of execution breakpoints the length is that of a long
_CLOEXEC = 8
# ioctl(2) requests.
_REFRESH, _SET_PROGRAM = 0x2402, 0x40042408

_libc = ctypes.CDLL(None, use_errno=True)


class Breakpoint:
    """On the instruction at ``address``, in one thread. Closed when it has fired: to arm it again misbehaves."""

    __slots__ = ("descriptor",)

    def __init__(self, tid: int, address: int) -> None:
        """Disarmed. Raises OSError: ENOSPC where four are in use, ESRCH for no such thread, EACCES, EPERM."""
        flags = _DISABLED | _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR
        attributes = _ATTRIBUTES.pack(
            _TYPE_BREAKPOINT, _SIZE, 0, 1, 0, 0, flags, 1, _EXECUTE, address, _LENGTH, 0, 0, 0
        )  # fmt: skip
        buffer = ctypes.create_string_buffer(attributes, _SIZE)
        self.descriptor = _libc.syscall(_PERF_EVENT_OPEN, buffer, tid, -1, -1, _CLOEXEC)
        if self.descriptor < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def run(self, program: int) -> None:
        """What is executed when it fires: a BPF program, by its descriptor."""
        fcntl.ioctl(self.descriptor, _SET_PROGRAM, program)

    def arm(self) -> None:
        """For the next time that the thread comes to the address; then it is disarmed."""
        fcntl.ioctl(self.descriptor, _REFRESH, 1)

    def close(self) -> None:
        os.close(self.descriptor)
