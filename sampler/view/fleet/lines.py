"""Views of a fleet for pipes: lines for people, each with its target in front, and comma-separated values."""

from __future__ import annotations

import csv
from types import TracebackType
from typing import IO

from sampler.errors import SamplerError
from sampler.fleet.member import Unseen
from sampler.recording import Line, Recording
from sampler.view.fleet.remarks import Remarks
from sampler.view.fleet.standing import Standing
from sampler.view.fleet.summary import fleet_lines
from sampler.view.lines import Digest, csv_columns, csv_rows
from sampler.view.statistics import printable


class FleetLines(Unseen):
    """A line a look, a line an event, and the summary at the end."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._standings: dict[str, Standing] = {}
        self._digests: dict[str, Digest] = {}
        self._remarks, self._width = Remarks(), 0

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._standings and not isinstance(value, BrokenPipeError):
            print("", *fleet_lines(list(self._standings.values())), sep="\n", file=self._stream, flush=True)

    def joined(self, label: str) -> None:
        self._standings[label], self._digests[label] = Standing(label), Digest()
        self._width = max(self._width, len(printable(label)))

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        self._standings[label].recording = recording
        if line["type"] == "samples":
            summed = self._digests[label].take(recording)
            said = [self._remarks.stamped(label, recording.looks[-1].at_ns, summed)] if summed else []
        else:
            said = self._remarks.of_line(label, line, recording)
        self._print(label, *said)

    def said(self, label: str, remark: str) -> None:
        self._print(label, self._remarks.now(remark))

    def ended(self, label: str, error: SamplerError | None) -> None:
        standing = self._standings[label]
        standing.over, standing.error = True, error
        if error is not None:
            self._print(label, self._remarks.now(str(error)))

    def _print(self, label: str, *said: str) -> None:
        for one in said:
            print(f"{printable(label):<{self._width}}  {printable(one)}", file=self._stream, flush=True)


class FleetCsv(Unseen):
    """As of one target, with the label of whose it is in a first column."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._writer = csv.writer(stream, lineterminator="\n")
        self._begun = False

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        if not self._begun:
            self._begun = True
            self._writer.writerow(["target", *csv_columns(recording)])
        self._writer.writerows([label, *row] for row in csv_rows(line, recording))
        self._stream.flush()
