"""A place in the bytes of a section, from which numbers and strings are read one after the other."""

from __future__ import annotations


class Cursor:
    """``at``: where the next one begins."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def number(self, size: int, signed: bool = False) -> int:
        return int.from_bytes(self.bytes(size), "little", signed=signed)

    def bytes(self, size: int) -> bytes:
        """Raises EOFError where there are fewer."""
        start, self.at = self.at, self.at + size
        if self.at > len(self.data):
            raise EOFError("the section ends too early")
        return self.data[start : self.at]

    def text(self) -> str:
        """Up to a byte of zero."""
        end = self.data.index(b"\0", self.at)
        start, self.at = self.at, end + 1
        return self.data[start:end].decode(errors="replace")

    def unsigned(self) -> int:
        """A LEB128 number (DWARF 5, 7.6)."""
        byte = self.data[self.at]
        self.at += 1
        if byte < 0x80:
            return byte
        found, shift = byte & 0x7F, 7
        while byte >= 0x80:
            byte = self.data[self.at]
            self.at += 1
            found |= (byte & 0x7F) << shift
            shift += 7
        return found

    def signed(self) -> int:
        """Likewise, with a sign."""
        start = self.at
        found = self.unsigned()
        bits = 7 * (self.at - start)
        return found - (1 << bits) if found >> (bits - 1) else found
