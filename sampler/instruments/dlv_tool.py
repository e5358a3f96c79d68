"""Which Delve there is, and whether it knows the Go version that built a program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sampler.debuginfo.executable import GoVersion
from sampler.errors import DebuggerMissing, DebuggerUnfit

#: Names another dlv than the one that would be found.
VARIABLE = "SAMPLER_DLV"
_ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class DelveTool:
    """The program and its version, as ``(1, 27, 2)``."""

    path: str
    version: tuple[int, ...]

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))

    def check(self, go: GoVersion) -> None:
        """DebuggerUnfit unless this Delve knows that Go: its minor version names the newest Go it reads.

        Source: pkg/goversion/compat.go of each release (MaxSupportedVersionOfGoMinor).
        """
        if (go.major, go.minor) > self.version[:2]:
            raise DebuggerUnfit(
                f"Delve {self.version_text} is too old for a program built with {go.text}",
                f"it reads up to go{self.version[0]}.{self.version[1]}",
                f"install Delve {go.major}.{go.minor} or newer, or name it in ${VARIABLE}",
            )


def find_delve() -> DelveTool:
    """The Delve of ``$SAMPLER_DLV``, beside this Python, of PATH, or of Go's folder; DebuggerMissing."""
    path = _locate()
    try:
        answer = subprocess.run(
            [path, "version"],
            capture_output=True,
            text=True,
            timeout=_ANSWER_S,
            check=False,
            stdin=subprocess.DEVNULL,
            env={"HOME": os.devnull, "PATH": ""},  # it would write settings into the user's home
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DebuggerMissing(
            f"{path} does not start", str(error), "install Delve anew, or see `sampler doctor`"
        ) from error
    match = re.search(r"^Version: (\d+)\.(\d+)\.(\d+)", answer, re.MULTILINE)
    if not match:
        raise DebuggerMissing(f"{path} is not Delve", "its `version` says something else", f"set ${VARIABLE} to a dlv")
    return DelveTool(path, tuple(map(int, match.groups())))


def _locate() -> str:
    named = os.environ.get(VARIABLE)
    if named:
        return named
    places = [
        str(Path(sys.executable).parent / "dlv"),
        shutil.which("dlv"),
        os.path.expanduser("~/go/bin/dlv"),
    ]
    for place in places:
        if place and os.access(place, os.X_OK):
            return place
    raise DebuggerMissing(
        "dlv is not installed",
        "neither beside sampler, nor on PATH, nor in ~/go/bin",
        "go install github.com/go-delve/delve/cmd/dlv@latest",
    )
