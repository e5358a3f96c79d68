"""Programs whose paths hold what a line of /proc/PID/maps cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.tracee import ROOT, Tracee
from sampler.linux import procfs
from tests.integration.help import assert_as_found, of_type, recorded


@pytest.mark.parametrize("name", ["a\x1b[31m\nb", "a\rb", " a  b "])
def test_a_program_of_an_odd_name_is_asked(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copy(ROOT / "build" / "c_ring", path)
    with Tracee(program=path) as odd:
        assert str(path) in {part.path for part in procfs.mappings(odd.pid)}
        words = ("--instrument=ptrace", "--count=1", "--at=ring_write", "--", str(odd.pid), "r->write_index")
        lines = recorded(*words)
        assert len(of_type(lines, "sample")) == 1, lines
        assert_as_found(odd.pid)
