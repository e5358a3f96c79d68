"""Kernel headers for BCC: this kernel's own, those that are named, or Debian's in one folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampler.errors import TracerMissing
from sampler.tracing import headers


@pytest.fixture(autouse=True)
def _none_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(headers.VARIABLE, raising=False)
    monkeypatch.setattr(headers, "_SOURCES", tmp_path / "src")
    monkeypatch.setattr("platform.release", lambda: "0.0.0-none")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_without_any_it_is_said_what_to_install() -> None:
    with pytest.raises(TracerMissing) as caught:
        headers.kernel_headers()
    assert "apt-get install linux-headers-amd64" in str(caught.value)


def test_those_that_are_named_are_left_to_bcc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(headers.VARIABLE, "/elsewhere")
    assert headers.kernel_headers() is None


def test_debians_two_packages_become_one_folder_of_links(tmp_path: Path) -> None:
    for name, inner in (("6.1.0-9-amd64", "generated"), ("6.1.0-9-common", "linux"), ("6.1.0-8-amd64", "older")):
        for folder in ("include", "arch/x86/include"):
            (tmp_path / "src" / f"linux-headers-{name}" / folder / inner).mkdir(parents=True)
    merged = Path(headers.kernel_headers() or "")
    assert headers.kernel_headers() == str(merged)  # once more, over what is there
    for folder in ("include", "arch/x86/include"):
        assert sorted(entry.name for entry in (merged / folder).iterdir()) == ["generated", "linux"]
        assert (merged / folder / "linux").is_dir()
