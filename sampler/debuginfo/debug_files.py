"""Debug information that is kept apart from its program: found by build-id, by debug link, or by dwz's link.

The GDB manual, "Separate Debug Files". Folders are looked at as the target's own root has them, but for
those that a user names: these are on this side, as one who asks a container has them.
"""

from __future__ import annotations

import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any

from sampler.debuginfo.executable import Executable
from sampler.errors import BinaryError, NoDebugInfo

#: Folders as GDB's debug-file-directory has them, with ``:`` between.
VARIABLE = "SAMPLER_DEBUG_FOLDERS"
_FOLDER = "/usr/lib/debug"


@dataclass(frozen=True, slots=True)
class DebugFile:
    """An ELF file with its path, ``root`` in front of it."""

    elf: Any
    path: str


class DebugFiles:
    """Finds them for a program at ``path``, in the file system at ``root``. Files stay open until ``opened`` ends."""

    def __init__(self, path: str, root: str, opened: ExitStack) -> None:
        self._folder, self._root, self._opened = os.path.dirname(path), root, opened

    def of(self, elf: Any, build_id: str | None) -> DebugFile | None:
        """The file with the DWARF that belongs to a program; None."""
        for path in self._by_build_id(build_id):
            found = self._with_build_id(path, build_id)
            if found is not None and found.elf.has_dwarf_info(strict=True):
                return found
        link = elf.get_dwarf_link()
        for path in self._by_name(os.path.basename(os.fsdecode(link.filename))) if link is not None else ():
            file = _opened(path, self._opened)
            if file is not None and _crc32(file) == link.checksum:
                found = DebugFile(_elf(file, path), path)
                if found.elf.has_dwarf_info(strict=True):
                    return found
        return None

    def shared_by(self, debug: DebugFile) -> Any | None:
        """The DWARF that several programs share (dwz); None if it refers to none, NoDebugInfo if that is missing."""
        link = _shared_link(debug.elf)
        if link is None:
            return None
        name, build_id = link
        beside = self._root + name if name.startswith("/") else os.path.join(os.path.dirname(debug.path), name)
        for path in (beside, *self._by_build_id(build_id)):
            found = self._with_build_id(path, build_id)
            if found is not None:
                return found.elf.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)
        raise NoDebugInfo(
            f"a part of the debug information of {debug.path.removeprefix(self._root)} is missing",
            f"dwz has moved it into {name}, which is not there",
            f"install that file, or name the folder that has it in ${VARIABLE}",
        )

    def _folders(self) -> Iterator[str]:
        yield self._root + _FOLDER
        yield from filter(None, os.environ.get(VARIABLE, "").split(":"))

    def _by_build_id(self, build_id: str | None) -> Iterator[str]:
        if build_id and len(build_id) > 2 and "/" not in build_id:
            for folder in self._folders():
                yield f"{folder}/.build-id/{build_id[:2]}/{build_id[2:]}.debug"

    def _by_name(self, name: str) -> Iterator[str]:
        yield from (f"{self._root}{self._folder}/{name}", f"{self._root}{self._folder}/.debug/{name}")
        for folder in self._folders():
            yield from (f"{folder}{self._folder}/{name}", f"{folder}/{name}")

    def _with_build_id(self, path: str, build_id: str | None) -> DebugFile | None:
        file = _opened(path, self._opened)
        if file is None or Executable(file, path).build_id != build_id:
            return None
        return DebugFile(_elf(file, path), path)


def _opened(path: str, stack: ExitStack) -> IO[bytes] | None:
    """A plain file: what else may lie in another's folders would make its opener wait."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    file = stack.enter_context(os.fdopen(descriptor, "rb"))
    return file if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _elf(file: IO[bytes], path: str) -> Any:
    from elftools.elf.elffile import ELFFile

    try:
        return ELFFile(file)
    except Exception as error:  # a damaged file makes the library raise nearly anything
        raise BinaryError(f"the debug file {path} cannot be read", str(error), "install it anew") from error


def _shared_link(elf: Any) -> tuple[str, str] | None:
    """Name and build-id of the file that dwz made: GNU's section, or that of DWARF 5 (7.3.6)."""
    section = elf.get_section_by_name(".gnu_debugaltlink")
    if section is not None:
        name, _, build_id = section.data().partition(b"\0")
        return os.fsdecode(name), build_id.hex()
    section = elf.get_section_by_name(".debug_sup")
    if section is None or len(section.data()) < 5 or section.data()[2]:  # it is the shared one itself
        return None
    name, _, checksum = section.data()[3:].partition(b"\0")
    return os.fsdecode(name), checksum[1 : 1 + checksum[0]].hex()


def _crc32(file: IO[bytes]) -> int:
    value = 0
    file.seek(0)
    while chunk := file.read(1 << 20):
        value = zlib.crc32(chunk, value)
    file.seek(0)
    return value
