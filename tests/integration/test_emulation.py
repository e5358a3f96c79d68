"""What is taken for cheap is what the kernel emulates: for anything else it maps a page to step over copies in."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.tracee import ROOT
from sampler.debuginfo.instructions import decode

# Each with what makes a function of it that can be called.
EMULATED = [
    *("555dc3", "4154415cc3", "90c3", "6690c3", "0f1f4000c3"),
    *("660f1f440000c3", "eb00c3", "7600c3", "0f8600000000c3", "e80000000058c3"),
]
STEPPED = ["31c0c3", "4889e0c3", "c3", "f30f1efac3", "6a0158c3", "e300c3"]

PROBED = """
import ctypes, os, sys
from sampler.linux import bpf
from sampler.linux.uprobe import Uprobe, mapped
program = bpf.load(bytes([0xB7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]), 2)
for code in sys.argv[1:]:
    file = os.memfd_create("code")
    os.write(file, bytes.fromhex(code).ljust(4096, b"\\xcc"))
    with mapped(file, 4096) as address:
        probe = Uprobe(f"/proc/self/fd/{file}", 0, os.getpid(), program)
        ctypes.PYFUNCTYPE(None)(address)()
        probe.close()
print("[uprobes]" in open("/proc/self/maps").read())
"""


def steps_over(*codes: str) -> bool:
    """Whether one of them made the kernel map that page, which it does at the first hit that needs it."""
    done = subprocess.run([sys.executable, "-c", PROBED, *codes], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout == "True\n"


def test_what_is_taken_for_cheap_is_emulated() -> None:
    assert all(next(decode(bytes.fromhex(code), 0)).emulated for code in EMULATED)
    assert not steps_over(*EMULATED)


@pytest.mark.parametrize("code", STEPPED)
def test_what_is_not_is_stepped_over(code: str) -> None:
    assert not next(decode(bytes.fromhex(code), 0)).emulated
    assert steps_over(code)
