"""JSON documents one after another, as kubectl writes objects and events: over several lines, nothing between them."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

_SPACE = " \t\r\n"


class Documents:
    """Takes in text as it comes, and gives each document once it is whole."""

    def __init__(self) -> None:
        self._text = ""
        self._decoder = json.JSONDecoder()
        self._characters = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """The same of bytes, which may be cut within a character."""
        return self.take(self._characters.decode(data))

    def take(self, text: str) -> Iterator[dict[str, Any]]:
        self._text += text
        # An object ends with a brace: where there is none, nothing can have become whole.
        while "}" in text and (rest := self._text.lstrip(_SPACE)):
            try:
                document, end = self._decoder.raw_decode(rest)
            except ValueError:
                return
            self._text = rest[end:]
            yield document


def documents(text: str) -> list[dict[str, Any]]:
    """All of a text that is whole."""
    return list(Documents().take(text))
