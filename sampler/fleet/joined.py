"""The recording of a fleet: the lines of all its members in one stream, each with the label of whom it is ``of``.

The first line says that it is such a one, and whom it began with; then each member has a header, looks, events and a
footer of its own, as in a recording of one target. A reader must ignore types and fields that it does not know.
Version 1.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import TracebackType

from sampler.errors import RecordingError, SamplerError
from sampler.fleet.member import Unseen
from sampler.recording import Line, Recording, Sink, objects, reading, understood

VERSION = 1
KIND = "fleet"


class Writer(Unseen):
    """Writes it as it grows: a view of the fleet, in the one form that loses nothing.

    Nothing is written until somebody has been asked.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._begun = False
        self._members: list[str] = []
        self._before: list[Line] = []

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if value is None and self._begun:
            self._line({"type": "fleet-footer"})

    def joined(self, label: str) -> None:
        self._members.append(label)

    def show(self, label: str, text: str, line: Line, recording: Recording) -> None:
        if not self._begun:
            self._begun = True
            for early in ({"type": KIND, "version": VERSION, "members": self._members}, *self._before):
                self._line(early)
        self._sink.write(tagged(label, text))

    def said(self, label: str, remark: str) -> None:
        self._line({"of": label, "type": "said", "text": remark})

    def ended(self, label: str, error: SamplerError | None) -> None:
        self._line({"of": label, "type": "ended"} | ({"error": error.to_json()} if error else {}))

    def _line(self, line: Line) -> None:
        if self._begun:
            self._sink.write(json.dumps(line, ensure_ascii=False) + "\n")
        else:
            self._before.append(line)


def tagged(label: str, text: str) -> str:
    """A line of a member's recording with its label in front; it is not written anew."""
    return f'{{"of": {json.dumps(label, ensure_ascii=False)}, {text[1:]}'


@dataclass(slots=True)
class Joined:
    """As read, whole or still growing. ``errors``: what members ended with, also those that had no recording."""

    members: dict[str, Recording] = field(default_factory=dict)
    remarks: list[tuple[str, str]] = field(default_factory=list)
    errors: dict[str, SamplerError] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        """Takes in one line after the first."""
        label = line.get("of")
        if label is None:
            return
        match line["type"]:
            case "header":
                self.members[label] = Recording(line)
            case "said":
                self.remarks.append((label, line["text"]))
            case "ended":
                if "error" in line:
                    self.errors[label] = SamplerError.from_json(line["error"])
            case _:
                self.members[label].add(line)


def is_joined(path: str) -> bool:
    """Whether a file holds a fleet, by its first line; False too if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return bool(next(objects(file)).get("type") == KIND)
    except (OSError, UnicodeDecodeError, RecordingError, StopIteration):
        return False


def load(path: str) -> Joined:
    """A file as a fleet; RecordingError says what is wrong with it and where."""
    with reading(path) as file:
        lines = objects(file)
        first = next(lines, {})
        _check(first)
        joined = Joined()
        for number, line in enumerate(lines, 2):
            with understood(number):
                joined.add(line)
        known = [label for label in first.get("members", ()) if label in joined.members]
        joined.members = {label: joined.members[label] for label in (*known, *joined.members)}
        return joined


def _check(first: Line) -> None:
    if first.get("type") != KIND:
        raise RecordingError("the first line is not that of a fleet")
    if first.get("version") != VERSION:
        raise RecordingError(
            f"version {first.get('version')} of a fleet is not known here", fix=f"this sampler reads version {VERSION}"
        )
