"""Answers about a program's debug information, kept on disk by build-id.

One file an answer, written beside and moved into place: two runs at once do no harm. A file that is
damaged is as good as none, and so is one of another user: what is planted in a target comes from here.
Whatever goes wrong here only costs time. Other files in the folder are left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from sampler import __version__

#: Names another folder, or with an empty value none.
VARIABLE = "SAMPLER_CACHE"
MOST_BYTES = 64 << 20
#: What makes the answers: another version of it may give others.
_MAKERS = ("debuginfo", "expression", "plan", "planning.py", "placing.py")
#: The names of answers, and of those that are being written.
_OURS = re.compile(r"(?:[0-9a-f]{40}|\.new-\w+)\.json")


class Cache:
    """Answers by keys. ``folder``: None for the user's own. ``most_bytes``: that it may hold."""

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._most_bytes = folder or _default_folder(), most_bytes

    def get(self, *key: str) -> Any | None:
        """The answer; None if there is none, or none that can be trusted."""
        if self._folder is None:
            return None
        try:
            kept = json.loads(self._read(self._file(key)))
            if kept["key"] != list(key) or kept["check"] != _checksum(kept["answer"]):
                return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        with suppress(OSError):  # another user's, to be read only
            os.utime(self._file(key))
        return kept["answer"]

    def put(self, answer: Any, *key: str) -> None:
        if self._folder is None:
            return
        text = json.dumps({"key": list(key), "check": _checksum(answer), "answer": answer})
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not _is_trusted(self._folder.stat()):  # root with a home folder of somebody else
                return
            self._write(self._file(key), text)
            self._bound()

    def _read(self, file: Path) -> bytes:
        with file.open("rb") as stream:
            if not _is_trusted(os.fstat(stream.fileno())):
                raise PermissionError(file)
            return stream.read(self._most_bytes + 1)

    def _write(self, file: Path, text: str) -> None:
        descriptor, beside = tempfile.mkstemp(dir=file.parent, prefix=".new-", suffix=".json")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(beside, file)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise

    def _bound(self) -> None:
        """Drops those that were not used for longest."""
        assert self._folder is not None
        files = list(_abouts(self._folder))
        total = sum(about.st_size for about, _ in files)
        for about, path in sorted(files, key=lambda item: item[0].st_mtime_ns):
            if total <= self._most_bytes:
                return
            with suppress(OSError):
                os.unlink(path)
            total -= about.st_size

    def _file(self, key: tuple[str, ...]) -> Path:
        assert self._folder is not None
        digest = hashlib.sha256("\0".join((_version(), *key)).encode()).hexdigest()
        return self._folder / f"{digest[:40]}.json"


def _is_trusted(about: os.stat_result) -> bool:
    """Ours or root's, and nobody else's to write."""
    return about.st_uid in (0, os.geteuid()) and not about.st_mode & 0o022


def _abouts(folder: Path) -> Iterator[tuple[os.stat_result, str]]:
    """What is known of our files there, but for those that another run has dropped meanwhile."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name):
                with suppress(FileNotFoundError):
                    yield entry.stat(follow_symlinks=False), entry.path


@cache
def _version() -> str:
    """Of the code that makes the answers, by its files: a number alone would be forgotten while it changes."""
    package = Path(__file__).parent.parent
    makers = [package / maker for maker in _MAKERS]
    files = sorted(
        file for maker in makers for file in ([maker] if maker.is_file() else maker.iterdir()) if file.is_file()
    )
    abouts = [(file.name, file.stat()) for file in files]
    return repr([__version__, *((name, about.st_size, about.st_mtime_ns) for name, about in abouts)])


def _checksum(answer: Any) -> str:
    return hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()


def _default_folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base, "sampler") if os.path.isabs(base) else None
