"""The compiler: the text of an expression and the scope of a place give a plan, or an error that says why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sampler.debuginfo.languages import GO
from sampler.debuginfo.scope import Scope
from sampler.debuginfo.types import Type
from sampler.expression import access, casts, constants, fields
from sampler.expression.answers import Answers
from sampler.expression.basic_types import of_c_words
from sampler.expression.languages import rules_of
from sampler.expression.naming import Naming
from sampler.expression.operands import Operand, computed, referred, untyped, value
from sampler.expression.refusals import Refusal, beyond, refusal
from sampler.expression.syntax import is_difference, parse
from sampler.plan.nodes import Arithmetic, Base, Complement, Negate, Node, Not

if TYPE_CHECKING:
    from lark import Token, Tree


@dataclass(frozen=True, slots=True)
class Compiled:
    """``plan``: its answer. ``unsigned_bits``: the width of an unsigned difference, which may wrap."""

    text: str
    plan: Node
    type_name: str
    unsigned_bits: int | None = None


def compile_expression(text: str, scope: Scope) -> Compiled:
    """Raises ExpressionError (not of our grammar) or ExpressionRefused (not answerable at that place)."""
    tree = parse(text)
    try:
        operand = Compiler(text, scope).operand(tree)
        plan = Answers(scope.language).of(operand)
    except Refusal as refused:
        raise refused.error(text) from refused
    name = operand.type.name if operand.type is not None else "constant"
    return Compiled(text, plan, name, _unsigned_bits(text, operand))


def compile_condition(text: str, scope: Scope) -> Node:
    """A node that is 0 or false where the condition is not met; raises as above."""
    tree = parse(text)
    try:
        return Not(value(Compiler(text, scope).negation_of(tree)))
    except Refusal as refused:
        raise refused.error(text) from refused


def _unsigned_bits(text: str, operand: Operand) -> int | None:
    kind = operand.kind
    wraps = kind is not None and kind.base is Base.INTEGER and not kind.signed and is_difference(text)
    return kind.bits if wraps and kind is not None and isinstance(operand.node, Arithmetic) else None


class Compiler:
    """Compiles the parts of one expression."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text, self._language = text, scope.language
        self._names, self._rules = Naming(scope), rules_of(scope.language)

    def operand(self, tree: Tree[Token]) -> Operand:
        """What a part of the tree stands for; a Refusal says where in the text it is."""
        source = self._source(tree)
        try:
            return referred(_STEPS[tree.data](self, tree).named(source))
        except Refusal as refused:
            raise refused.within(0 if tree.meta.empty else tree.meta.start_pos, source) from refused

    def negation_of(self, tree: Tree[Token]) -> Operand:
        """``!(…)`` of a part of the tree: refused for what is no condition in its language."""
        return self._rules.negation(self.operand(tree), self._source(tree))

    def _source(self, tree: Tree[Token]) -> str:
        meta = tree.meta
        return self._text if meta.empty else self._text[meta.start_pos : meta.end_pos]

    # Leaves.

    def _name(self, tree: Tree[Token]) -> Operand:
        return self._names.operand(str(tree.children[0]))

    def _number(self, tree: Tree[Token]) -> Operand:
        text = str(tree.children[0])
        return untyped(text, constants.number(text))

    def _string(self, tree: Tree[Token]) -> Operand:
        text = str(tree.children[0])
        return untyped(text, constants.unquoted(text))

    def _character(self, tree: Tree[Token]) -> Operand:
        text = str(tree.children[0])
        return untyped(text, constants.character(text))

    def _in_package(self, tree: Tree[Token]) -> Operand:
        package, name = tree.children
        return self._names.qualified(f"{constants.unquoted(str(package))}.{name}")

    # Steps.

    def _member(self, tree: Any) -> Operand:
        owner, name = tree.children
        if owner.data == "number":  # 1.5 can be read as the field 5 of 1
            return untyped(self._source(tree), constants.number(self._source(tree)))
        if self._language == GO and owner.data == "name" and not self._names.is_variable(str(owner.children[0])):
            return self._names.qualified(f"{owner.children[0]}.{name}")
        inner = self.operand(owner)
        try:
            return fields.member(inner, str(name), self._source(tree))
        except Refusal as refused:
            if refused.part != name:
                raise
            raise refused.within(name.start_pos, name) from refused

    def _index(self, tree: Any) -> Operand:
        owner, index = tree.children
        return access.element(self.operand(owner), self.operand(index), self._source(tree))

    def _slice(self, tree: Any) -> Operand:
        owner, first, last = tree.children
        ends = [self.operand(end) if end is not None else None for end in (first, last)]
        return access.sliced(self.operand(owner), ends[0], ends[1], self._source(tree))

    def _assertion(self, tree: Any) -> Operand:
        raise beyond(self._source(tree), "what an interface holds is not read", "compare it with nil")

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
            raise refusal(self._text, f"{signs[0]} is no operator of {self._rules.name}")
        at = max(place for place, sign in enumerate(signs) if sign in level)
        left = self._binary(parts[: at + 1], signs[:at])
        right = self._binary(parts[at + 1 :], signs[at + 1 :])
        text = self._text[parts[0].meta.start_pos : parts[-1].meta.end_pos]
        return self._combined(signs[at], left, right, text).named(text)

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
        if sign in ("^", "~") and sign not in self._rules.complements:
            raise refusal(text, f"{sign} is no operator in front of a value in {self._rules.name}")
        if inner.is_constant:
            return untyped(text, constants.with_sign(sign, inner, text))
        inner = self._rules.promoted(inner)
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
        return casts.converted(self.operand(argument), kind, text, self._language)

    def _type_of(self, tree: Any) -> Type | None:
        """The type that a tree names, if it does."""
        if tree.data in ("group", "expression") and len(tree.children) == 1:
            return self._type_of(tree.children[0])
        if tree.data == "prefixed" and str(tree.children[0]) == "*":
            target = self._type_of(tree.children[1])
            return casts.pointer(target, self._language) if target is not None else None
        if tree.data == "pointer_type":
            target = self._names.type("".join(map(str, tree.children[0].children)))
            return casts.pointer(target, self._language) if target is not None else None
        name = _plain_name(tree)
        return self._names.type(name) if name else None

    def _cast(self, tree: Any) -> Operand:
        words, inner = [str(word) for word in tree.children[0].children if word is not None], tree.children[1]
        stars = words.pop().count("*") if words[-1].startswith("*") else 0
        name = " ".join(word for word in words if word not in ("struct", "union", "enum"))
        kind = of_c_words(words) or self._names.type(name)
        if kind is None and name != "void":
            raise refusal(name, "there is no such type")
        for _ in range(stars):
            kind = casts.pointer(kind, self._language)
        if kind is None:
            raise refusal(self._source(tree), "nothing can be made of void")
        return casts.converted(self.operand(inner), kind, self._source(tree), self._language)

    def _as_type(self, tree: Any) -> Operand:
        inner, pointer, name = tree.children
        kind = self._names.type(str(name))
        if kind is None:
            raise refusal(str(name), "there is no such type")
        kind = casts.pointer(kind, self._language) if pointer is not None else kind
        return casts.converted(self.operand(inner), kind, self._source(tree), self._language)

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
    "as_type": Compiler._as_type,
    "pointer_type": Compiler._pointer_type,
}
