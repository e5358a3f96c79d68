"""The page of a comparison in a real browser: Chromium without a screen, told what to do over a pipe."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sampler.compare import result
from sampler.linux.signals import ProcessHandle
from tests.integration.help import PATIENCE_S, sampler
from tests.unit.test_report_html import comparison

FLAGS = (
    "--headless",
    "--no-sandbox",  # which Chromium has no use of as root
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--password-store=basic",
)
#: An overflow, in pixels: the page's content is broader than the page.
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SHOWN = "[...document.querySelectorAll('svg')].filter(svg => svg.getBoundingClientRect().height > 0)"
BOXES = "[...document.querySelectorAll('[tabindex]')].map(box => box.getAttribute('aria-label'))"
FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.tagName"


class Browser:
    """One page. ``events`` are all that it has told, in their order."""

    def __init__(self, profile: Path) -> None:
        ours, theirs = os.pipe(), os.pipe()
        # The browser reads from descriptor 3 and writes to 4, which may be taken here.
        child = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (ours[0], theirs[1])]
        self._out, self._in, self._buffer, self._number = ours[1], theirs[0], b"", 0
        self.events: list[dict[str, Any]] = []
        self.pid = os.posix_spawn(
            shutil.which("chromium") or "",
            ["chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            os.environ,
            file_actions=[
                *((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)),
                *((os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(child, 3)),
            ],
            setpgroup=0,
        )
        for end in (ours[0], theirs[1], *child):
            os.close(end)
        self._handle, self._session = ProcessHandle(self.pid), None
        pages = self.do("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in pages if one["type"] == "page")
        self._session = self.do("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.do(f"{domain}.enable")

    def do(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def value(self, expression: str) -> Any:
        return self.do("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def show(self, path: Path, scheme: str = "light", width: int = 1200) -> None:
        """And waits until it is there."""
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
        self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.do("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._next()
        self.value("document.readyState")  # what it had to tell until then comes before the answer

    def press_tab(self) -> None:
        for kind in ("keyDown", "keyUp"):
            self.do("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)

    def of(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event["method"] == method]

    def close(self) -> None:
        """With all its processes: it is asked first, so that none of them is left alone."""
        with suppress(OSError, AssertionError):
            self._session = None
            self.do("Browser.close")
            select.select([self._handle], [], [], PATIENCE_S)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self._handle.close()
        os.close(self._out)
        os.close(self._in)

    def _next(self) -> dict[str, Any]:
        """The next message, which is kept if it is an event."""
        give_up = time.monotonic() + PATIENCE_S
        while b"\0" not in self._buffer:
            readable, _, _ = select.select([self._in], [], [], max(0.0, give_up - time.monotonic()))
            assert readable, "the browser says nothing"
            read = os.read(self._in, 1 << 20)
            assert read, "the browser has ended"
            self._buffer += read
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if shutil.which("chromium") is None:
        pytest.skip("there is no Chromium: tools/setup-browser")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    result.save(comparison("<b>d.writeIndex</b> - d.readIndex"), str(folder / "run.json"))
    done = sampler("report", str(folder / "run.json"), "--html", str(folder / "run.html"))
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "run.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_fetched_and_nothing_complained_about(browser: Browser, page: Path, scheme: str) -> None:
    browser.show(page, scheme)
    urls = [request["request"]["url"] for request in browser.of("Network.requestWillBeSent")]
    assert [url for url in urls if not url.startswith("data:")] == [page.as_uri()]
    assert not browser.of("Network.loadingFailed")
    assert not browser.of("Runtime.exceptionThrown")
    assert not [one for one in browser.of("Runtime.consoleAPICalled") if one["type"] == "error"]
    assert not [one["entry"]["text"] for one in browser.of("Log.entryAdded") if one["entry"]["level"] != "verbose"]


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_each_scheme_has_its_pictures_and_its_paper(browser: Browser, page: Path, scheme: str, dark: bool) -> None:
    browser.show(page, scheme)
    assert browser.value("document.querySelectorAll('svg').length") == 2 * browser.value(f"{SHOWN}.length") > 0
    assert browser.value(f"{SHOWN}.every(svg => svg.classList.contains('{scheme}'))")
    assert browser.value(f"{SHOWN}.every(svg => svg.getBoundingClientRect().height > 300)")
    assert browser.value(f"{SHOWN}.every(svg => svg.getBoundingClientRect().width > 500)")
    paper = re.findall(r"\d+", browser.value("getComputedStyle(document.body).backgroundColor"))
    assert (sum(map(int, paper)) < 200) == dark


def test_the_keyboard_comes_to_each_table_in_its_order(browser: Browser, page: Path) -> None:
    browser.show(page)
    boxes, links = browser.value(BOXES), browser.value("document.querySelectorAll('nav a').length")
    reached = []
    for _ in range(links + len(boxes)):
        browser.press_tab()
        reached.append(browser.value(FOCUSED))
    assert len(boxes) > 7
    assert reached == ["A"] * links + boxes


@pytest.mark.parametrize("width", [320, 360, 800, 1920])
def test_only_tables_scroll_sideways(browser: Browser, page: Path, width: int) -> None:
    browser.show(page, width=width)
    assert browser.value(OVERFLOW) == 0
    assert browser.value(
        "[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)"
    ) == (width < 1000)


def test_on_paper_it_is_light_and_nothing_is_cut_off(browser: Browser, page: Path) -> None:
    browser.show(page, "dark")
    pdf = base64.b64decode(browser.do("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF-")
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 10
    browser.do(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    browser.do("Emulation.setDeviceMetricsOverride", width=690, height=980, deviceScaleFactor=1, mobile=False)
    assert browser.value(f"{SHOWN}.every(svg => svg.classList.contains('light'))")
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.value(OVERFLOW) == 0
    browser.do("Emulation.setEmulatedMedia", media="")


def test_a_browser_that_was_closed_leaves_no_process(tmp_path: Path) -> None:
    if shutil.which("chromium") is None:
        pytest.skip("there is no Chromium: tools/setup-browser")
    Browser(tmp_path).close()
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in listed
