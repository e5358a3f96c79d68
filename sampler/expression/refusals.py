"""Why an expression is refused, and where in its text: found deep inside, told in full at the end."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sampler.errors import ExpressionBeyond, ExpressionRefused, NoValueHere

_LONGEST_PART = 40


@dataclass(eq=False)
class Refusal(Exception):
    """``part``: the words that it is about. ``at``: where they begin, once that is known."""

    part: str
    why: str
    fix: str = ""
    at: int | None = None
    kind: type[ExpressionRefused] = ExpressionRefused

    def within(self, start: int, source: str) -> Refusal:
        """The same, with its place: the innermost part of the text that is known to hold the words."""
        if self.at is not None:
            return self
        return replace(self, at=start + max(source.find(self.part), 0))

    def error(self, text: str) -> ExpressionRefused:
        """The error that a user sees."""
        at = text.find(self.part) if self.at is None else self.at
        where = f"column {max(at, 0) + 1}, {_short(self.part)}: " if self.part != text.strip() else ""
        return self.kind(f"{text!r} cannot be answered", where + self.why, self.fix)


def refusal(part: str, why: str, fix: str = "") -> Refusal:
    return Refusal(part, why, fix)


def no_value(part: str, why: str, fix: str = "") -> Refusal:
    """The names are right, but there is no value at this instruction."""
    return Refusal(part, why, fix, kind=NoValueHere)


def beyond(part: str, why: str, fix: str = "") -> Refusal:
    """The question makes sense, and is not one for a plan."""
    return Refusal(part, why, fix, kind=ExpressionBeyond)


def _short(part: str) -> str:
    return part if len(part) <= _LONGEST_PART else part[:_LONGEST_PART] + "…"
