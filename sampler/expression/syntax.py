"""Whether a text is an expression of ours. Nothing else may reach a debugger's command line."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sampler.errors import ExpressionError
from sampler.question import MOST_EXPRESSIONS

if TYPE_CHECKING:
    from lark import Lark, Token, Tree

LONGEST_EXPRESSION = 1000
_MOST_SIGNS = 150  # each may be a level of the tree
_DEEPEST = 50


def check_expression(text: str) -> None:
    """Raises ExpressionError, which points into the text, unless it is one expression that only reads."""
    parse(text)


def parse(text: str) -> Tree[Token]:
    """The tree of one expression, with the places in the text; ExpressionError as above."""
    from lark import UnexpectedCharacters, UnexpectedInput

    _check_characters(text)
    try:
        return _tree(text)
    except UnexpectedInput as error:
        at = error.pos_in_stream if isinstance(error, UnexpectedCharacters) else None
        raise _refusal(text, len(text) if at is None else at) from error


def is_difference(text: str) -> bool:
    """True for a subtraction: the expression whose unsigned value can wrap. The text must be valid."""
    tree: Any = _tree(text)
    while getattr(tree, "data", None) in ("group", "expression") and len(tree.children) == 1:
        tree = tree.children[0]
    operators = [str(part) for part in getattr(tree, "children", ())[1::2]]
    return "-" in operators and set(operators) <= {"+", "-"} and getattr(tree, "data", None) == "expression"


def _check_characters(text: str) -> None:
    if not text.strip():
        raise ExpressionError("the expression is empty", fix="try d.writeIndex - d.readIndex")
    if len(text) > LONGEST_EXPRESSION:
        raise ExpressionError("the expression is too long", f"{len(text)} characters, at most {LONGEST_EXPRESSION}")
    for at, character in enumerate(text):
        if not character.isprintable():
            raise ExpressionError(
                f"the expression {text!r} holds a control character",
                f"{character!r} at column {at + 1}",
                "write it on one line, with plain spaces",
            )
    if max(text.count("("), text.count("["), text.count("*"), text.count("-")) > _DEEPEST:
        raise ExpressionError("the expression is nested too deeply")
    if sum(text.count(sign) for sign in "+-*/%&|^<>=!~.") > _MOST_SIGNS:
        raise ExpressionError("the expression is too long", "it has too many operators", "ask for its parts")


def _refusal(text: str, at: int) -> ExpressionError:
    if at >= len(text.rstrip()):
        return ExpressionError(f"{text!r} is not an expression", "it ends too early", "complete it")
    return ExpressionError(
        f"{text!r} is not an expression",
        f"column {at + 1}: unexpected {text[at : at + 12]!r}",
        "ask for values only: names, fields, indices, arithmetic, comparisons",
    )


@lru_cache(MOST_EXPRESSIONS)
def _tree(text: str) -> Tree[Token]:
    """Kept: a function may be inlined at a thousand places, and its expressions are compiled at each."""
    return _parser().parse(text).children[0]  # type: ignore[return-value]


@cache
def _parser() -> Lark:
    from lark import Lark

    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="earley",
        lexer="dynamic",
        ambiguity="resolve",
        propagate_positions=True,
        maybe_placeholders=True,
    )
