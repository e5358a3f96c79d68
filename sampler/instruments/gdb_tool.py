"""Which GDB there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

from sampler.errors import DebuggerMissing, DebuggerUnfit

#: Names another gdb than the one on PATH.
VARIABLE = "SAMPLER_GDB"
#: The first that can be forbidden to call functions in the target (may-call-functions).
OLDEST = 11
_ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class GdbTool:
    """The program and its version."""

    path: str
    version: str


def find_gdb() -> GdbTool:
    """DebuggerMissing, or DebuggerUnfit where it is too old."""
    path = os.environ.get(VARIABLE) or shutil.which("gdb")
    if not path:
        raise DebuggerMissing("gdb is not installed", "it is not on PATH", "apt-get install gdb")
    try:
        answer = subprocess.run(
            [path, "-nx", "-nh", "--version"], capture_output=True, text=True, timeout=_ANSWER_S, check=False,
            stdin=subprocess.DEVNULL, env={"HOME": os.devnull, "PATH": ""},
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DebuggerMissing(f"{path} does not start", str(error), "install gdb anew") from error
    match = re.search(r"^GNU gdb .*?(\d+)\.(\d+)", answer)
    if not match:
        raise DebuggerMissing(f"{path} is not GDB", "its --version says something else", f"set ${VARIABLE} to a gdb")
    if int(match[1]) < OLDEST:
        raise DebuggerUnfit(
            f"GDB {match[1]}.{match[2]} is too old", "it cannot be forbidden to call functions in the target",
            f"install GDB {OLDEST} or newer, or name it in ${VARIABLE}",
        )  # fmt: skip
    return GdbTool(path, f"{match[1]}.{match[2]}")
