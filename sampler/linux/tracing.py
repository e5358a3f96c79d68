"""ptrace(2) for a tracer that stops nobody: SEIZE, and what is done with a thread that has stopped.

Bare ctypes: each call here is paid by a suspended thread. All raise OSError; ESRCH (ProcessLookupError)
means that the thread has ended or is not stopped.
"""

from __future__ import annotations

import ctypes
import struct
from operator import itemgetter

from sampler.linux.calls import failure

# include/uapi/linux/ptrace.h
_CONT, _GETREGS, _GETFPREGS, _DETACH = 7, 12, 14, 17
_POKEUSER = 6
_GETEVENTMSG, _GETSIGINFO = 0x4201, 0x4202
_SEIZE, _INTERRUPT, _LISTEN = 0x4206, 0x4207, 0x4208
_O_TRACEFORK, _O_TRACEVFORK, _O_TRACECLONE, _O_TRACEEXEC = 2, 4, 8, 16
OPTIONS = _O_TRACEFORK | _O_TRACEVFORK | _O_TRACECLONE | _O_TRACEEXEC

# struct user_regs_struct, <sys/user.h>: 27 words, here in the order of their DWARF numbers:
# rax rdx rcx rbx rsi rdi rbp rsp r8 … r15 rip.
_WORDS = struct.Struct("27Q")
_RIP, _FS_BASE = 16, 21
_RIP_AT = _RIP * 8
_BY_DWARF = itemgetter(10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16)
_XMM = struct.Struct("16s" * 16)
_XMM_AT = 160  # struct user_fpregs_struct: after 32 bytes of control and 8 x87 registers

# PyDLL keeps the interpreter's lock: these calls never wait, and to let go of it would take longer.
_libc = ctypes.PyDLL(None, use_errno=True)
_ptrace = _libc.ptrace
_ptrace.restype = ctypes.c_long
_ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


class Registers:
    """The registers of one stopped thread, read into memory of its own that is used again and again."""

    def __init__(self) -> None:
        self._general = ctypes.create_string_buffer(_WORDS.size)
        self._vector = ctypes.create_string_buffer(512)
        self._at, self._vector_at = ctypes.addressof(self._general), ctypes.addressof(self._vector)
        self._words: tuple[int, ...] = ()

    def read(self, tid: int) -> int:
        """Reads all of them; gives the instruction pointer."""
        if _ptrace(_GETREGS, tid, 0, self._at) == -1:
            raise failure()
        self._words = words = _WORDS.unpack_from(self._general)
        return words[_RIP]  # type: ignore[no-any-return]  # a conversion would take its time

    def general(self) -> tuple[int, ...]:
        """rax, rdx, … r15, rip: the DWARF numbers 0 to 16, as unsigned integers."""
        found: tuple[int, ...] = _BY_DWARF(self._words)
        return found

    @property
    def thread_pointer(self) -> int:
        return self._words[_FS_BASE]

    def vector(self, tid: int) -> tuple[int, ...]:
        """xmm0 to xmm15: the DWARF numbers 17 to 32, likewise."""
        _call(_GETFPREGS, tid, 0, self._vector_at)
        return tuple(int.from_bytes(part, "little") for part in _XMM.unpack_from(self._vector, _XMM_AT))


def seize(tid: int) -> None:
    """Becomes the tracer of a thread without stopping it; its threads and processes to come included."""
    _call(_SEIZE, tid, 0, OPTIONS)


def interrupt(tid: int) -> None:
    """Asks a running thread to stop."""
    _call(_INTERRUPT, tid, 0, 0)


def resume(tid: int, number: int = 0) -> None:
    """Lets a stopped thread run on, with a signal to receive."""
    if _ptrace(_CONT, tid, 0, number) == -1:
        raise failure()


def listen(tid: int) -> None:
    """Leaves a thread in its job stop, and hears of its end."""
    _call(_LISTEN, tid, 0, 0)


def detach(tid: int, number: int = 0) -> None:
    _call(_DETACH, tid, 0, number)


def set_instruction_pointer(tid: int, address: int) -> None:
    if _ptrace(_POKEUSER, tid, _RIP_AT, address) == -1:
        raise failure()


def event_message(tid: int) -> int:
    """What an event is about: the id of the thread or process that was made."""
    value = ctypes.c_uint64()
    _call(_GETEVENTMSG, tid, 0, ctypes.addressof(value))
    return value.value


def signal_code(tid: int) -> int:
    """``si_code`` of the signal that a thread has stopped for."""
    info = (ctypes.c_int32 * 32)()
    _call(_GETSIGINFO, tid, 0, ctypes.addressof(info))
    return info[2]


def _call(request: int, tid: int, address: int, data: int) -> None:
    if _ptrace(request, tid, address, data) == -1:
        raise failure()
