"""What a command prints as it comes, for so long."""

from __future__ import annotations

import codecs
import os
import selectors
import subprocess
import time
from collections.abc import Iterator

from sampler.cluster.kubectl import missing


class Stream:
    """Text, piece by piece, until the command ends or the time is over; it is ended with the loop over it."""

    def __init__(self, words: list[str], within_s: float) -> None:
        self._words, self._until_s = words, time.monotonic() + within_s

    def __iter__(self) -> Iterator[str]:
        try:
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise missing(self._words[0], error) from error
        characters = codecs.getincrementaldecoder("utf-8")(errors="replace")
        with process, selectors.DefaultSelector() as selector:
            try:
                assert process.stdout is not None
                selector.register(process.stdout, selectors.EVENT_READ)
                while selector.select(max(0.0, self._until_s - time.monotonic())):
                    data = os.read(process.stdout.fileno(), 1 << 16)
                    if not data:
                        return
                    yield characters.decode(data)
            finally:
                process.kill()
