"""Debug information is found wherever it is kept and however it is packed, or it is said what would help."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

import pytest

from bench.tracee import ROOT, Tracee
from sampler.debuginfo.debug_files import VARIABLE
from sampler.debuginfo.points import Points
from sampler.debuginfo.scope import Scope
from sampler.errors import BinaryError, NoDebugInfo, NoValueHere
from sampler.expression.compile import compile_expression
from tests.images import BUILD, compiled, opened, places
from tests.integration.help import assert_as_found, environment, sampler

ASKED = {
    "integers": ["i", "ull - 1"],
    "structs": ["by_name->next", "bits.wide", "value.pairs", "small"],
    "locals": ["pair.a", "n", "keep.head->colour == GREEN", "((struct outer *)pointer)->last"],
    "of_thread": ["thread_number", "thread_pair.b"],
    "twice": ["x", "file_static"],
}


def plans(program: str | Path, root: Path | None = None, points: Collection[str] = ASKED.keys()) -> dict[str, object]:
    """What some questions are compiled to: the same for the same code, wherever its debug information is."""
    found: dict[str, object] = {}
    with opened(program, root) as image:
        for point in points:
            for place in Points(image).find(point):
                for expression in ASKED[point]:
                    key = f"{place.address:#x} {expression}"
                    try:
                        found[key] = compile_expression(expression, Scope(image, place)).plan
                    except NoValueHere as error:
                        found[key] = str(error)
    return found


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)


def rebuilt(folder: Path, *flags: str) -> Path:
    """c_types, compiled with these options too."""
    sources = sorted((ROOT / "tests" / "programs" / "c_types").glob("*.c"))
    made = folder / "c_types"
    run("gcc", "-std=c11", "-D_GNU_SOURCE", "-pthread", *flags, "-o", made, *sources)
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root directory as a container has one, with a program in /app, not stripped yet."""
    (tmp_path / "app").mkdir()
    shutil.copy(BUILD / "c_types-o2", tmp_path / "app" / "program")
    return tmp_path


def split(program: Path, debug: Path) -> None:
    """Moves the debug information of a program into a file of its own."""
    debug.parent.mkdir(parents=True, exist_ok=True)
    run("objcopy", "--only-keep-debug", program, debug)
    run("strip", program)


def linked(program: Path, debug: Path) -> None:
    """The same, with the name and the checksum of that file in the program."""
    split(program, debug)
    run("objcopy", f"--add-gnu-debuglink={debug}", program)


def by_build_id(program: Path) -> str:
    with opened(program) as image:
        build_id = image.identity.build_id
    assert build_id is not None
    return f".build-id/{build_id[:2]}/{build_id[2:]}.debug"


def test_a_debug_file_is_found_by_its_build_id_below_the_targets_root(root: Path) -> None:
    program = root / "app" / "program"
    split(program, root / "usr/lib/debug" / by_build_id(program))
    assert plans(program, root) == plans("c_types-o2")


