"""An executable with its debug information, wherever that is kept: in the file, compressed, or apart from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from sampler.debuginfo.debug_files import VARIABLE, DebugFile, DebugFiles
from sampler.debuginfo.executable import Executable
from sampler.errors import BinaryError, NoDebugInfo, SamplerError

if TYPE_CHECKING:  # who asks for nothing but the load address needs none of these
    from sampler.debuginfo.lines import Lines
    from sampler.debuginfo.packages import Packages
    from sampler.debuginfo.search import Search
    from sampler.debuginfo.symbols import Symbols
    from sampler.debuginfo.units import Units


class Image:
    """Open for the length of a ``with`` block. ``path``: as the target sees it; ``root``: in front of it."""

    def __init__(self, file: IO[bytes], path: str, root: str = "") -> None:
        self._file, self.path, self._root = file, path, root
        self._opened = ExitStack()
        self._files = DebugFiles(path, root, self._opened)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    @cached_property
    def identity(self) -> Executable:
        return Executable(self._file, self.path)

    @cached_property
    def elf(self) -> Any:
        """The executable itself."""
        from elftools.elf.elffile import ELFFile

        with reading(self.path):
            return ELFFile(self._file)

    @cached_property
    def debug_file(self) -> DebugFile:
        """The ELF file that holds the DWARF; NoDebugInfo with what would help."""
        if self.elf.has_dwarf_info(strict=True):
            return DebugFile(self.elf, self._root + self.path)
        found = self._files.of(self.elf, self.identity.build_id)
        if found is not None:
            return found
        has_symbols = self.elf.get_section_by_name(".symtab") is not None
        raise NoDebugInfo(
            f"{self.path} has no debug information" if has_symbols else f"{self.path} is stripped",
            "it has symbols only, and there is no debug file for it" if has_symbols
            else "it has no debug information, and there is no debug file for it",
            self._remedy(),
        )  # fmt: skip

    @cached_property
    def dwarf(self) -> Any:
        """pyelftools' DWARFInfo. Its sections are unpacked here, and read one unit at a time."""
        with reading(self.path):
            debug = self.debug_file
            found = self._unpacked(debug.elf)
            found.supplementary_dwarfinfo = self._files.shared_by(debug)
            return found

    @cached_property
    def units(self) -> Units:
        from sampler.debuginfo.units import Units

        return Units(self.dwarf)

    @cached_property
    def packages(self) -> Packages:
        from sampler.debuginfo.packages import Packages

        return Packages(self.units)

    @cached_property
    def lines(self) -> Lines:
        from sampler.debuginfo.lines import Lines

        return Lines(self)

    @cached_property
    def search(self) -> Search:
        """For entries by their names."""
        from sampler.debuginfo.search import Search
        from sampler.debuginfo.units import Units

        shared = self.dwarf.supplementary_dwarfinfo
        types = Units(self.dwarf, of_types=True) if self.dwarf.has_debug_types() else None
        return Search(self.units, types, Units(shared) if shared is not None else None)

    @cached_property
    def symbols(self) -> Symbols:
        from sampler.debuginfo.symbols import Symbols

        try:
            debug = self.debug_file.elf
        except NoDebugInfo:  # names it may have all the same
            debug = self.elf
        return Symbols(debug if debug.get_section_by_name(".symtab") else self.elf)

    @property
    def is_go(self) -> bool:
        return self.identity.go_version is not None

    @cached_property
    def thread_storage(self) -> int:
        """From the thread pointer to the thread-local variables of the program, which is the first module: they
        lie right below it (ELF TLS, variant II).
        """
        for segment in self.elf.iter_segments("PT_TLS"):
            align = segment["p_align"] or 1
            return int(-segment["p_memsz"] // align * align)
        return 0

    @cached_property
    def debug_frame(self) -> bytes:
        """The content of .debug_frame; empty if there is none."""
        from sampler.debuginfo.units import content

        return content(self.dwarf.debug_frame_sec)

    def section(self, name: str) -> bytes:
        """The content of one of the program's own sections; empty if there is none."""
        found = self.elf.get_section_by_name(name)
        return bytes(found.data()) if found is not None and found["sh_type"] != "SHT_NOBITS" else b""

    def code(self, address: int, size: int) -> bytes:
        """What the file has at one of its own addresses; empty if it has nothing there."""
        at = next(self.elf.address_offsets(address), None)
        if at is None:
            return b""
        self._file.seek(at)
        return self._file.read(size)

    def _unpacked(self, elf: Any) -> Any:
        from elftools.common.exceptions import ELFCompressionError

        if any(section["sh_type"] == "SHT_NOBITS" for section in elf.iter_sections() if ".debug" in section.name):
            raise BinaryError(f"the debug information of {self.path} is not in its file", fix="build it anew")
        try:
            return elf.get_dwarf_info(relocate_dwarf_sections=False, follow_links=False)
        except ELFCompressionError as error:
            raise BinaryError(
                f"the debug information of {self.path} cannot be unpacked", "it is compressed, and not by zlib",
                "unpack it: objcopy --decompress-debug-sections, or link it with -gz=zlib",
            ) from error  # fmt: skip

    def _remedy(self) -> str:
        if self.is_go:
            return "build it without -ldflags='-s -w' and do not run strip on it"
        return (
            "build it with -g, or install its debug symbols (a -dbgsym package),"
            f" or name the folder that has them in ${VARIABLE}"
        )


@contextmanager
def reading(path: str) -> Iterator[None]:
    """A damaged file makes the library raise nearly anything: as BinaryError."""
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
