"""What a hit takes is tried out beforehand, on a function of our own."""

from __future__ import annotations

import ctypes
import os

import pytest

from sampler.bpf.program import Program
from sampler.errors import NotAnswerable
from sampler.instruments import hit_cost
from sampler.instruments.traps import KernelTraps, PlainTraps


@pytest.mark.parametrize("in_kernel", [True, False])
def test_where_no_breakpoint_ever_fires_that_is_said(in_kernel: bool) -> None:
    """As on a machine that gives breakpoints and passes on no trap: here it is another function that is called."""
    address = ctypes.cast(ctypes.PyDLL(None).getppid, ctypes.c_void_p).value or 0
    traps = KernelTraps({address: Program((), 0)}) if in_kernel else PlainTraps([address])
    with traps, pytest.raises(NotAnswerable, match="do not work here"):
        hit_cost._ahead_ns(traps, os.getpid)
