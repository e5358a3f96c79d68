"""What is said of members beside their answers: alike of many of them, it is said once."""

from __future__ import annotations

from sampler.recording import Line, Recording
from sampler.view.lines import describe

#: Seconds and their unit stand before what ``describe`` says.
_WHEN = " s  "


class Remarks:
    """Which instrument was taken, and why no gentler one, is the same of most: it is told of the first of them."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of_line(self, line: Line, recording: Recording) -> list[str]:
        """Of a line that is no look, one for each thing that it says."""
        said = describe(line, recording).splitlines()
        return [one for one in said if line["type"] != "header" or self._is_new(one)]

    def _is_new(self, said: str) -> bool:
        about = said.partition(_WHEN)[2]
        if about in self._known:
            return False
        self._known.add(about)
        return True
