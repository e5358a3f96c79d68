"""What every call of the C library has in common: how it tells that it has failed."""

from __future__ import annotations

import ctypes
import os


def failure() -> OSError:
    """Of this thread's last call into a library that was opened with ``use_errno``; as its number says."""
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
