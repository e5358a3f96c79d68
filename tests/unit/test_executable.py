from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.debuginfo.executable import Executable, GoVersion
from sampler.errors import BinaryError

BUILD = Path(__file__).parents[2] / "build"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def built(name: str) -> Path:
    if not (BUILD / name).exists():
        pytest.skip(f"build/{name} is missing: run `make build`")
    return BUILD / name


def executable(path: Path | str, stack: ExitStack) -> Executable:
    return Executable(stack.enter_context(open(path, "rb")), str(path))


def ask_all(data: bytes) -> None:
    """Everything that can be asked of a file."""
    found = Executable(io.BytesIO(data), "damaged")
    assert found.build_id is None or isinstance(found.build_id, str)
    assert found.go_version is None or found.go_version.major >= 0
    assert found.has_debug_info in (True, False)
    assert found.names_a_function("write") in (True, False)


def test_a_go_program_names_the_version_that_built_it(opened: ExitStack) -> None:
    version = executable(built("tracee"), opened).go_version
    assert version is not None
    assert version.major == 1
    assert re.fullmatch(r"go1\.\d+(\.\d+)?\S*", version.text)
    assert version.text.startswith(f"go1.{version.minor}")


def test_a_go_program_has_an_identity_and_debug_information(opened: ExitStack) -> None:
    tracee = executable(built("tracee"), opened)
    assert tracee.build_id
    assert tracee.has_debug_info


def test_a_function_of_the_program_is_found_by_its_last_name_and_no_other(opened: ExitStack) -> None:
    tracee = executable(built("tracee"), opened)
    assert tracee.names_a_function("write")
    assert not tracee.names_a_function("nosuchfunction_zz")
    assert not tracee.names_a_function("wri.e")  # a text, no pattern


def test_names_for_a_hint_are_of_the_same_package(opened: ExitStack) -> None:
    names = executable(built("tracee"), opened).names_like("main.wirte")
    assert any(name.endswith(".write") for name in names)
    assert all(name.startswith("main.") for name in names)
    assert names == sorted(set(names))


def test_a_stripped_program_keeps_its_go_version_and_has_no_debug_information(opened: ExitStack) -> None:
    stripped = executable(built("stripped"), opened)
    assert stripped.go_version is not None
    assert not stripped.has_debug_info
    assert not stripped.names_a_function("write")


def test_a_native_program_is_of_no_go_version(opened: ExitStack) -> None:
    python = executable(Path(sys.executable).resolve(), opened)
    assert python.go_version is None
    assert python.build_id is None or re.fullmatch(r"[0-9a-f]+", python.build_id)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program of C with a build-id that we chose."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc to compile a program with")
    folder = tmp_path_factory.mktemp("native")
    (folder / "a.c").write_text("int step_aside(int n) { return n; }\nint main(void) { return step_aside(0); }\n")
    command = ["gcc", "-g", "-Wl,--build-id=0xc0ffee11", "a.c", "-o", "a"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "a"


def test_the_build_id_is_the_linkers(compiled: Path, opened: ExitStack) -> None:
    assert executable(compiled, opened).build_id == "c0ffee11"


def test_a_function_of_a_c_program_is_found(compiled: Path, opened: ExitStack) -> None:
    native = executable(compiled, opened)
    assert native.has_debug_info
    assert native.names_a_function("step_aside")
    assert not native.names_a_function("nosuchfunction_zz")


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"#!/bin/sh\n", b"\x7fELF" + b"\0" * 60, b"MZ" * 100])
def test_what_is_no_elf_file_is_a_typed_error(data: bytes) -> None:
    with pytest.raises(BinaryError):
        ask_all(data)


def test_an_error_names_the_file() -> None:
    with pytest.raises(BinaryError, match="/opt/app"):
        Executable(io.BytesIO(b"#!/bin/sh\n"), "/opt/app")


@given(st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_read_or_a_typed_error(compiled: Path, part: float) -> None:
    data = compiled.read_bytes()
    with suppress(BinaryError):
        ask_all(data[: int(part * len(data))])


@given(st.data())
def test_a_file_with_a_wrong_byte_in_its_header_or_sections_is_read_or_a_typed_error(
    compiled: Path, choice: st.DataObject
) -> None:
    data = bytearray(compiled.read_bytes())
    sections_at = int.from_bytes(data[40:48], "little")  # e_shoff of Elf64_Ehdr
    at = choice.draw(st.integers(0, 63) | st.integers(sections_at, len(data) - 1))
    data[at] = choice.draw(st.integers(0, 255))
    with suppress(BinaryError):
        ask_all(bytes(data))


@pytest.mark.parametrize(
    ("text", "minor", "shown"),
    [
        ("go1.26.8", 26, "go1.26.8"),
        ("go1.20", 20, "go1.20"),
        ("devel go1.27-abcdef Mon Jan 1", 27, "go1.27-abcdef"),
        ("go1.25.3 X:nodwarf5", 25, "go1.25.3"),
        ("go1.26rc1", 26, "go1.26rc1"),
    ],
)
def test_a_version_of_go_is_numbers_and_a_development_build_counts_as_its_release(
    text: str, minor: int, shown: str
) -> None:
    assert GoVersion.parse(text) == GoVersion(1, minor, shown)


@given(st.text(max_size=30))
def test_any_text_is_a_version_or_none(text: str) -> None:
    found = GoVersion.parse(text)
    assert found is None or found.text in text
