"""Fields: of structs and classes, of what a pointer points to, of what is embedded or inherited, of Rust's enums."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from sampler.debuginfo import types
from sampler.debuginfo.languages import RUST
from sampler.debuginfo.storage import Memory, Pieces, Storage
from sampler.debuginfo.types import Choice, Field, Struct, Type, Variant, plain, scalar_kind
from sampler.expression.operands import MOST_POINTERS, Operand, described, pointed, stored, value
from sampler.expression.refusals import Refusal, beyond, refusal
from sampler.plan.nodes import Compare, Constant, Node, Provided

_DEEPEST_EMBEDDING = 8
_MOST_NAMED = 6


def member(owner: Operand, name: str, text: str) -> Operand:
    """A field of a struct, of what a pointer to one points to, or of a struct embedded in it."""
    owner = _behind_pointers(owner)
    if name.isdigit():
        name = f"__{name}"  # a field of a tuple, as DWARF has it
    found = owner.plain
    if isinstance(found, Choice):
        return _of_choice(owner, found, name).named(text)
    if isinstance(found, types.Interface):
        raise beyond(text, f"{owner.text!r} is an interface, and what is in it is not read", "compare it with nil")
    if not isinstance(found, Struct):
        raise refusal(text, f"{owner.text!r} is {described(owner.type)}, which has no fields", _instead(owner))
    path = path_to(found, name)
    if path is None:
        raise _no_field(found, name)
    for field in path:
        owner = member_by(owner, field)
    return owner.named(text)


def member_by(owner: Operand, field: Field) -> Operand:
    """A field that is already known."""
    owner = _behind_pointers(owner)  # embedded by pointer
    storage, text = stored(owner), f"{owner.text}.{field.name}"
    if field.bit_size:
        return Operand(text, field.type(), storage, bits=(field.bit_offset, field.bit_size))
    if field.place is None:
        return Operand(text, field.type(), storage.inside(field.offset))
    if not isinstance(storage, Memory):
        raise refusal(owner.text, "it lies in registers here, and a base of it is found by its address only")
    return Operand(text, field.type(), Memory(field.place(storage.address)))


def owner_of(kind: Type | None) -> Struct | None:
    """The struct that a pointer to one points to."""
    found = plain(kind)
    target = plain(found.target()) if isinstance(found, types.Pointer) else None
    return target if isinstance(target, Struct) else None


def path_to(struct: Struct, name: str) -> list[Field] | None:
    """The shortest way through embedded fields."""
    level, seen = [(list[Field](), struct)], {struct}
    for _ in range(_DEEPEST_EMBEDDING):
        for path, owner in level:
            found = next((field for field in owner.fields if field.name == name), None)
            if found is not None:
                return [*path, found]
        deeper = [([*path, field], inner) for path, owner in level for field, inner in _embedded(owner)]
        level = [(path, inner) for path, inner in deeper if inner not in seen]
        seen.update(inner for _, inner in level)
    return None


def variant(owner: Operand, found: Choice, chosen: Variant) -> Operand:
    """What an enum of Rust holds if it has that form; a look at which it has another has no answer."""
    if not _struct(chosen).fields:
        raise refusal(chosen.name, "that form holds nothing", f"ask {owner.text}, which tells the form")
    selector = selector_of(owner, found)
    held = Operand(f"{owner.text}.{chosen.name}", chosen.field.type(), stored(owner).inside(chosen.field.offset))
    if selector is None:
        return held
    values = [one.value for one in found.variants if one.value is not None]
    if chosen.value is not None:
        return _provided(held, Compare("==", selector, Constant(chosen.value)), chosen.name)
    for other in values:
        held = _provided(held, Compare("!=", selector, Constant(other)), chosen.name)
    return held


def selector_of(owner: Operand, found: Choice) -> Node | None:
    """The value that tells which form it has; None where there is one form only."""
    if found.discriminant is None or scalar_kind(found.discriminant.type()) is None:
        return None
    return value(member_by(owner, found.discriminant))


def _behind_pointers(owner: Operand) -> Operand:
    """A pointer is gone through without a star, in Rust several."""
    for _ in range(MOST_POINTERS):
        found = owner.plain
        if not isinstance(found, types.Pointer):
            break
        owner = pointed(owner, found.target()).named(owner.text)
        if found.language != RUST:
            break
    return owner


def _of_choice(owner: Operand, found: Choice, name: str) -> Operand:
    """A variant by its name, or a field that only one of them has."""
    named = next((one for one in found.variants if one.name == name), None)
    if named is not None:
        return variant(owner, found, named)
    having = [one for one in found.variants if path_to(_struct(one), name) is not None]
    if len(having) == 1:
        return member(variant(owner, found, having[0]), name, owner.text)
    names = ", ".join(one.name for one in having or found.variants)
    why = "several forms have such a field" if having else f"{found.name} has no such form or field"
    raise refusal(name, why, f"name the form: one of {names}")


def _struct(one: Variant) -> Struct:
    found = plain(one.field.type())
    return found if isinstance(found, Struct) else Struct("", 0)


def _provided(held: Operand, condition: Node, name: str) -> Operand:
    reason, storage = f"{held.text.rpartition('.')[0]} is no {name} now", held.storage
    made: Storage
    if isinstance(storage, Memory):
        made = Memory(Provided(storage.address, condition, reason))
    else:
        assert isinstance(storage, Pieces)
        pieces = tuple((Provided(node, condition, reason) if node else None, size) for node, size in storage.pieces)
        made = Pieces(pieces, storage.skipped)
    return Operand(held.text, held.type, made)


def _embedded(struct: Struct) -> Iterator[tuple[Field, Struct]]:
    for field in struct.fields:
        if field.embedded:
            inner = plain(field.type())
            if isinstance(inner, types.Pointer):
                inner = plain(inner.target())
            if isinstance(inner, Struct):
                yield field, inner


def _instead(owner: Operand) -> str:
    return f"ask len({owner.text})" if isinstance(owner.plain, types.Text | types.Slice) else ""


def _no_field(struct: Struct, name: str) -> Refusal:
    names = [field.name for field in struct.fields if field.name]
    names += [field.name for _, inner in _embedded(struct) for field in inner.fields if field.name]
    if not names:
        return refusal(name, f"{struct.name} has no fields that are known where it is used")
    close = get_close_matches(name, names, 1)
    fix = (
        f"did you mean {close[0]}?"
        if close
        else f"it has {', '.join(names[:_MOST_NAMED])}" + (", …" if len(names) > _MOST_NAMED else "")
    )
    return refusal(name, f"no such field of {struct.name}", fix)
