"""What the kernel itself calls a process that we see from a PID namespace of our own.

Only a program in the kernel is told that number, and only of the thread that it runs in (bpf_get_current_pid_tgid). So
one is run where a thread of the process leaves its processor, or has used some of it: events that stop nobody.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import time
from contextlib import ExitStack

from sampler.bpf.assembler import FRAME, R0, R1, R2, R3, R4, Assembler
from sampler.linux import bpf, procfs
from sampler.linux.perf_event import software_event

_CURRENT_PID_TGID, _OUTPUT, _FORCE_WAKEUP = 14, 130, 2  # include/uapi/linux/bpf.h
_ENABLE, _SET_PROGRAM = 0x2400, 0x40042408  # include/uapi/linux/perf_event.h
_CPU_CLOCK, _CONTEXT_SWITCHES = 0, 3  # likewise, enum perf_sw_ids
_OF_CLOCK_NS = 1_000_000
_MOST_THREADS = 64  # two events each
_WITHIN_S = 3.0


def kernel_pid(pid: int, within_s: float = _WITHIN_S) -> int | None:
    """None where no thread of it did anything within that time. Raises OSError: EPERM, EACCES without the rights."""
    with bpf.RingBuffer(os.sysconf("SC_PAGESIZE")) as ring, ExitStack() as opened:
        program = bpf.load(_code(ring.descriptor), name="kernel_pid")
        opened.callback(os.close, program)
        for tid in procfs.threads(pid)[:_MOST_THREADS]:
            for kind, period in ((_CONTEXT_SWITCHES, 1), (_CPU_CLOCK, _OF_CLOCK_NS)):
                try:
                    event = software_event(kind, period, tid)
                except ProcessLookupError:  # it has ended meanwhile
                    continue
                opened.callback(os.close, event)
                fcntl.ioctl(event, _SET_PROGRAM, program)
                fcntl.ioctl(event, _ENABLE, 0)
        return _first(ring, time.monotonic() + within_s)


def _first(ring: bpf.RingBuffer, until_s: float) -> int | None:
    poll = select.poll()
    poll.register(ring.descriptor, select.POLLIN)
    while poll.poll(max(0.0, 1000 * (until_s - time.monotonic()))):
        for record in ring.records():
            return int(struct.unpack("<Q", record)[0])
    return None


def _code(ring: int) -> bytes:
    asm = Assembler()
    asm.call(_CURRENT_PID_TGID)
    asm.alu_with(">>", R0, 32)
    asm.store(FRAME, -8, R0)
    asm.map(R1, ring)
    asm.move(R2, FRAME)
    asm.alu_with("+", R2, -8)
    asm.set(R3, 8)
    asm.set(R4, _FORCE_WAKEUP)
    asm.call(_OUTPUT)
    asm.set(R0, 0)
    asm.exit()
    return asm.assembled()
