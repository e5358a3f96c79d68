"""Comparisons of several targets in one document: each as it would be alone, and what they come to together.

As a file it is one JSON object, whose ``comparisons`` are those of single targets, each with the label of whom it is
``of``. A reader must ignore fields that it does not know. Version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sampler.compare import result
from sampler.compare.result import Comparison, Line
from sampler.errors import RecordingError, SamplerError

VERSION = 1
KIND = "comparisons"


@dataclass(frozen=True, slots=True)
class Comparisons:
    """By label, in the order in which they were done. ``errors``: what ended one early, or why it did not begin."""

    of: Mapping[str, Comparison] = field(default_factory=dict)
    errors: Mapping[str, SamplerError] = field(default_factory=dict)

    def with_one(self, label: str, found: Comparison) -> Comparisons:
        return Comparisons({**self.of, label: found}, self.errors)

    def with_error(self, label: str, error: SamplerError) -> Comparisons:
        return Comparisons(self.of, {**self.errors, label: error})

    def to_json(self) -> Line:
        return {
            "type": KIND,
            "version": VERSION,
            "comparisons": [{"of": label} | found.to_json() for label, found in self.of.items()],
            "errors": [{"of": label, "error": error.to_json()} for label, error in self.errors.items()],
        }

    @staticmethod
    def from_json(fields: Line) -> Comparisons:
        found = {one["of"]: result.checked(one, one["of"]) for one in fields["comparisons"]}
        return Comparisons(found, {one["of"]: SamplerError.from_json(one["error"]) for one in fields.get("errors", ())})


def is_several(path: str) -> bool:
    """Whether a file begins like such a document; False also where it cannot be read."""
    return result.begins_like(path, KIND)


def load(path: str) -> Comparisons:
    """RecordingError says what is wrong with the file."""
    with result.reading(path) as fields:
        if fields.get("type") != KIND or fields.get("version") != VERSION:
            raise RecordingError(f"{path} holds no comparisons of version {VERSION}")
        return Comparisons.from_json(fields)
