"""Types that every program of a language has, whether or not its debug information tells of them."""

from __future__ import annotations

from dataclasses import replace

from sampler.debuginfo import types
from sampler.debuginfo.languages import GO, RUST
from sampler.debuginfo.types import Scalar, Type
from sampler.plan.nodes import BOOLEAN, Base, Kind


def _integer(name: str, size: int, signed: bool) -> Type:
    return Scalar(name, size, Kind(Base.INTEGER, size, signed))


def _float(name: str, size: int) -> Type:
    return Scalar(name, size, Kind(Base.FLOAT, size))


#: Understood in programs of every language: their names leave no doubt of what they are.
_EVERYWHERE: dict[str, Type] = {
    found.name: found
    for size in (1, 2, 4, 8)
    for ending in ("", "_t")
    for found in (_integer(f"int{size * 8}{ending}", size, True), _integer(f"uint{size * 8}{ending}", size, False))
} | {"bool": Scalar("bool", 1, BOOLEAN), "float32": _float("float32", 4), "float64": _float("float64", 8)}
_GO: dict[str, Type] = {
    "int": _integer("int", 8, True), "uint": _integer("uint", 8, False), "uintptr": _integer("uintptr", 8, False),
    "byte": _integer("uint8", 1, False), "rune": _integer("int32", 4, True), "string": types.Text("string", 16),
}  # fmt: skip
_RUST: dict[str, Type] = {
    found.name: found
    for size in (1, 2, 4, 8, 16)
    for found in (_integer(f"i{size * 8}", size, True), _integer(f"u{size * 8}", size, False))
} | {
    "isize": _integer("isize", 8, True), "usize": _integer("usize", 8, False), "f32": _float("f32", 4),
    "f64": _float("f64", 8), "char": Scalar("char", 4, Kind(Base.INTEGER, 4), character=True),
}  # fmt: skip
_SIZES = {"char": 1, "short": 2, "long": 8}
_C_NAMED = {"size_t": "uint64", "uintptr_t": "uint64", "ssize_t": "int64", "intptr_t": "int64"}


def basic_type(name: str, language: str) -> Type | None:
    """A type by one word; None for any other name."""
    if language == GO:
        return _GO.get(name) or _EVERYWHERE.get(name)
    if language == RUST:
        return _RUST.get(name) or _EVERYWHERE.get(name)
    return of_c_words([name]) or _EVERYWHERE.get(name)


def of_c_words(words: list[str]) -> Type | None:
    """``unsigned long``, ``char``, ``uint32_t``: C's arithmetic types; None for any other name."""
    name = " ".join(words)
    if name in ("bool", "_Bool"):
        return Scalar(name, 1, BOOLEAN)
    if name in ("float", "double"):
        return _float(name, 4 if name == "float" else 8)
    alone = words[0] if len(words) == 1 else ""
    if alone in _C_NAMED or alone.endswith("_t"):
        found = _EVERYWHERE.get(_C_NAMED.get(alone, alone))
        return replace(found, name=alone) if found is not None else None
    if not words or not set(words) <= {"unsigned", "signed", "char", "short", "int", "long"}:
        return None
    size = next((_SIZES[word] for word in words if word in _SIZES), 4)
    return Scalar(name, size, Kind(Base.INTEGER, size, "unsigned" not in words), "char" in words)
