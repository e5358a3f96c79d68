from __future__ import annotations

import argparse
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler import errors
from sampler.cli import main
from sampler.errors import SamplerError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SamplerError)]
texts = st.text(st.characters(), max_size=40)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(what=texts, why=texts, fix=texts)
def test_every_error_crosses_to_the_front_end_as_its_own_type_with_its_text(
    kind: type[SamplerError], what: str, why: str, fix: str
) -> None:
    error = SamplerError.from_json(kind(what, why, fix).to_json())
    assert type(error) is kind
    assert (error.what, error.why, error.fix) == (what, why, fix)


@given(texts, texts, texts)
def test_an_error_is_one_printable_line_whatever_it_quotes(what: str, why: str, fix: str) -> None:
    line = str(SamplerError(what, why, fix))
    assert line.isprintable()
    line.encode()  # a lone surrogate of a file's name does not break the output either


def test_an_error_of_a_kind_from_a_later_version_is_still_an_error() -> None:
    error = SamplerError.from_json({"kind": "SomethingNew", "what": "it is so"})
    assert type(error) is SamplerError
    assert str(error) == "it is so"


def test_an_error_names_what_why_and_the_remedy_in_this_order() -> None:
    assert str(SamplerError("no point", "it is gone", "name another")) == "no point: it is gone; name another"
    assert str(SamplerError("no point", fix="name another")) == "no point; name another"


def test_the_exit_status_tells_usage_budget_and_the_targets_end_from_failure() -> None:
    status = {kind.__name__: kind.exit_status for kind in KINDS}
    special = {"UsageError": 2, "ExpressionError": 2, "PointError": 2, "BudgetExceeded": 3, "TargetEnded": 4}
    assert status == dict.fromkeys(status, 1) | special


def test_what_an_installation_leaves_out_is_named_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    def build() -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser()
        parser.set_defaults(run=lambda _: importlib.import_module("no_such_library"))
        return parser

    assert main([], build) == 1
    assert capsys.readouterr().err == "sampler: no_such_library is not installed; pip install no_such_library\n"
