"""A uprobe by perf_event_open(2), with a BPF program for its handler; gone when its descriptor is closed.

Layout: include/uapi/linux/perf_event.h. Source of the names: kernel/events/core.c, perf_uprobe.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sampler.linux.calls import failure

_PERF_EVENT_OPEN = 298  # arch/x86/entry/syscalls/syscall_64.tbl
_TYPE = Path("/sys/bus/event_source/devices/uprobe/type")
_SIZE = 128
# struct perf_event_attr: type, size, config, sample_period, sample_type, read_format, flags, wakeup_events, bp_type,
# then the path and the offset.
_ATTRIBUTES = struct.Struct("<IIQQQQQIIQQ")
_DISABLED = 1
_CLOEXEC = 8
_ENABLE, _SET_PROGRAM = 0x2400, 0x40042408
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_FAILED = (1 << 64) - 1


class Uprobe:
    """In the memory of one process, all its threads, on the instruction at ``offset`` of the file at ``path``.

    Raises OSError; FileNotFoundError where the kernel has no uprobes.
    """

    def __init__(self, path: str, offset: int, pid: int, program: int) -> None:
        name = ctypes.create_string_buffer(os.fsencode(path))
        attributes = _ATTRIBUTES.pack(
            int(_TYPE.read_text()), _SIZE, 0, 0, 0, 0, _DISABLED, 0, 0, ctypes.addressof(name), offset
        )
        buffer = ctypes.create_string_buffer(attributes, _SIZE)
        self._descriptor = int(_libc.syscall(_PERF_EVENT_OPEN, buffer, pid, -1, -1, _CLOEXEC))
        if self._descriptor < 0:
            raise failure()
        try:
            fcntl.ioctl(self._descriptor, _SET_PROGRAM, program)
            fcntl.ioctl(self._descriptor, _ENABLE, 0)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """The kernel waits until nobody can be in it any more: some 0.1 s."""
        os.close(self._descriptor)


@contextmanager
def mapped(descriptor: int, size: int) -> Iterator[int]:
    """A file as code of our own, at the address that is given. Python can call what it has mapped only where
    it may write, and there the kernel sets no uprobe (valid_vma, kernel/events/uprobes.c).
    """
    address = _libc.mmap(None, size, mmap.PROT_READ | mmap.PROT_EXEC, mmap.MAP_PRIVATE, descriptor, 0)
    if address in (None, _FAILED):
        raise failure()
    try:
        yield address
    finally:
        _libc.munmap(address, size)
