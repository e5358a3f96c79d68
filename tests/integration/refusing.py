"""Runs a program for which the kernel refuses system calls, as the default profile of a container does.

python -m tests.integration.refusing NAME,… PROGRAM ARGUMENT…
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

NUMBERS = {"perf_event_open": 298, "bpf": 321, "process_vm_readv": 310}  # arch/x86/entry/syscalls/syscall_64.tbl
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2  # include/uapi/linux/prctl.h, seccomp.h
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # include/uapi/linux/bpf_common.h
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000


def refuse(names: list[str]) -> None:
    """From now on, for this process and all that it starts: EPERM."""
    program = [(_LOAD_WORD, 0, 0, 0)]  # the number of the call
    for name in names:
        program += [(_JUMP_IF_EQUAL, 0, 1, NUMBERS[name]), (_RETURN, 0, 0, _ERROR | errno.EPERM)]
    program.append((_RETURN, 0, 0, _ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in program))
    filter_program = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(filter_program), 0, 0) == 0


if __name__ == "__main__":
    refuse(sys.argv[1].split(","))
    os.execvp(sys.argv[2], sys.argv[2:])
