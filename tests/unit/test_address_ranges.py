from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.debuginfo import address_ranges
from tests.images import opened


@pytest.mark.parametrize("program", ["c_types-o2", "c_types-dwarf4", "cpp_types", "rust_types", "rust_types-dwarf5"])
def test_the_table_names_a_unit_that_tells_of_the_address_itself(program: str) -> None:
    with opened(program) as image:
        told = [span for unit in image.units.all for span in unit.ranges if span[0]]  # 0: the linker has dropped it
        assert told
        for low, high in told:
            for address in (low, (low + high) // 2, high - 1):
                found = image.units.covering(address)
                assert found is not None
                # Of a function that several units have, each of them tells.
                assert any(first <= address < end for first, end in found.ranges)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_of_some_spans(data: bytes) -> None:
    spans = address_ranges.spans(data)
    assert spans == sorted(spans)
    assert all(low < high for low, high, _ in spans)