def test_a_debug_file_is_found_by_its_build_id_in_a_folder_that_the_user_names(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = root / "app" / "program"
    split(program, root / "elsewhere" / by_build_id(program))
    monkeypatch.setenv(VARIABLE, f"/nosuch:{root / 'elsewhere'}")
    assert plans(program) == plans("c_types-o2")


@pytest.mark.parametrize("place", ["app", "app/.debug", "usr/lib/debug/app", "usr/lib/debug"])
def test_a_debug_file_is_found_by_the_programs_debug_link(root: Path, place: str) -> None:
    program = root / "app" / "program"
    linked(program, root / place / "program.debug")
    assert plans(program, root) == plans("c_types-o2")


def test_a_debug_file_is_found_by_its_name_in_a_folder_that_the_user_names(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = root / "app" / "program"
    linked(program, root / "elsewhere" / "program.debug")
    monkeypatch.setenv(VARIABLE, str(root / "elsewhere"))
    assert plans(program, root) == plans("c_types-o2")


def test_a_linked_file_of_another_checksum_is_refused(root: Path) -> None:
    program = root / "app" / "program"
    linked(program, root / "app" / "program.debug")
    with (root / "app" / "program.debug").open("ab") as debug:
        debug.write(b"\0")
    with pytest.raises(NoDebugInfo, match="stripped"):
        plans(program, root)


def test_a_debug_file_of_another_build_is_refused(root: Path) -> None:
    program = root / "app" / "program"
    other = root / "usr/lib/debug" / by_build_id(program)
    other.parent.mkdir(parents=True)
    run("strip", program)
    shutil.copy(BUILD / "c_types", other)
    with pytest.raises(NoDebugInfo, match="stripped"):
        plans(program, root)


def test_a_pipe_in_the_place_of_a_debug_file_is_not_waited_for(root: Path) -> None:
    program = root / "app" / "program"
    linked(program, root / "app" / "program.debug")
    (root / "app" / "program.debug").unlink()
    os.mkfifo(root / "app" / "program.debug")
    with pytest.raises(NoDebugInfo, match="stripped"):
        plans(program, root)


def test_a_damaged_debug_file_is_a_typed_error(root: Path) -> None:
    program = root / "app" / "program"
    debug = root / "usr/lib/debug" / by_build_id(program)
    split(program, debug)
    debug.write_bytes(debug.read_bytes()[: debug.stat().st_size // 2])
    with pytest.raises(BinaryError):
        plans(program, root)


# Without any.


def test_a_stripped_program_is_told_what_would_help(root: Path) -> None:
    program = root / "app" / "program"
    run("strip", program)
    with pytest.raises(NoDebugInfo, match=r"/app/program is stripped.*build it with -g, or install.*" + VARIABLE):
        plans(program, root)


def test_a_program_with_symbols_only_is_told_so(root: Path) -> None:
    program = root / "app" / "program"
    run("strip", "-g", program)
    with pytest.raises(NoDebugInfo, match="it has symbols only"):
        plans(program, root)


def test_a_running_program_without_debug_information_is_refused_and_left_alone(tmp_path: Path) -> None:
    shutil.copy(BUILD / "c_types-o2", tmp_path / "program")
    run("strip", tmp_path / "program")
    with Tracee(program=tmp_path / "program") as target:
        done = sampler("watch", str(target.pid), "i", "--at=integers", "--instrument=ptrace", "--count=1")
        assert (done.returncode, done.stdout) == (1, "")
        assert "build it with -g" in done.stderr
        assert_as_found(target.pid)


def test_a_running_program_finds_its_debug_file_in_a_folder_that_the_user_names(tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copy(BUILD / "c_types-o2", program)
    split(program, tmp_path / "debug" / by_build_id(program))
    with Tracee(program=program) as target:
        arguments = ("watch", str(target.pid), "i", "--at=integers", "--instrument=ptrace", "--count=1")
        done = sampler(*arguments, env=environment(**{VARIABLE: str(tmp_path / "debug")}))
        assert done.returncode == 0, done.stderr
        assert "i = -2147483648" in done.stdout
        assert_as_found(target.pid)


def test_a_program_that_was_deleted_while_it_runs_is_asked_all_the_same(tmp_path: Path) -> None:
    program = tmp_path / "program"
    shutil.copy(BUILD / "c_types-o2", program)
    with Tracee(program=program) as target:
        program.unlink()
        done = sampler("watch", str(target.pid), "i", "--at=integers", "--instrument=ptrace", "--count=1")
        assert done.returncode == 0, done.stderr
        assert "i = -2147483648" in done.stdout


# Packed, shared, and spread.


@pytest.mark.parametrize("flags", [("-gz=zlib",), ("-gz=zlib-gnu",), ("-fdebug-types-section",)])
@pytest.mark.parametrize("version", ["-gdwarf-4", "-gdwarf-5"])
def test_every_form_that_the_compiler_has_for_it_is_read(tmp_path: Path, flags: tuple[str, ...], version: str) -> None:
    plain = plans(rebuilt(tmp_path, "-O2", "-g", version))
    assert plans(rebuilt(tmp_path, "-O2", "-g", version, *flags)) == plain


def test_the_64_bit_form_of_dwarf_is_refused_with_the_option_to_leave_out(tmp_path: Path) -> None:
    with pytest.raises(BinaryError, match="build the program without -gdwarf64"):
        plans(rebuilt(tmp_path, "-O2", "-g", "-gdwarf64"))


def test_sections_that_are_packed_by_zstd_are_refused_with_a_way_to_unpack_them(tmp_path: Path) -> None:
    program = tmp_path / "program"
    done = subprocess.run(["objcopy", "--compress-debug-sections=zstd", BUILD / "c_types-o2", program],
                          check=False, capture_output=True)  # fmt: skip
    if done.returncode:
        pytest.skip(f"this objcopy knows no zstd: {done.stderr.decode()}")
    with pytest.raises(BinaryError, match="objcopy --decompress-debug-sections"):
        plans(program)
    run("objcopy", "--decompress-debug-sections", program)
    assert plans(program) == plans("c_types-o2")


@pytest.mark.parametrize("version", ["-gdwarf-4", "-gdwarf-5"])
@pytest.mark.parametrize("point", ["integers", "points.c:12", "nosuch"])
def test_what_is_kept_in_dwo_files_is_refused_with_the_option_to_leave_out(
    tmp_path: Path, version: str, point: str
) -> None:
    program = rebuilt(tmp_path, "-O2", "-g", version, "-gsplit-dwarf")
    with pytest.raises(NoDebugInfo, match="build it without -gsplit-dwarf"):
        places(program, point)


def test_functions_of_a_program_that_was_optimised_as_a_whole_are_found(tmp_path: Path) -> None:
    program = rebuilt(tmp_path, "-O2", "-g", "-flto=auto")
    points = ASKED.keys() - {"twice"}  # of what was inlined before, GCC tells no more
    assert len(plans(program, points=points)) == sum(len(ASKED[point]) for point in points)


def test_a_program_whose_units_dwz_has_joined_is_read(tmp_path: Path) -> None:
    program = rebuilt(tmp_path, "-O2", "-g")
    plain = plans(program)
    run("dwz", program)
    with opened(program) as image:
        assert any(unit.top.tag == "DW_TAG_partial_unit" for unit in image.units.all)
    assert plans(program) == plain


@pytest.fixture
def shared(tmp_path: Path, version: str) -> Path:
    """A program some of whose debug information dwz has moved into a file that another one shares: ``common``."""
    program = rebuilt(tmp_path, "-O2", "-g", version)
    shutil.copy(program, tmp_path / "other")
    run("dwz", "-m", tmp_path / "common", program, tmp_path / "other")
    return program


VERSIONS = pytest.mark.parametrize("version", ["-gdwarf-4", "-gdwarf-5"])


@VERSIONS
def test_a_program_that_shares_debug_information_with_others_is_read(shared: Path, version: str) -> None:
    with opened(shared) as image:
        assert image.dwarf.supplementary_dwarfinfo is not None
    assert plans(shared) == plans(rebuilt(shared.parent, "-O2", "-g", version))


@VERSIONS
def test_a_shared_file_that_is_missing_is_named(shared: Path) -> None:
    (shared.parent / "common").unlink()
    with pytest.raises(NoDebugInfo, match=r"dwz has moved it into .*common.*install that file"):
        plans(shared)


@VERSIONS
def test_a_shared_file_of_another_build_is_as_good_as_missing(shared: Path) -> None:
    shutil.copy(BUILD / "c_types", shared.parent / "common")
    with pytest.raises(NoDebugInfo, match="dwz has moved it"):
        plans(shared)


def test_a_program_with_line_tables_only_says_that_it_knows_no_names(tmp_path: Path) -> None:
    program = compiled(tmp_path, "lines", "-g1", main_c="int f(int n) { return n; }\nint main(void) { return f(0); }\n")
    (place,) = places(program, "f")
    assert place.line == 1
