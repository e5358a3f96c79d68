"""An ELF file's identity: build-id, language, Go version, and whether it has debug information.

Read with pyelftools, from ``/proc/PID/exe``; the target does not notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

from sampler.errors import BinaryError

# The blob that Go's linker writes: src/debug/buildinfo/buildinfo.go. Flag 2: strings follow in place.
_BUILDINFO_MAGIC = b"\xff Go buildinf:"
_BUILDINFO_STRINGS_AT = 32
_MOST_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class GoVersion:
    """``go1.26.8`` as numbers; a development build counts as its release."""

    major: int
    minor: int
    text: str

    @staticmethod
    def parse(text: str) -> GoVersion | None:
        match = re.search(r"go(\d+)\.(\d+)\S*", text)
        return GoVersion(int(match[1]), int(match[2]), match[0]) if match else None


class Executable:
    """One ELF file, opened for as long as it is asked. BinaryError if it is none."""

    def __init__(self, file: IO[bytes], path: str) -> None:
        from elftools.elf.elffile import ELFFile

        self.path = path
        with self._reading():
            self._elf: Any = ELFFile(file)

    @cached_property
    def build_id(self) -> str | None:
        """The GNU build-id, else Go's own, else None."""
        go = next((desc for name, _, desc in self._notes if str(name).rstrip("\0") == "Go"), None)
        return self.gnu_build_id or (go.decode(errors="replace") if isinstance(go, bytes) else go)

    @cached_property
    def gnu_build_id(self) -> str | None:
        """In hexadecimal."""
        found = (desc for name, kind, desc in self._notes if name == "GNU" and kind == "NT_GNU_BUILD_ID")
        return next(found, None)

    @cached_property
    def _notes(self) -> list[tuple[Any, Any, Any]]:
        with self._reading():
            return [
                (note["n_name"], note["n_type"], note["n_desc"])
                for section in self._elf.iter_sections()
                if section["sh_type"] == "SHT_NOTE"
                for note in section.iter_notes()
            ]

    @cached_property
    def go_version(self) -> GoVersion | None:
        """The version of Go that built it; None for a program of another language."""
        data = self._section(".go.buildinfo")
        if not data.startswith(_BUILDINFO_MAGIC) or not data[15] & 2:
            return None
        return GoVersion.parse(_first_string(data[_BUILDINFO_STRINGS_AT:]))

    @cached_property
    def has_debug_info(self) -> bool:
        with self._reading():
            return bool(self._elf.has_dwarf_info(strict=True))

    def names_a_function(self, name: str) -> bool:
        """False only if no debug information can hold a function of that last name.

        A search in the bytes of the strings, with no DWARF read: a true answer is a likelihood.
        """
        last = re.escape(name.encode())
        pattern = re.compile(rb"(?:\x00|\.|.)" + last + rb"(?:\x00|\[)", re.DOTALL)
        return any(pattern.search(data) for data in self._strings())

    def names_like(self, name: str) -> list[str]:
        """Names of the program's own that begin with the same letter or package: for a hint to a typo."""
        head = re.escape(name.encode().partition(b".")[0] + b".") if "." in name else rb"(?:\w+\.)?"
        pattern = re.compile(head + rb"[\w.()*]{1,100}(?=\x00)")
        found = {match.decode(errors="replace") for data in self._strings() for match in pattern.findall(data)}
        return sorted(found)[:_MOST_NAMES]

    def _strings(self) -> Iterator[bytes]:
        # Go writes names in place, in .debug_info; compilers of C into .debug_str.
        for name in (".strtab", ".debug_info", ".debug_str"):
            yield self._section(name)

    def _section(self, name: str) -> bytes:
        with self._reading():
            section = self._elf.get_section_by_name(name)
            has_content = section is not None and section["sh_type"] != "SHT_NOBITS"
            return bytes(section.data()) if has_content else b""

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # a damaged file makes the library raise nearly anything
            what = f"{self.path} cannot be read as an ELF file"
            raise BinaryError(
                what, f"{type(error).__name__} {error}".strip(), "name a process whose program is whole"
            ) from error


def _first_string(data: bytes) -> str:
    length, shift, at = 0, 0, 0
    while at < len(data) and at < 10:  # a varint: seven bits a byte, the lowest first
        length |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            break
    return data[at : at + length].decode(errors="replace")
