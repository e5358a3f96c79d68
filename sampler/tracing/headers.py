"""Kernel headers for BCC, which compiles against them: this kernel's own, or any of Debian's.

What the programs here take from them is as old as the interface to programs: the layout of the registers
(struct pt_regs), and the numbers of the kernel's helpers. So another version's will do.
"""

from __future__ import annotations

import os
import platform
import re
from contextlib import suppress
from pathlib import Path

from sampler.errors import TracerMissing

#: BCC's own variable: a folder with headers.
VARIABLE = "BCC_KERNEL_SOURCE"
_SOURCES = Path("/usr/src")
_DEBIAN = re.compile(r"linux-headers-(?P<version>[\d.]+-\d+)-(?P<flavour>(?!common)\w+)")


def kernel_headers() -> str | None:
    """A folder for BCC_KERNEL_SOURCE; None where BCC finds them by itself. TracerMissing if there are none."""
    if os.environ.get(VARIABLE):
        return None
    if Path(f"/lib/modules/{platform.release()}/build").is_dir() or Path("/sys/kernel/kheaders.tar.xz").exists():
        return None
    for folder in sorted(_SOURCES.glob("linux-headers-*"), reverse=True):
        name = _DEBIAN.fullmatch(folder.name)
        common = _SOURCES / f"linux-headers-{name['version']}-common" if name else folder
        if name and common.is_dir():
            return _merged(folder, common)
    raise TracerMissing(
        "BCC finds no kernel headers", f"neither of {platform.release()} nor Debian's of any version in {_SOURCES}",
        "apt-get install linux-headers-amd64",
    )  # fmt: skip


def _merged(own: Path, common: Path) -> str:
    """Debian keeps headers in two packages; BCC looks into one folder: of links to both."""
    folder = _cache() / f"{own.name}-merged"
    for inner in ("include", "arch/x86/include"):
        (folder / inner).mkdir(parents=True, exist_ok=True)
        for source in (own, common):
            for entry in (source / inner).iterdir():
                with suppress(FileExistsError):
                    (folder / inner / entry.name).symlink_to(entry)
    return str(folder)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "sampler"
