"""An executable with its debug information, wherever that is kept: in the file, compressed, or apart from it.

Debug files: by build-id below /usr/lib/debug/.build-id, or by the name in .gnu_debuglink (the GDB
manual, "Separate Debug Files"), both seen from the target's own root.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from sampler.debuginfo.executable import Executable
from sampler.errors import BinaryError, NoDebugInfo

if TYPE_CHECKING:  # who asks for nothing but the load address needs none of these
    from sampler.debuginfo.lines import Lines
    from sampler.debuginfo.packages import Packages
    from sampler.debuginfo.symbols import Symbols
    from sampler.debuginfo.units import Units

_DEBUG_FOLDER = "/usr/lib/debug"


class Image:
    """Open for the length of a ``with`` block. ``path``: as the target sees it; ``root``: in front of it."""

    def __init__(self, file: IO[bytes], path: str, root: str = "") -> None:
        self._file, self.path, self._root = file, path, root
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @cached_property
    def identity(self) -> Executable:
        return Executable(self._file, self.path)

    @cached_property
    def elf(self) -> Any:
        """The executable itself."""
        return _elf(self._file, self.path)

    @cached_property
    def debug_elf(self) -> Any:
        """The ELF file that holds the DWARF; NoDebugInfo with what would help."""
        if self.elf.has_dwarf_info(strict=True):
            return self.elf
        for path in self._debug_paths():
            found = self._opened(path)
            if found is not None:
                return found
        raise NoDebugInfo(
            f"{self.path} is stripped", "it has no debug information, and there is no debug file for it", self._remedy()
        )

    @cached_property
    def dwarf(self) -> Any:
        """pyelftools' DWARFInfo. Its sections are unpacked here, and read one unit at a time."""
        with reading(self.path):
            return self.debug_elf.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)

    @cached_property
    def units(self) -> Units:
        from sampler.debuginfo.units import Units

        return Units(self.dwarf, self.path)

    @cached_property
    def packages(self) -> Packages:
        from sampler.debuginfo.packages import Packages

        return Packages(self.units)

    @cached_property
    def lines(self) -> Lines:
        from sampler.debuginfo.lines import Lines

        return Lines(self)

    @cached_property
    def symbols(self) -> Symbols:
        from sampler.debuginfo.symbols import Symbols

        return Symbols(self.debug_elf if self.debug_elf.get_section_by_name(".symtab") else self.elf)

    @cached_property
    def thread_storage(self) -> int:
        """From the thread pointer to the thread-local variables of the program, which is the first module: they
        lie right below it (ELF TLS, variant II).
        """
        for segment in self.elf.iter_segments("PT_TLS"):
            align = segment["p_align"] or 1
            return int(-segment["p_memsz"] // align * align)
        return 0

    @property
    def is_go(self) -> bool:
        return self.identity.go_version is not None

    def section(self, name: str) -> bytes:
        """A section's content, unpacked; empty if there is none."""
        for elf in (self.elf, self.debug_elf):
            found = elf.get_section_by_name(name)
            if found is not None and found["sh_type"] != "SHT_NOBITS":
                return bytes(found.data())
        return b""

    def dwarf_section(self, name: str) -> bytes:
        """The same of a section that the DWARF is made of; it is unpacked once."""
        found = getattr(self.dwarf, f"{name.removeprefix('.')}_sec")
        return bytes(found.stream.getvalue()) if found is not None else b""

    def _debug_paths(self) -> Iterator[str]:
        build_id = self.identity.build_id
        if build_id and len(build_id) > 2 and "/" not in build_id:
            yield f"{_DEBUG_FOLDER}/.build-id/{build_id[:2]}/{build_id[2:]}.debug"
        link = self.elf.get_dwarf_link()
        if link is not None:
            folder, name = os.path.dirname(self.path), os.path.basename(os.fsdecode(link.filename))
            yield from (f"{place}/{name}" for place in (folder, f"{folder}/.debug", _DEBUG_FOLDER + folder))

    def _opened(self, path: str) -> Any | None:
        try:
            file = self._open.enter_context(open(self._root + path, "rb"))  # noqa: SIM115 - closed with the image
        except OSError:
            return None
        link = self.elf.get_dwarf_link()
        by_build_id = "/.build-id/" in path
        if not by_build_id and link is not None and _crc32(file) != link.checksum:
            return None
        found = _elf(file, path)
        if by_build_id and Executable(file, path).build_id != self.identity.build_id:
            return None
        return found if found.has_dwarf_info(strict=True) else None

    def _remedy(self) -> str:
        if self.is_go:
            return "build it without -ldflags='-s -w' and do not run strip on it"
        return "build it with -g, or install its debug symbols (a -dbgsym package)"


def _elf(file: IO[bytes], path: str) -> Any:
    from elftools.elf.elffile import ELFFile

    with reading(path):
        return ELFFile(file)


def _crc32(file: IO[bytes]) -> int:
    value = 0
    file.seek(0)
    while chunk := file.read(1 << 20):
        value = zlib.crc32(chunk, value)
    file.seek(0)
    return value


@contextmanager
def reading(path: str) -> Iterator[None]:
    """A damaged file makes the library raise nearly anything: as BinaryError."""
    from sampler.errors import SamplerError

    try:
        yield
    except SamplerError:
        raise
    except Exception as error:
        raise BinaryError(
            f"the debug information of {path} cannot be read",
            f"{type(error).__name__} {error}".strip(),
            "build the program anew",
        ) from error
