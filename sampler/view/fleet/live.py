"""The view of a fleet on a terminal: a row a member and one of all, redrawn at its own rate; then the summary stays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sampler.errors import SamplerError
from sampler.fleet.member import Unseen
from sampler.recording import Line, Recording
from sampler.view.fleet.remarks import Remarks
from sampler.view.fleet.rows import Rows, cost_of_all, is_bad
from sampler.view.fleet.standing import Standing
from sampler.view.fleet.summary import asked, fleet_lines
from sampler.view.fleet.table import cut, laid_out

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_REMARKS = 4
_LEAST_ROWS = 3
#: Of the time between two pictures, so much is the most that drawing takes: one part in so many.
_DRAWING = 40


class FleetLive(Unseen):
    """Follows growing recordings on a terminal of any size."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live as Display

        self._console = console or Console(highlight=False)
        self._display = Display(console=self._console, auto_refresh=False, transient=True)
        self._standings: dict[str, Standing] = {}
        self._remarks = Remarks()
        self._said: list[str] = []  # the last of all, for the picture
        self._beside: list[tuple[str, str]] = []  # what is in no recording, for the end
        self._due_s = 0.0

    def __enter__(self) -> Self:
        self._display.start()
        self.draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()
        if self._standings:
            lines = fleet_lines(list(self._standings.values()), self._console.width, self._beside)
            self._console.print("\n".join(lines), markup=False, soft_wrap=True)

    def joined(self, label: str) -> None:
        self._standings[label] = Standing(label)

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        self._standings[label].recording = recording
        if line["type"] in ("header", "event"):
            self._say(label, self._remarks.of_line(label, line, recording))

    def said(self, label: str, remark: str) -> None:
        self._beside.append((label, remark))
        self._say(label, [self._remarks.now(remark)])

    def ended(self, label: str, error: SamplerError | None) -> None:
        standing = self._standings[label]
        standing.over, standing.error = True, error
        if error is not None:
            self._say(label, [self._remarks.now(str(error))])

    def tick(self) -> None:
        if time.monotonic() >= self._due_s:
            self.draw()

    def draw(self) -> None:
        """Now, whatever it takes."""
        begun_s = time.monotonic()
        size = self._console.size
        self._display.update(
            picture(list(self._standings.values()), self._said, size.width, size.height - 1), refresh=True
        )
        self._due_s = time.monotonic() + _DRAWING * (time.monotonic() - begun_s)

    def _say(self, label: str, remarks: Sequence[str]) -> None:
        self._said = [*self._said, *(f"{label}: {remark.strip()}" for remark in remarks)][-_REMARKS:]


def picture(standings: Sequence[Standing], remarks: Sequence[str], width: int, height: int) -> Text:
    """The state of a run in at most ``height`` lines of ``width`` cells."""
    from rich.text import Text

    if not any(one.recording is not None for one in standings):
        above = ["reading the question and attaching …"]
        below: list[str] = []
    else:
        above, below = list(asked(standings)), [f"cost    {cost_of_all(standings)}"]
    hint = "Ctrl-C ends, and leaves the targets running"
    rows = Rows(standings)
    room = max(1, height - len(above) - len(below) - 3)  # the columns' names, the whole, and the hint
    told = list(remarks[max(0, len(remarks) - max(0, min(room // 3, room - _LEAST_ROWS))) :])
    room -= len(told)
    shown = len(standings) if len(standings) <= room else max(0, room - 1)
    members = rows.members(shown)
    names, *lines, of_all = laid_out(rows.columns, [*members, rows.all()], width)
    rest = [rows.rest(shown)] if shown < len(standings) else []
    parts = [
        *((line, "") for line in above),
        (names, "dim"),
        *((line, "red" if is_bad(row) else "") for line, row in zip(lines, members, strict=True)),
        *((line, "dim") for line in rest),
        (of_all, "bold"),
        *((line, "") for line in below),
        *((line, "dim") for line in told),
        (hint, "dim"),
    ]
    text = Text(no_wrap=True, overflow="ellipsis")
    for number, (line, style) in enumerate(parts[:height]):
        text.append("\n" * bool(number) + cut(_plain(line), width), style)
    return text


def _plain(line: str) -> str:
    from sampler.view.statistics import printable

    return printable(line)
