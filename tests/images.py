"""Programs looked at without running them, and small ones that a test compiles as it needs them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.tracee import ROOT
from sampler.debuginfo.image import Image
from sampler.debuginfo.points import Place, Points
from sampler.debuginfo.scope import Scope
from sampler.expression.compile import Compiled, compile_expression

BUILD = ROOT / "build"


@contextmanager
def opened(program: str | Path, root: Path | None = None) -> Iterator[Image]:
    """The image of one of build/, or of any file; as a process has it whose root is ``root``."""
    path = BUILD / program
    seen = path if root is None else Path("/", path.relative_to(root))
    with path.open("rb") as file, Image(file, str(seen), str(root or "")) as image:
        yield image


def places(program: str | Path, point: str) -> list[Place]:
    with opened(program) as image:
        return Points(image).find(point)


def compiled_at(program: str | Path, point: str, expression: str) -> Compiled:
    """An expression at the first place of a point."""
    with opened(program) as image:
        return compile_expression(expression, Scope(image, Points(image).find(point)[0]))


def questions(language: str) -> dict[str, list[str]]:
    """The expressions of tests/parity, by their point."""
    asked: dict[str, list[str]] = {}
    for line in (ROOT / "tests" / "parity" / f"{language}.txt").read_text().splitlines():
        if line.startswith("@ "):
            asked[line[2:]] = here = []
        elif line and not line.startswith("#"):
            here.append(line)
    return asked


def located(point: str, program: str) -> str:
    """The line that a point like ``places.c: locals`` stands for; any other point as it is."""
    named = re.fullmatch(r"(?P<file>[\w.]+): (?P<name>.+)", point)
    if named is None:
        return point
    lines = (ROOT / "tests" / "programs" / program / named["file"]).read_text().splitlines()
    found = [number for number, line in enumerate(lines, 1) if line.endswith(f"// point: {named['name']}")]
    assert len(found) == 1, f"{point} is on lines {found}"
    return f"{named['file']}:{found[0]}"


def compiled(folder: Path, name: str, *flags: str, **sources: str) -> Path:
    """Compiles ``name`` of C from sources given by the names of their files (``main_c=…``)."""
    files = []
    for source, text in sources.items():
        files.append(source.replace("_", "."))
        (folder / files[-1]).write_text(text)
    subprocess.run(["gcc", *(flags or ("-g",)), "-o", name, *files], cwd=folder, check=True, capture_output=True)
    return folder / name
