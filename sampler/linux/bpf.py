"""bpf(2): maps that both sides see, programs, and a ring buffer that wakes its reader.

Layouts and numbers: include/uapi/linux/bpf.h. The ring buffer: kernel/bpf/ringbuf.c.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from sampler.linux.calls import failure

_BPF = 321  # arch/x86/entry/syscalls/syscall_64.tbl
_MAP_CREATE, _PROG_LOAD, _PROG_TEST_RUN = 0, 5, 10
_ARRAY, _PERCPU_ARRAY, _RINGBUF = 2, 6, 27
_MMAPABLE = 1 << 10
PERF_EVENT, SYSCALL = 7, 31  # enum bpf_prog_type
_SLEEPABLE = 1 << 4
_LICENCE = ctypes.create_string_buffer(b"GPL")
_LOG_BYTES = 1 << 20
_BUSY = 1 << 31
_HEADER_BYTES = 8
_PAGE = mmap.PAGESIZE

_libc = ctypes.CDLL(None, use_errno=True)


class BpfRefused(OSError):
    """``log``: what the kernel's verifier said."""

    def __init__(self, error: OSError, log: str) -> None:
        super().__init__(error.errno, error.strerror)
        self.log = log

    @property
    def why(self) -> str:
        """The verifier's last word but for its statistics; without it that of the system."""
        said = [line for line in self.log.splitlines() if line and not line.startswith("processed ")]
        return said[-1] if said else self.strerror or ""


def _call(command: int, attributes: bytes) -> int:
    """The attributes may be shorter than the kernel's: what is missing is zero."""
    return _call_with(command, ctypes.create_string_buffer(attributes, len(attributes)))


def _call_with(command: int, attributes: ctypes.Array[ctypes.c_char]) -> int:
    """The same, for a command that writes into its attributes."""
    result = _libc.syscall(_BPF, command, attributes, len(attributes))
    if result < 0:
        raise failure()
    return int(result)


def load(code: bytes, kind: int = PERF_EVENT, name: str = "sampler") -> int:
    """A program's descriptor. Raises BpfRefused; loaded again with the verifier's log if it was refused."""
    try:
        return _load(code, kind, name, None)
    except OSError as refusal:
        if refusal.errno == errno.EPERM:  # EACCES is the verifier's
            raise BpfRefused(refusal, "") from refusal
        log = ctypes.create_string_buffer(_LOG_BYTES)
        try:
            return _load(code, kind, name, log)
        except OSError as error:
            raise BpfRefused(error, log.value.decode(errors="replace")) from error


def permitted() -> bool:
    """Whether programs may be loaded here: tried with the smallest one."""
    nothing = bytes([0xB7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0])  # r0 = 0; exit
    try:
        os.close(load(nothing))
    except OSError:
        return False
    return True


def _load(code: bytes, kind: int, name: str, log: ctypes.Array[ctypes.c_char] | None) -> int:
    text = ctypes.create_string_buffer(code, len(code))
    flags = _SLEEPABLE if kind == SYSCALL else 0
    where = (1, len(log), ctypes.addressof(log)) if log is not None else (0, 0, 0)
    attributes = struct.pack(
        "<IIQQIIQII16s", kind, len(code) // 8, ctypes.addressof(text), ctypes.addressof(_LICENCE), *where,
        0, flags, name.encode()[:15],
    )  # fmt: skip
    return _call(_PROG_LOAD, attributes)


def test_run(program: int, context: bytes) -> int:
    """Runs a program of type SYSCALL once, in this process, on that context; its result, without a sign."""
    buffer = ctypes.create_string_buffer(context, len(context))
    told = struct.pack("<IIIIQQIIIIQQ", program, 0, 0, 0, 0, 0, 0, 0, len(context), 0, ctypes.addressof(buffer), 0)
    attributes = ctypes.create_string_buffer(told, len(told))
    _call_with(_PROG_TEST_RUN, attributes)
    return int(struct.unpack_from("<I", attributes.raw, 4)[0])


def _map(kind: int, key_bytes: int, value_bytes: int, entries: int, flags: int = 0) -> int:
    """A map's descriptor. Raises BpfRefused."""
    try:
        return _call(_MAP_CREATE, struct.pack("<IIIII", kind, key_bytes, value_bytes, entries, flags))
    except OSError as error:
        raise BpfRefused(error, "") from error


class Counters:
    """An array of 64-bit numbers in memory that programs and this process share. Zero at first."""

    def __init__(self, count: int) -> None:
        self.descriptor = _map(_ARRAY, 4, 8 * count, 1, _MMAPABLE)
        with ExitStack() as failing:
            failing.callback(os.close, self.descriptor)
            self._memory = mmap.mmap(self.descriptor, _PAGE)
            failing.pop_all()

    def __getitem__(self, place: int) -> int:
        return int(struct.unpack_from("<Q", self._memory, 8 * place)[0])

    def __setitem__(self, place: int, value: int) -> None:
        struct.pack_into("<Q", self._memory, 8 * place, value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._memory.close()
        os.close(self.descriptor)


class Scratch:
    """``size`` bytes of memory for each processor, where a program builds what it hands over."""

    def __init__(self, size: int) -> None:
        self.descriptor = _map(_PERCPU_ARRAY, 4, size, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)


class RingBuffer:
    """Records from programs, in their order; ``descriptor`` can be polled for them."""

    def __init__(self, size: int) -> None:
        """``size``: bytes, a power of two and at least a page."""
        self._mask, self._size = size - 1, size
        self.descriptor = _map(_RINGBUF, 0, 0, size)
        with ExitStack() as failing:
            failing.callback(os.close, self.descriptor)
            self._consumer = mmap.mmap(self.descriptor, _PAGE)
            # The data follow a page with the producer's position, and are mapped twice in a row: no record is in parts.
            self._producer = mmap.mmap(self.descriptor, _PAGE + 2 * size, prot=mmap.PROT_READ, offset=_PAGE)
            failing.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()
        self._producer.close()
        os.close(self.descriptor)

    def records(self) -> Iterator[bytes]:
        """Those that are complete; each is taken out."""
        at = struct.unpack_from("<Q", self._consumer)[0]
        while at < struct.unpack_from("<Q", self._producer)[0]:
            start = _PAGE + (at & self._mask)
            header = struct.unpack_from("<I", self._producer, start)[0]
            if header & _BUSY:
                return
            data = self._producer[start + _HEADER_BYTES : start + _HEADER_BYTES + header]
            at += -(-(header + _HEADER_BYTES) // 8) * 8
            struct.pack_into("<Q", self._consumer, 0, at)
            yield data
