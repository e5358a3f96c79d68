"""Pieces of another process's memory by one system call: process_vm_readv(2), which stops nobody."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Sequence

from sampler.linux.calls import failure

#: The most pieces of one call: UIO_MAXIOV, include/uapi/linux/uio.h.
MOST_PIECES = 1024

#: A page that no process has: the kernel leaves it out (vm.mmap_min_addr).
_NOWHERE = 0

_libc = ctypes.CDLL(None, use_errno=True)


class _Piece(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def check_permitted(pid: int) -> None:
    """Reads nothing. Raises OSError where no call would read anything: for want of rights, or of such a call."""
    try:
        VectorRead(pid, [(_NOWHERE, 1)], 1).read()
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise


class VectorRead:
    """The same pieces, ``(address, size)``, read ``times`` times in a row by each call.

    What the call copies is one after the other in ``data``.
    """

    def __init__(self, pid: int, pieces: Sequence[tuple[int, int]], times: int) -> None:
        self.stride = sum(size for _, size in pieces)
        self._pid, self._total, count = pid, times * self.stride, times * len(pieces)
        assert count <= MOST_PIECES
        self._buffer = ctypes.create_string_buffer(self._total)
        self._local = _Piece(ctypes.addressof(self._buffer), self._total)
        self._remote = (_Piece * count)(*(_Piece(*piece) for _ in range(times) for piece in pieces))
        self.data = memoryview(self._buffer)

    def read(self) -> None:
        """Fills ``data``. Raises OSError where some of it cannot be read; ProcessLookupError: the process is gone."""
        arguments = (self._pid, ctypes.byref(self._local), 1, self._remote, len(self._remote), 0)
        done = _libc.process_vm_readv(*arguments)
        if done < 0:
            raise failure()
        if done < self._total:  # a piece in the middle cannot be read
            raise OSError("some of the memory cannot be read")
