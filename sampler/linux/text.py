"""A process's machine code, held against the file that it was loaded from.

A software breakpoint is a byte 0xCC (int3) in the text. ``/proc/PID/mem`` reads and writes text that
is mapped read-only, without stopping anybody (fs/proc/base.c, FOLL_FORCE): so a byte that a debugger
left behind can be put right by somebody who is not the tracer.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from sampler.linux import procfs
from sampler.linux.memory import Memory

INT3 = 0xCC
_CHUNK = 1 << 20
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Difference:
    """One byte of text that is not as in the file."""

    address: int
    in_memory: int
    in_file: int


def differences(pid: int) -> list[Difference]:
    """The bytes of the program's text, and of its libraries', that differ from their files; raises OSError.

    A library whose file is gone or replaced cannot be compared, and is left out: a debugger plants some
    of its breakpoints there, none of ours is.
    """
    own, *libraries = _files_of(pid)
    found = _compare_file(pid, procfs.executable(pid), own)
    for parts in libraries:
        with suppress(OSError, ValueError):
            found += _compare_file(pid, f"/proc/{pid}/root{parts[0].path}", parts)
    return found


def _compare_file(pid: int, path: str, parts: list[procfs.Mapping]) -> list[Difference]:
    with open(path, "rb") as file, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        about = os.fstat(file.fileno())
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as image:
            same = (part for part in parts if part.inode == about.st_ino)
            return [found for part in same for found in _compare_part(part, image, memory.fileno())]


def in_file(pid: int, addresses: Collection[int]) -> dict[int, bytes]:
    """What stands in the program's file for each of these addresses of its text; raises OSError."""
    own = _files_of(pid)[0]
    offsets = {at: part.offset + at - part.start for part in own for at in addresses if part.start <= at < part.end}
    with open(procfs.executable(pid), "rb", buffering=0) as file:
        return {at: os.pread(file.fileno(), 1, offset) for at, offset in offsets.items()}


def restore_known(pid: int, original: Mapping[int, bytes]) -> int:
    """Removes the breakpoints at those addresses without a look at the file; how many. Raises OSError."""
    restored = 0
    with Memory(pid) as memory:
        for at, byte in original.items():
            if memory.read(at, 1) == bytes([INT3]):
                memory.write(at, byte)
                restored += 1
    return restored


def restore(pid: int, wanted: list[Difference]) -> None:
    """Writes the file's byte back at each of these addresses; raises OSError."""
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for difference in wanted:
            os.pwrite(memory.fileno(), bytes([difference.in_file]), difference.address)


def planted(found: list[Difference]) -> list[Difference]:
    """Those that are breakpoints: an int3 where the file has something else."""
    return [difference for difference in found if difference.in_memory == INT3]


def _files_of(pid: int) -> list[list[procfs.Mapping]]:
    """The mappings of machine code, by their file; the executable's own come first.

    By inode and name, not by device: overlay file systems report another device in maps.
    """
    own = os.readlink(procfs.executable(pid)).removesuffix(" (deleted)")
    by_file: dict[str, list[procfs.Mapping]] = {own: []}
    for part in procfs.mappings(pid):
        if "x" in part.permissions and part.inode:
            by_file.setdefault(part.path.removesuffix(" (deleted)"), []).append(part)
    return list(by_file.values())


def _compare_part(part: procfs.Mapping, image: mmap.mmap, memory: int) -> Iterator[Difference]:
    for start in range(part.start, part.end, _CHUNK):
        size = min(_CHUNK, part.end - start)
        offset = part.offset + start - part.start
        in_file = image[offset : offset + size]
        in_memory = os.pread(memory, size, start)[: len(in_file)]  # past the file's end the page is zeroes
        if in_memory != in_file:
            yield from _compare_pages(start, in_memory, in_file)


def _compare_pages(start: int, in_memory: bytes, in_file: bytes) -> Iterator[Difference]:
    for page in range(0, len(in_file), _PAGE):
        left, right = in_memory[page : page + _PAGE], in_file[page : page + _PAGE]
        if left != right:
            yield from (
                Difference(start + page + at, is_now, was)
                for at, (is_now, was) in enumerate(zip(left, right, strict=False))
                if is_now != was
            )
