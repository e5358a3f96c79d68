"""What a terminal shows of a fleet: a row a member, the most telling first where not all fit, and the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sampler.units import format_duration, span
from sampler.view.fleet import tallied
from sampler.view.fleet.standing import Standing, Sums, expressions_of, pooled, whole
from sampler.view.fleet.table import Column
from sampler.view.lines import latest
from sampler.view.statistics import Distribution, printable, show_value

_MOST_REDRAWN = 20_000  # numbers of all members, of each expression: the summary is of all
_BAD = ("lost", "failed", "refused", "budget", "gone")
ALL = "all"


class Rows:
    """Of the members as they stand now."""

    def __init__(self, standings: Sequence[Standing]) -> None:
        self._standings = standings
        self._expressions = expressions_of(standings)
        begun = [one.recording for one in standings if one.recording is not None]
        self._tallied = bool(begun) and begun[0].is_tally
        self._is_count = self._tallied and tallied.kind_of(begun[0]) == "count"
        self._most = max(100, _MOST_REDRAWN // max(1, len(standings)))

    @property
    def columns(self) -> list[Column]:
        """A value and its time suspended stand on the narrowest terminal; the other expressions on a wide one only."""
        found = [Column("target", 0, to_the_left=True), Column("", 2, to_the_left=True)]
        for place in range(len(self._expressions)):
            number = f"{place + 1} " if len(self._expressions) > 1 else ""
            behind = 20 + 10 * place if place else 0
            found.append(Column(f"{number}now", 1 + behind))
            if not self._is_count:
                found += [Column(f"{number}median", 4 + behind), Column(f"{number}p99", 5 + behind)]
        return [
            *found,
            Column("samples", 7),
            Column("misses", 8),
            Column("of the time", 3),
            Column("worst pause", 6),
        ]

    def members(self, most: int) -> list[list[str]]:
        """At most so many rows: in the order in which they came, or, where they do not all fit, ``ranked``."""
        shown = self._standings if len(self._standings) <= most else self._ranked()[:most]
        return [self._row(one) for one in shown]

    def rest(self, shown: int) -> str:
        """Of those that have no row: how many, and how they stand."""
        states = Counter(one.state for one in self._ranked()[shown:])
        return f"… and {sum(states.values())} more: " + ", ".join(f"{count} {state}" for state, count in states.items())

    def all(self) -> list[str]:
        """Quantiles of the samples of all, sums, and the longest pause of any."""
        asking = sum(one.state == "asking" for one in self._standings)
        cells = [ALL, f"{asking}/{len(self._standings)}"]
        for expression in self._expressions:
            if self._tallied:
                cells += self._figures(self._standings, expression)
                continue
            spread = pooled(self._standings, expression, self._most)
            cells += [self._seen(expression) if spread is None else "", *_quantiles(spread)]
        return cells + _costs(whole(self._standings))

    def _row(self, one: Standing) -> list[str]:
        cells = [printable(one.label), one.state]
        for expression in self._expressions:
            if self._tallied:
                cells += self._figures([one], expression)
                continue
            spread = Distribution.of(one.numbers(expression, self._most))
            cells += [_now(one, expression), *_quantiles(spread)]
        return cells + _costs(one.sums())

    def _figures(self, of: Sequence[Standing], name: str) -> list[str]:
        """Of what is counted: how fast those are that are asked now; of what is timed or summed up, all of it."""
        recordings = [one.recording for one in of if one.recording is not None and not (self._is_count and one.over)]
        quantiles = [] if self._is_count else tallied.quantiles(recordings)
        return [tallied.now(recordings, name), *quantiles]

    def _seen(self, expression: str) -> str:
        """Of values that are no numbers: how many members have each now."""
        found = Counter(_now(one, expression) for one in self._standings if one.state == "asking")
        return ", ".join(f"{count} × {value}" for value, count in found.most_common())

    def _ranked(self) -> list[Standing]:
        """Those that have failed, then those that are asked, by the median of what was asked first: the latest value
        would have rows jump about. Where that is no number, by what asking takes of them.
        """
        return sorted(self._standings, key=self._interest, reverse=True)

    def _interest(self, one: Standing) -> tuple[bool, bool, float, float]:
        spread = Distribution.of(one.numbers(self._expressions[0], self._most)) if self._expressions else None
        median = float("-inf") if spread is None else spread.median
        return one.state in _BAD, not one.over, median, one.sums().share[1]


def is_bad(row: Sequence[str]) -> bool:
    return row[1] in _BAD


def _now(one: Standing, expression: str) -> str:
    return latest(one.recording, expression) if one.recording is not None else ""


def _quantiles(spread: Distribution | None) -> list[str]:
    return ["", ""] if spread is None else [show_value(spread.median), show_value(spread.p99)]


def _costs(sums: Sums) -> list[str]:
    low, high = sums.share
    none = not sums.suspended.high
    return [
        f"{sums.samples:,}",
        f"{sums.misses:,}",
        "none" if none else f"{low:.2%}–{high:.2%}",
        format_duration(sums.worst.high) if sums.worst.high else "none",
    ]


def cost_of_all(standings: Sequence[Standing]) -> str:
    """What asking has taken of all targets together, of their time, and of the time that has passed."""
    sums = whole(standings)
    if not sums.suspended.high:
        return "nobody was suspended"
    passed_ns = max(1, max(one.sums().elapsed_ns for one in standings))
    low, high = sums.share
    spent = sums.suspended
    return (
        f"{span(spent.low, spent.high)} suspended in all: {low:.2%} to {high:.2%} of the targets' time,"
        f" {spent.low / passed_ns:.2%} to {spent.high / passed_ns:.2%} of the time that passed"
    )
