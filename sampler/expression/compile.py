"""The compiler: the text of an expression and the scope of a place give a plan, or an error that says why not."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sampler.debuginfo.locations import Unlocated
from sampler.debuginfo.scope import Scope
from sampler.debuginfo.types import Type
from sampler.errors import ExpressionRefused
from sampler.expression import access, casts
from sampler.expression.answers import Answers
from sampler.expression.operands import Operand, computed, no_value, refusal, untyped, value
from sampler.expression.rules import Rules, adapted, promoted, rules_of
from sampler.expression.syntax import is_difference, parse
from sampler.plan.nodes import Arithmetic, Base, Complement, Negate, Node

if TYPE_CHECKING:
    from lark import Token, Tree

_WORDS = {"true": True, "false": False, "nil": None, "NULL": 0}


@dataclass(frozen=True, slots=True)
class Compiled:
    """``plan``: its answer. ``unsigned_bits``: the width of an unsigned difference, which may wrap."""

    text: str
    plan: Node
    type_name: str
    unsigned_bits: int | None = None


def compile_expression(text: str, scope: Scope) -> Compiled:
    """Raises ExpressionError (not of our grammar) or ExpressionRefused (not answerable at that place)."""
    compiler = Compiler(text, scope)
    operand = compiler.operand(parse(text))
    plan = Answers(scope.image.is_go).of(operand)
    name = operand.type.name if operand.type is not None else "constant"
    return Compiled(text, plan, name, _unsigned_bits(text, operand))


def _unsigned_bits(text: str, operand: Operand) -> int | None:
    kind = operand.kind
    wraps = kind is not None and kind.base is Base.INTEGER and not kind.signed and is_difference(text)
    return kind.bits if wraps and kind is not None and isinstance(operand.node, Arithmetic) else None


class Compiler:
    """Compiles the parts of one expression."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text, self._scope = text, scope
        self._go = scope.image.is_go
        self._rules: Rules = rules_of("go" if self._go else "c")

    def operand(self, tree: Tree[Token]) -> Operand:
        """What a part of the tree stands for."""
        operand = _STEPS[tree.data](self, tree)
        return operand.named(self._source(tree))

    def _source(self, tree: Tree[Token]) -> str:
        meta = tree.meta
        return self._text if meta.empty else self._text[meta.start_pos : meta.end_pos]

    # Leaves.

    def _name(self, tree: Tree[Token]) -> Operand:
        name = str(tree.children[0])
        known = self._scope.variable(name)
        if known is not None:
            return self._variable(name, known)
        if name in _WORDS:
            return untyped(name, _WORDS[name])
        constant = self._constant(name)
        if constant is not None:
            return constant
        raise self._unknown(name, tree)

    def _variable(self, text: str, known: Any) -> Operand:
        try:
            return Operand(text, known.type, known.storage)
        except Unlocated as reason:
            raise no_value(text, f"at {self._scope.owner} {reason}", self._where_alive(reason)) from reason

    def _where_alive(self, reason: Unlocated) -> str:
        lines = self._scope.image.lines
        rows = [row for low, _ in reason.alive if (row := lines.line_at(low)) is not None]
        after = [row for row in rows if self._scope.place.line is None or row.line >= self._scope.place.line]
        if not rows:
            return "ask for something else, or build the program without optimisation"
        row = min(after or rows, key=lambda row: row.line)
        return f"it has a value at {row.file.rpartition('/')[2]}:{row.line}"

    def _constant(self, name: str) -> Operand | None:
        found = self._scope.constant(name)
        if found is None:
            return None
        number, kind = found
        if self._go or kind is None:
            return untyped(name, number)
        return adapted(untyped(name, number), kind)

    def _unknown(self, name: str, tree: Tree[Token]) -> ExpressionRefused:
        from difflib import get_close_matches

        close = get_close_matches(name, [*self._scope.locals], 1)
        column = tree.meta.start_pos + 1
        fix = f"did you mean {close[0]}?" if close else "`sampler vars` lists what can be asked there"
        return ExpressionRefused(
            f"{self._text!r} cannot be answered", f"column {column}: there is no {name!r} at {self._scope.owner}", fix
        )

    def _number(self, tree: Tree[Token]) -> Operand:
        text = str(tree.children[0])
        bare = text.replace("_", "")
        if "." in bare or ("e" in bare.lower() and not bare.lower().startswith("0x")):
            return untyped(text, float(bare))
        octal = bare.isdigit() and len(bare) > 1 and bare.startswith("0")
        try:
            return untyped(text, int(bare, 8 if octal else 0))
        except ValueError as error:
            raise refusal(text, "it is no number") from error

    def _string(self, tree: Tree[Token]) -> Operand:
        return untyped(str(tree.children[0]), _unquoted(str(tree.children[0])))

    def _character(self, tree: Tree[Token]) -> Operand:
        text = _unquoted(str(tree.children[0]))
        if len(text) != 1:
            raise refusal(str(tree.children[0]), "it is no single character")
        return untyped(text, ord(text))

    def _in_package(self, tree: Tree[Token]) -> Operand:
        package, name = tree.children
        return self._global(f"{_unquoted(str(package))}.{name}", tree)

    def _global(self, full: str, tree: Tree[Token]) -> Operand:
        known = self._scope.global_named(full)
        if known is not None:
            return self._variable(full, known)
        constant = self._constant(full)
        if constant is None:
            raise self._unknown(full, tree)
        return constant

    # Steps.

    def _member(self, tree: Any) -> Operand:
        owner, name = tree.children
        if self._go and owner.data == "name" and self._scope.variable(str(owner.children[0])) is None:
            return self._global(f"{owner.children[0]}.{name}", tree)
        return access.member(self.operand(owner), str(name), self._source(tree))

    def _index(self, tree: Any) -> Operand:
        owner, index = tree.children
        return access.element(self.operand(owner), self.operand(index), self._source(tree))

    def _slice(self, tree: Any) -> Operand:
        owner, first, last = tree.children
        ends = [self.operand(end) if end is not None else None for end in (first, last)]
        return access.sliced(self.operand(owner), ends[0], ends[1], self._source(tree))

    def _assertion(self, tree: Any) -> Operand:
        raise refusal(self._source(tree), "what an interface holds is not read", "compare it with nil")

    def _group(self, tree: Any) -> Operand:
        return self.operand(tree.children[0])

    def _expression(self, tree: Any) -> Operand:
        if len(tree.children) == 1:
            return self.operand(tree.children[0])
        return self._binary(list(tree.children[0::2]), [str(sign) for sign in tree.children[1::2]])

    def _binary(self, parts: list[Any], signs: list[str]) -> Operand:
        """The operator that binds loosest, the last of its level, has the rest on its two sides."""
        if not signs:
            return self.operand(parts[0])
        level = next((level for level in self._rules.levels if any(sign in level for sign in signs)), None)
        if level is None:
            raise refusal(self._text, f"{signs[0]} is no operator of C")
        at = max(place for place, sign in enumerate(signs) if sign in level)
        left = self._binary(parts[: at + 1], signs[:at])
        right = self._binary(parts[at + 1 :], signs[at + 1 :])
        return self._combined(signs[at], left, right, f"{left.text} {signs[at]} {right.text}")

    def _combined(self, sign: str, left: Operand, right: Operand, text: str) -> Operand:
        if sign in ("&&", "||"):
            return self._rules.logic(sign, left, right, text)
        if sign in ("==", "!=", "<", "<=", ">", ">="):
            return self._rules.comparison(sign, left, right, text)
        return self._rules.arithmetic(sign, left, right, text)

    def _prefixed(self, tree: Any) -> Operand:
        sign, inner = str(tree.children[0]), self.operand(tree.children[1])
        text = self._source(tree)
        if sign == "*":
            return access.dereferenced(inner, text)
        if sign == "&":
            return access.reference(inner, text)
        if sign == "!":
            return self._rules.negation(inner, text)
        return self._signed(sign, inner, text)

    def _signed(self, sign: str, inner: Operand, text: str) -> Operand:
        if inner.is_constant:
            return untyped(text, casts.with_sign(sign, inner, text))
        if not self._go:
            inner = promoted(inner)
        kind = inner.kind
        if kind is None or kind.base not in (Base.INTEGER, Base.FLOAT) or inner.type is None:
            raise refusal(text, f"{inner.text!r} is no number")
        if sign in ("^", "~") and kind.base is Base.FLOAT:
            raise refusal(text, f"{sign} is for integers")
        made = {"-": Negate, "^": Complement, "~": Complement}.get(sign)
        return computed(text, inner.type, made(value(inner), kind)) if made else inner

    # Conversions.

    def _call(self, tree: Any) -> Operand:
        callee, argument = tree.children
        text, name = self._source(tree), _plain_name(callee)
        if name in ("len", "cap"):
            step = access.length if name == "len" else access.capacity
            return step(self.operand(argument), text)
        kind = self._type_of(callee)
        if kind is None:
            raise refusal(text, "nothing is called in the target", "ask for values: fields, elements, arithmetic")
        return casts.converted(self.operand(argument), kind, text, self._go)

    def _type_of(self, tree: Any) -> Type | None:
        """The type that a tree names, if it does."""
        if tree.data in ("group", "expression") and len(tree.children) == 1:
            return self._type_of(tree.children[0])
        if tree.data == "prefixed" and str(tree.children[0]) == "*":
            target = self._type_of(tree.children[1])
            return casts.pointer(target, self._go) if target is not None else None
        if tree.data == "pointer_type":
            target = self._named_type("".join(map(str, tree.children[0].children)))
            return casts.pointer(target, self._go) if target is not None else None
        name = _plain_name(tree)
        return self._named_type(name) if name else None

    def _named_type(self, name: str) -> Type | None:
        return casts.BASIC.get(name) or self._scope.type_named(name)

    def _cast(self, tree: Any) -> Operand:
        words, inner = [str(word) for word in tree.children[0].children if word is not None], tree.children[1]
        stars = words.pop().count("*") if words[-1].startswith("*") else 0
        name = " ".join(word for word in words if word not in ("struct", "union", "enum"))
        kind = casts.of_c_words(words) or self._scope.type_named(name)
        if kind is None and name != "void":
            raise refusal(self._source(tree), f"there is no type {name!r}")
        for _ in range(stars):
            kind = casts.pointer(kind, self._go)
        if kind is None:
            raise refusal(self._source(tree), "nothing can be made of void")
        return casts.converted(self.operand(inner), kind, self._source(tree), self._go)

    def _pointer_type(self, tree: Any) -> Operand:
        raise refusal(self._source(tree), "it is a type", "convert a value to it")


def _plain_name(tree: Any) -> str | None:
    if tree.data == "name":
        return str(tree.children[0])
    if tree.data == "member" and tree.children[0].data == "name":
        return f"{tree.children[0].children[0]}.{tree.children[1]}"
    if tree.data in ("group", "expression") and len(tree.children) == 1:
        return _plain_name(tree.children[0])
    return None


def _unquoted(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError) as error:
        raise refusal(text, "its escapes are not understood") from error


_STEPS: dict[str, Callable[[Compiler, Any], Operand]] = {
    "name": Compiler._name,
    "number": Compiler._number,
    "string": Compiler._string,
    "character": Compiler._character,
    "in_package": Compiler._in_package,
    "member": Compiler._member,
    "index": Compiler._index,
    "slice": Compiler._slice,
    "assertion": Compiler._assertion,
    "group": Compiler._group,
    "expression": Compiler._expression,
    "prefixed": Compiler._prefixed,
    "call": Compiler._call,
    "cast": Compiler._cast,
    "pointer_type": Compiler._pointer_type,
}
