"""The rules of each language."""

from __future__ import annotations

from sampler.debuginfo.languages import GO, RUST
from sampler.expression.c_rules import CRules
from sampler.expression.rules import Rules
from sampler.expression.strict_rules import GoRules, RustRules


def rules_of(language: str) -> Rules:
    """Of Go and Rust; C's for C and C++, and for any other."""
    if language == GO:
        return GoRules()
    return RustRules() if language == RUST else CRules(language)
