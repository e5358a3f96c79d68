"""Names of C, C++ and Rust taken apart: ``ns::box<int>::get(int)`` is of three parts, with its parameters.

White space counts for nothing: a program point has none, and compilers differ in where they put it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# The longest first. A conversion, ``operator bool``, is no sign: its name goes on to the end.
_OPERATOR = re.compile(
    r"operator(?:<<=|>>=|<=>|->\*|\(\)|\[\]|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|->|[-+*/%^&|]=|[-+*/%^&|~!=<>,])"
)
_UNNAMED = "(anonymousnamespace)"
_OPENING, _CLOSING = "<{([", ">})]"


@dataclass(frozen=True, slots=True)
class Name:
    """``parts``: from the outermost scope inwards. ``parameters``: None where the name gives none."""

    parts: tuple[str, ...]
    parameters: str | None = None

    @property
    def last(self) -> str:
        return self.parts[-1]

    @property
    def bare(self) -> tuple[str, ...]:
        """Without the arguments of templates and generic functions."""
        return tuple(map(without_arguments, self.parts))

    def answers_to(self, wanted: Name) -> bool:
        """True if the wanted name is this one, or the end of it, with or without arguments."""
        own = self.parts[len(self.parts) - len(wanted.parts) :]
        return len(own) == len(wanted.parts) and all(
            part in (name, without_arguments(name)) for name, part in zip(own, wanted.parts, strict=True)
        )


def parsed(text: str) -> Name:
    """The name that a text is."""
    text = squeezed(text)
    parts, parameters, start, at, depth = list[str](), None, 0, 0, 0
    while at < len(text):
        sign = _operator_at(text, at)
        if sign and depth == 0:
            at += sign
        elif depth == 0 and text.startswith("::", at):
            parts.append(text[start:at])
            start = at = at + 2
        elif depth == 0 and text[at] == "(" and at > start:
            parameters = text[at + 1 :].rpartition(")")[0]
            break
        elif text.startswith("->", at):  # of a function's type: closes nothing
            at += 2
        else:
            depth += (text[at] in _OPENING) - (text[at] in _CLOSING)
            at += 1
    parts.append(text[start:at])
    return Name(tuple(part for part in parts if part != _UNNAMED), parameters)


def squeezed(text: str) -> str:
    """Without white space."""
    return "".join(text.split())


def without_arguments(part: str) -> str:
    """``biggest<int>`` is ``biggest``; the sign of an operator stays."""
    sign = _operator_at(part, 0)
    cut = part.find("<", sign or 1)
    return part[:cut] if cut > 0 and part.endswith(">") else part


def as_written(part: str) -> str:
    """The last part of a name as compilers write it: a conversion has a space in it."""
    conversion = re.fullmatch(r"operator(?=[^\W\d])(.+)", part)
    return f"operator {conversion[1]}" if conversion else part


def _operator_at(text: str, at: int) -> int:
    """The length of an operator's name that begins there; 0."""
    if at and (text[at - 1].isalnum() or text[at - 1] == "_"):
        return 0
    found = _OPERATOR.match(text, at)
    return len(found[0]) if found else 0
