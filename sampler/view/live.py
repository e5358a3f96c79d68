"""The view on a terminal: redrawn at its own rate, whatever the rate of looks; then the summary stays."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from sampler.recording import Line, Recording
from sampler.units import format_duration, span
from sampler.view import tallies
from sampler.view.lines import describe, latest, stamped
from sampler.view.statistics import Costs, Distribution, latest_numbers, printable, show_value
from sampler.view.summary import summary_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_BARS = "▁▂▃▄▅▆▇█"
_HISTORY = 40
_REMARKS = 4
_MOST_REDRAWN = 50_000  # samples: the summary is of all


class Live:
    """Follows a growing recording on a terminal of any width."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live as Display

        self._console = console or Console(highlight=False)
        self._display = Display(console=self._console, auto_refresh=False, transient=True)
        self._recording: Recording | None = None
        self._remarks: list[str] = []

    def __enter__(self) -> Self:
        self._display.start()
        self.tick()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()
        if self._recording is not None:
            self._console.print("\n".join(summary_lines(self._recording)), markup=False)

    def show(self, text: str, line: Line, recording: Recording) -> None:
        self._recording = recording
        if line["type"] in ("header", "event") and (said := describe(line, recording)):
            self._remarks = [*self._remarks, *(one.strip() for one in said.splitlines())][-_REMARKS:]

    def tick(self) -> None:
        self._display.update(self._picture(), refresh=True)

    def _picture(self) -> Table | str:
        if self._recording is None:
            return "reading the question and attaching …   (Ctrl-C ends)"
        return picture(self._recording, self._remarks)


def picture(recording: Recording, remarks: list[str]) -> Table:
    """The state of a run as a table of two columns: a name, and what it is now."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(style="dim", no_wrap=True, width=7)
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    rows = [("target", _target(recording))]
    if recording.is_tally:
        rows += _tallied(recording)
    else:
        for expression in recording.expressions:
            rows += _answer(recording, expression)
        rows += [("looks", _looks(recording)), *_cost(recording)]
    rows += [("", remark) for remark in remarks]
    for name, text in rows:
        table.add_row(name, Text(text, style="bold" if name == "now" else ""))
    table.add_row("", Text("Ctrl-C ends, and leaves the target running", style="dim"))
    return table


def _tallied(recording: Recording) -> list[tuple[str, str]]:
    """The rates of the last seconds, and the histograms so far."""
    if not recording.tallies:
        return [("now", "…")]
    said = tallies.line(recording)
    rows = [("now", stamped(recording.tallies[-1].t_ns, said).strip() if said else "…")]
    last, question = recording.tallies[-1], recording.header["question"]
    for name, buckets in last.histograms.items():
        rows.append(("of", printable(name)))
        rows += [("", row) for row in tallies.histogram(buckets, question.get("unit", ""), tallies.step_of(question))]
    return [*rows, *(("total", f"{count:,} × {printable(name)}") for name, count in last.counts.items())]


def _target(recording: Recording) -> str:
    header, target = recording.header, recording.header["target"]
    return f"{printable(target['name'])} ({target['pid']}) at {header['question']['point']} by {header['instrument']}"


def _answer(recording: Recording, expression: str) -> list[tuple[str, str]]:
    rows = [("asked", expression), ("now", latest(recording, expression))]
    series = latest_numbers(recording, expression, _MOST_REDRAWN)
    spread = Distribution.of(series)
    if spread is not None:
        rows.append(
            (
                "",
                f"median {show_value(spread.median)}   p99 {show_value(spread.p99)}"
                f"   min {show_value(spread.minimum)}   max {show_value(spread.maximum)}",
            )
        )
        rows.append(("history", sparkline(series[-_HISTORY:])))
    return rows


def _looks(recording: Recording) -> str:
    missed = "".join(f", {count} {reason}" for reason, count in recording.reasons())
    elapsed = f" in {format_duration(recording.looks[-1].at_ns)}" if recording.looks else ""
    return f"{recording.sample_count} samples, {recording.miss_count} misses{missed}{elapsed}"


def _cost(recording: Recording) -> list[tuple[str, str]]:
    costs = Costs.of(recording)
    if costs is None:
        return []
    spent = recording.looks[-1].cost.suspended_ns
    return [
        (
            "cost",
            f"suspended {span(spent.low, spent.high)} now, {span(costs.low.median, costs.high.median)} median,"
            f" {span(costs.low.maximum, costs.high.maximum)} worst",
        ),
        (
            "",
            f"{span(costs.total.low, costs.total.high)} in all: "
            f"{costs.share[0]:.2%} to {costs.share[1]:.2%} of the time, {costs.threads or 'no'} threads",
        ),
    ]


def sparkline(series: list[float]) -> str:
    """One character a value, its height between the lowest and the highest of them."""
    low, high = min(series), max(series)
    steps = len(_BARS) - 1
    step = high / steps - low / steps or 1.0  # so, and not of the difference: that of two floats can overflow
    return "".join(_BARS[min(steps, max(0, round(value / step - low / step)))] for value in series)
