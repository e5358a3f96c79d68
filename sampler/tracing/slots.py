"""Answers in two halves: numbers that the kernel's side works out at the hit, and what is made of them afterwards.

A number is a slot: 64 bits that the handler hands over. What is no integer (a float's value, an address's text) is
worked out from slots by the one evaluator (``sampler.plan``), which finds them as registers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sampler.bpf.values import NAMES, NotExpressible, is_signed
from sampler.plan import nodes
from sampler.plan.nodes import BOOLEAN, INT64, WORD, Base, Decode, Kind, Node, Register


@dataclass(slots=True)
class Slots:
    """``plans``: what the handler hands over, in order; ``answers``: what is made of it. Raises NotExpressible."""

    plans: list[Node] = field(default_factory=list)
    answers: list[Node] = field(default_factory=list)

    @staticmethod
    def of(plans: Sequence[Node]) -> Slots:
        slots = Slots()
        slots.answers = [slots._answer(plan) for plan in plans]
        return slots

    def _answer(self, node: Node) -> Node:
        match node:
            case nodes.Address(of=of):
                return nodes.Address(self._slot(of, WORD))
            case nodes.Labelled(of=of, names=names):
                return nodes.Labelled(self._answer(of), names)
            case nodes.Quoted(of=of):
                return nodes.Quoted(self._answer(of))
            case nodes.Listing(items=items):
                made = tuple(self._answer(item) for item in items)
                return nodes.Listing(node.head, made, node.names, node.tail, node.between, node.assigned)
            case nodes.Constant():
                return node
            case _ if is_float(node):
                return self._float(node)
        return self._slot(node, _kind(node))

    def _float(self, node: Node) -> Node:
        """Its operands are slots, or floats again."""
        match node:
            case nodes.Decode(of=of, kind=kind, bits=bits):
                return nodes.Decode(self._slot(of, WORD), kind, bits)
            case nodes.Convert(of=of, kind=kind):
                return nodes.Convert(self._answer(of), kind)
            case nodes.Negate(of=of, kind=kind):
                return nodes.Negate(self._answer(of), kind)
            case nodes.Arithmetic(operator=operator, left=left, right=right, kind=kind):
                return nodes.Arithmetic(operator, self._answer(left), self._answer(right), kind)
            case nodes.Compare(operator=operator, left=left, right=right):
                return nodes.Compare(operator, self._answer(left), self._answer(right))
            case nodes.Not(of=of):
                return nodes.Not(self._answer(of))
        raise NotExpressible(NAMES.get(type(node), "a float under a condition"))

    def _slot(self, node: Node, kind: Kind) -> Node:
        if node not in self.plans:
            self.plans.append(node)
        return Decode(Register(self.plans.index(node)), kind)


def is_float(node: Node) -> bool:
    """Whether floats have a part in its value."""
    match node:
        case nodes.Decode(kind=kind):
            return kind.base is Base.FLOAT
        case nodes.Constant(value=value):
            return isinstance(value, float)
        case nodes.Convert(kind=kind, of=of) | nodes.Negate(kind=kind, of=of):
            return kind.base is Base.FLOAT or is_float(of)
        case nodes.Arithmetic(left=left, right=right) | nodes.Compare(left=left, right=right):
            return is_float(left) or is_float(right)
        case nodes.Not(of=of) | nodes.Provided(of=of):
            return is_float(of)
    return False


def _kind(node: Node) -> Kind:
    match node:
        case nodes.Compare() | nodes.Logic() | nodes.Not():
            return BOOLEAN
        case nodes.Decode(kind=kind) | nodes.Convert(kind=kind) if kind.base is Base.BOOLEAN:
            return BOOLEAN
        case nodes.Either(then=then):
            return BOOLEAN if _kind(then) is BOOLEAN else INT64 if is_signed(node) else WORD
        case nodes.Provided(of=of):
            return _kind(of)
    return INT64 if is_signed(node) else WORD


def check_integers(plans: Sequence[Node]) -> None:
    """NotExpressible where a value is none: the kernel's side can sum up nothing else."""
    if any(Slots.of([plan]).plans != [plan] for plan in plans):
        raise NotExpressible("what is no integer, to sum it up")
