"""How each member of a fleet stands: what its recording comes to, and what has become of it.

What is shown of it while it grows costs the same after an hour as after a second: sums are added up look by look, and
quantiles are those of the last looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from sampler.errors import BudgetExceeded, RecorderLost, SamplerError, TargetEnded
from sampler.fleet.joined import Joined
from sampler.recording import Recording
from sampler.sample import Interval, Look, Miss, Samples
from sampler.view import tallies
from sampler.view.fleet import tallied
from sampler.view.statistics import Distribution, elapsed_ns_of, latest_numbers

_DONE = ("count", "duration")
_NONE = Interval()


@dataclass(frozen=True, slots=True)
class Sums:
    """``samples``: also hits that were counted. ``worst``: the two bounds of the longest time that a look suspended."""

    samples: int = 0
    misses: int = 0
    suspended: Interval = _NONE
    worst: Interval = _NONE
    elapsed_ns: int = 0

    @property
    def share(self) -> tuple[float, float]:
        """Of the time of a target that it was suspended, between two bounds."""
        elapsed_ns = max(1, self.elapsed_ns)
        return self.suspended.low / elapsed_ns, self.suspended.high / elapsed_ns

    def __add__(self, other: Sums) -> Sums:
        """Of two targets: their times, too, are added up."""
        return Sums(
            self.samples + other.samples,
            self.misses + other.misses,
            self.suspended + other.suspended,
            max(self.worst, other.worst, key=lambda bounds: bounds.high),
            self.elapsed_ns + other.elapsed_ns,
        )


class Standing:
    """One member. ``error``: what it ended with, if that was no good end."""

    def __init__(self, label: str, recording: Recording | None = None, error: SamplerError | None = None) -> None:
        self.label, self.recording, self.error = label, recording, error
        self.over = error is not None or (recording is not None and recording.footer is not None)
        self._sums, self._seen = Sums(), 0
        self._numbers: dict[str, tuple[int, int, list[float]]] = {}

    @property
    def state(self) -> str:
        """In one word."""
        if self.error is not None:
            return _of_error(self.error, self.recording is not None)
        footer = self.recording.footer if self.recording is not None else None
        if footer is not None:
            return "done" if footer["ended"] in _DONE else "left"
        if self.over:
            return "left"
        return "starting" if self.recording is None else "asking"

    @property
    def expressions(self) -> list[str]:
        """What there are values of; of what is counted, figures."""
        if self.recording is None:
            return []
        return tallied.names(self.recording) if self.recording.is_tally else self.recording.expressions

    def sums(self) -> Sums:
        """Of all so far."""
        if self.recording is None:
            return Sums()
        if self.recording.is_tally:
            return _tallied(self.recording)
        looks = self.recording.looks
        self._sums += _of_looks(islice(looks, self._seen, None))
        self._seen = len(looks)
        return replace(self._sums, elapsed_ns=elapsed_ns_of(self.recording))

    def numbers(self, expression: str, most: int) -> list[float]:
        """Those of the last looks, at least ``most`` of them, from the lowest to the highest."""
        if self.recording is None:
            return []
        looks, (known, of, found) = len(self.recording.looks), self._numbers.get(expression, (-1, 0, []))
        if (known, of) != (looks, most):
            found = sorted(latest_numbers(self.recording, expression, most))
            self._numbers[expression] = looks, most, found
        return found


def _of_error(error: SamplerError, has_begun: bool) -> str:
    match error:
        case RecorderLost():
            return "lost"
        case TargetEnded():
            return "gone"
        case BudgetExceeded():
            return "budget"
    return "failed" if has_begun else "refused"


def _of_looks(looks: Iterable[Look]) -> Sums:
    samples = misses = low = high = 0
    worst = Interval()
    for look in looks:
        if isinstance(look, Miss):
            misses += look.count
        elif isinstance(look, Samples):
            samples, misses = samples + len(look), misses + look.unanswered
        else:
            samples += 1
        total = look.cost.total_ns
        low, high = low + total.low, high + total.high
        if look.cost.suspended_ns.high > worst.high:
            worst = look.cost.suspended_ns
    return Sums(samples, misses, Interval(low, high), worst)


def _tallied(recording: Recording) -> Sums:
    if not recording.tallies:
        return Sums()
    last = recording.tallies[-1]
    return Sums(last.cost.hits, last.lost, last.cost.suspended_ns, Interval(), tallies.elapsed_ns(recording))


def standings_of(found: Joined) -> list[Standing]:
    """Of a run that was saved, in the order in which members began; those that never did come last."""
    labels = [*found.members, *(label for label in found.errors if label not in found.members)]
    return [Standing(label, found.members.get(label), _error(found, label)) for label in labels]


def _error(found: Joined, label: str) -> SamplerError | None:
    """Also of a recording that was cut off before the fleet could say so."""
    footer = (found.members[label].footer if label in found.members else None) or {}
    return found.errors.get(label) or (SamplerError.from_json(footer["error"]) if "error" in footer else None)


def whole(standings: Iterable[Standing]) -> Sums:
    """Of all together."""
    return sum((one.sums() for one in standings), Sums())


def pooled(standings: Iterable[Standing], expression: str, most: int) -> Distribution | None:
    """Of the samples of all, as if one target had given them: whoever gives more counts for more."""
    return Distribution.of([value for one in standings for value in one.numbers(expression, most)])


def expressions_of(standings: Sequence[Standing]) -> list[str]:
    """What was asked: the same of all."""
    return next((one.expressions for one in standings if one.recording is not None), [])
