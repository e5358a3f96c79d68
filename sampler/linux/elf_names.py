"""A small ELF file that gives addresses of a program names of our own, for tools that take names only.

Libraries of BCC's look for the symbols of PATH in ``$BCC_SYMFS/PATH`` too, if that has the same build-id
(src/cc/bcc_elf.c, find_debug_via_symfs).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

# elf(5): Elf64_Ehdr behind its identification, Elf64_Shdr, Elf64_Sym.
_IDENTIFICATION = b"\x7fELF\x02\x01\x01" + bytes(9)
_HEADER = struct.Struct("<HHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_ET_DYN, _EM_X86_64 = 3, 62
_SHT_SYMTAB, _SHT_STRTAB, _SHT_NOTE, _SHT_NOBITS = 2, 3, 7, 8
_GLOBAL_FUNCTION = 1 << 4 | 2
_NT_GNU_BUILD_ID = 3
_HEADERS = len(_IDENTIFICATION) + _HEADER.size


def naming(names: Mapping[str, int], build_id: bytes | None) -> bytes:
    """The file's content: a symbol of one byte for each name, and the build-id that it must share with its program."""
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in names)
    symbols, at = bytes(_SYMBOL.size), 1
    for name, address in names.items():
        symbols += _SYMBOL.pack(at, _GLOBAL_FUNCTION, 0, 1, address, 1)
        at += len(name.encode()) + 1
    note = struct.pack("<III4s", 4, len(build_id), _NT_GNU_BUILD_ID, b"GNU\0") + build_id if build_id else b""
    parts = [
        (b".text", _SHT_NOBITS, b"", 0, 0),
        (b".symtab", _SHT_SYMTAB, symbols, 3, _SYMBOL.size),
        (b".strtab", _SHT_STRTAB, strings, 0, 0),
        *([(b".note.gnu.build-id", _SHT_NOTE, note, 0, 0)] if build_id else []),
    ]
    return _assembled(parts)


def _assembled(parts: list[tuple[bytes, int, bytes, int, int]]) -> bytes:
    """Sections by name, type, content, the section that they refer to, and the size of an entry."""
    names, content = b"\0", b""
    table = bytes(_SECTION.size)
    for name, kind, data, link, entry in [*parts, (b".shstrtab", _SHT_STRTAB, b"", 0, 0)]:
        at, names = len(names), names + name + b"\0"
        data = names if name == b".shstrtab" else data
        content += bytes(-len(content) % 8)
        table += _SECTION.pack(
            at, kind, 0, 0, _HEADERS + len(content), len(data), link, int(kind == _SHT_SYMTAB), 8, entry
        )
        content += data
    content += bytes(-len(content) % 8)
    count = len(parts) + 2
    head = _HEADER.pack(
        _ET_DYN, _EM_X86_64, 1, 0, 0, _HEADERS + len(content), 0, _HEADERS, 0, 0, _SECTION.size, count, count - 1
    )
    return _IDENTIFICATION + head + content + table
