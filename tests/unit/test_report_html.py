from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sampler.cli import main
from sampler.compare import result
from sampler.compare.findings import findings
from sampler.compare.model import model
from sampler.compare.result import CONTROL, UNTOUCHED, Arm, Asked, Comparison, Taken, Truth, Window
from sampler.sample import Interval, Value
from sampler.view.html.facts import again, cut_short, in_short
from sampler.view.html.markup import element, escape
from sampler.view.html.page import page
from sampler.view.html.pictures import inlined

ROUNDS, ROUND_NS = 5, 2_000_000_000
NASTY = "<script>alert('x')</script>"
#: Looks suspend by so much; a hit takes so much.
LOOK_NS, HIT_NS, CALLS = 4_000_000, 900, 100_000
FAILED = {"kind": "DebuggerMissing", "what": "no <gdb> here", "why": "'PATH' & co", "fix": "install it"}
ARMS = (Arm(CONTROL), Arm("gdb", 10.0), Arm("gdb", 100.0), Arm("perf", 100.0), Arm("bcc"), Arm("bpftrace"))


def comparison(expression: str = "d.writeIndex - d.readIndex", name: str = "tracee", **about: object) -> Comparison:
    """One that tells something in each section; the same each time."""
    chance = random.Random(7)
    windows = [_untouched(0, chance)]
    for number in range(1, ROUNDS + 1):
        for arm in ARMS:
            windows += [_window(number, arm, chance), _untouched(number, chance)]
    question = {"point": "main.write", "expressions": [expression], "max_pause_ns": 10**8, "max_suspended": 0.5}
    head = {
        "question": question,
        "target": {"pid": 42, "name": name, "executable": f"/srv/{name}", "threads": 3, "language": "go",
                   "go_version": "go1.26.6", "build_id": "00ff"},
        "machine": {"cpu": "A processor", "cores": 2, "kernel": "6.1", "sampler": "0.1.0", "python": "3.11.7"},
        "started": "2026-01-02T03:04:05Z",
        "command": f"sampler compare 42 '{expression}' --at main.write",
        "arms": [{"instrument": arm.instrument, "rate": arm.rate} for arm in ARMS],
        "rounds": ROUNDS,
        "round_ns": ROUND_NS,
        "seed": 1234,
        "progress": {"by": "counter", "expression": expression, "point": "main.write"},
    }  # fmt: skip
    return Comparison(head | about, tuple(windows), "done")


def _untouched(number: int, chance: random.Random) -> Window:
    return _done(max(1, number), Arm(UNTOUCHED), 1.0, chance)


def _done(number: int, arm: Arm, kept: float, chance: random.Random, asked: Asked | None = None) -> Window:
    told = Counter[Value](chance.choices(range(40), k=2000))
    progress = kept * 2 * CALLS * chance.uniform(0.98, 1.02)
    return Window(number, arm, number * 10**9, ROUND_NS, progress, 3_000_000, Truth(told, dict(told)), asked)


def _window(number: int, arm: Arm, chance: random.Random) -> Window:
    if arm.instrument == CONTROL:
        return _done(number, arm, 1.0, chance)
    if arm == Arm("bpftrace"):
        return Window(number, arm, number * 10**9, 0, failed=FAILED)
    if arm.rate is None:
        hits = 2 * CALLS
        buckets = [(0, 1, hits // 10), (1, 2, hits // 5), (2, 4, hits // 2), (4, None, hits // 5)]
        traced = Asked(hits=hits, buckets=buckets, hit_ns=Interval(HIT_NS, 2 * HIT_NS), over_ns=ROUND_NS,
                       cpu_elapsed_ns=ROUND_NS)  # fmt: skip
        return _done(number, arm, 1 / (1 + CALLS * HIT_NS / 1e9), chance, traced)
    looks = [_look(arm, chance) for _ in range(int(2 * arm.rate))]
    asked = Asked(
        len(looks) - 1, {"not-reached": 1}, values=Counter(look.value for look in looks[1:]), looks=looks[1:],
        suspended_ns=sum((look.suspended_ns for look in looks), Interval()), cpu_ns=10**7, over_ns=ROUND_NS,
        cpu_elapsed_ns=ROUND_NS,
    )  # fmt: skip
    return _done(number, arm, 1 - (arm.rate * LOOK_NS / 1e9 if arm.instrument == "gdb" else 0), chance, asked)


def _look(arm: Arm, chance: random.Random) -> Taken:
    suspended = Interval(LOOK_NS // 2, 2 * LOOK_NS) if arm.instrument == "gdb" else Interval(1000, 9000)
    return Taken(chance.randrange(40), (chance.randrange(1000, 2_000_000),), suspended)


@cache
def usual() -> str:
    return page(comparison())


class Elements(HTMLParser):
    """Of a page its elements, with their attributes, and that each is closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.all if name == tag]


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages without their pictures, which take seconds."""
    monkeypatch.setattr("sampler.view.html.page.pictures", lambda _: {})


@pytest.mark.usefixtures("undrawn")
def test_what_a_target_is_named_does_nothing() -> None:
    text = page(comparison(NASTY, name="a\"b'c<i>&\x1b[31m"))
    found = Elements(text)
    assert not found.of("script")
    assert not found.of("i")
    assert "&lt;script&gt;" in text
    assert "a&quot;b&#x27;c&lt;i&gt;&amp;\\x1b[31m" in text
    assert "no &lt;gdb&gt; here" in text
    assert not [key for _, attributes in found.all for key in attributes if key.startswith("on")]


def test_a_text_is_escaped_once_and_an_element_is_not() -> None:
    assert escape("<&>\"'") == "&lt;&amp;&gt;&quot;&#x27;"
    assert element("p", element("b", "<"), "&", title='"') == '<p title="&quot;"><b>&lt;</b>&amp;</p>'


def test_each_table_is_there_and_named() -> None:
    captions = re.findall(r"<caption>(.*?)</caption>", usual())
    assert captions == [
        "What each arm took from the target",
        "The values that were seen",
        "Distances, with 95 % intervals",
        "The mean seen from a moment, and of calls",
        "What a look and a hit take in progress",
        "Arms that failed",
        "Progress in percent of untouched, rounds 1 to 5",
    ]


def test_headers_say_of_what_they_are() -> None:
    assert {header.get("scope") for header in Elements(usual()).of("th")} == {"col", "row"}


def test_every_round_of_every_arm_is_told() -> None:
    rounds = usual().partition('id="rounds"')[2].partition("</section>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", rounds)[1:]
    assert len(rows) == 1 + len(ARMS)
    assert all(row.count("<td") == ROUNDS for row in rows)
    assert rows[-1].count("failed") == ROUNDS


@pytest.mark.usefixtures("undrawn")
def test_many_rounds_are_told_ten_beside_one_another() -> None:
    found = comparison()
    one = found.windows[1]
    many = Comparison(found.header, tuple(Window(n, one.arm, 0, 1, 1.0) for n in range(1, 24)), "done")
    assert re.findall(r"rounds ([\d to]+)</caption>", page(many)) == ["1 to 10", "11 to 20", "21 to 23"]


def test_the_page_refers_to_nothing_outside() -> None:
    text = usual()
    assert not re.findall(r"https?:|//[a-z]|@import", text)
    assert set(re.findall(r"(?:src|href)=[\"'](.)", text)) <= {"#", "d"}
    assert re.findall(r"(?:src|href)=[\"'](d[^\"']*)", text) == ["data:,"]
    assert not re.findall(r"url\((?!#)", text)
    found = Elements(text)
    policy = next(meta["content"] for meta in found.of("meta") if meta.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_whatever_is_referred_to_is_there_once() -> None:
    found = Elements(usual())
    ids = [attributes["id"] for _, attributes in found.all if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = set(re.findall(r"(?:url\(|href=[\"'])#([^)\"']+)", usual()))
    assert named
    assert named <= set(ids)


def test_each_picture_is_there_for_light_and_dark_and_says_what_it_shows() -> None:
    drawn = Elements(usual()).of("svg")
    assert drawn
    assert Counter(svg["class"] for svg in drawn) == {"light": len(drawn) // 2, "dark": len(drawn) // 2}
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in drawn)


def test_pictures_do_not_share_ids() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 1 1">'
        '<metadata>by</metadata><defs><path id="a"/><style>*{}</style></defs>'
        '<use xlink:href="#a" clip-path="url(#a)" style="fill: #a1b2c3"/></svg>'
    )
    text = inlined(svg, "values", "dark")
    assert '<path id="values-dark-a" />' in text
    assert 'href="#values-dark-a" clip-path="url(#values-dark-a)" style="fill: #a1b2c3"' in text
    assert not re.search("http|metadata|<style", text)


def test_what_was_not_left_as_it_was_is_told() -> None:
    found = comparison()
    changed = replace(found.windows[3], untidy="its text differs from its file at 0x1")
    told = cut_short(Comparison(found.header, (changed,), "error"))
    assert told.endswith("gdb 10/s has not left the target as it was: its text differs from its file at 0x1.")


def test_the_command_begins_in_the_same_order() -> None:
    found = comparison()
    assert "sampler compare --seed 1234 42" in again(found).markup()
    with_seed = Comparison(found.header | {"command": "sampler compare 42 x --at f --seed=7"})
    assert "sampler compare 42 x --at f --seed=7" in again(with_seed).markup()


def test_it_is_said_in_short_what_surely_costs_and_what_may_cost_nothing() -> None:
    rows = findings(comparison())
    told = in_short(rows, model(comparison(), rows).crossovers).markup()
    assert re.search(r"cannot tell what these took from nothing: perf \(100/s\)\.", told)
    assert re.search(r"surely took a part of the target&#x27;s progress: gdb 100/s 3.*, bcc .*gdb 10/s", told)
    assert "Nothing came of bpftrace" in told


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("ended", ["interrupted", "target-ended", "error", ""])
def test_what_has_not_gone_to_its_end_says_so(ended: str) -> None:
    found = comparison()
    assert 'class="notice"' in page(Comparison(found.header, found.windows[:3], ended))
    assert 'class="notice"' not in page(found)


def test_before_the_first_window_there_is_a_page() -> None:
    assert "<h1>" in page(Comparison(comparison().header))


def test_the_command_writes_it_once_and_the_same_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, output = tmp_path / "run.json", tmp_path / "run.html"
    result.save(comparison(), str(file))
    assert main(["report", str(file), "--html", str(output)]) == 0
    assert output.read_text(encoding="utf-8") == usual()
    assert main(["report", str(file), "--html", str(output)]) == 1
    assert f"{output} exists" in capsys.readouterr().err


def test_the_command_tells_a_comparison_in_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.json"
    result.save(comparison(), str(file))
    assert main(["report", str(file)]) == 0
    assert "slowdown (95 %)" in capsys.readouterr().out


def test_a_page_of_a_recording_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, output = tmp_path / "run.jsonl", tmp_path / "run.html"
    file.write_text('{"type": "header"}\n')
    assert main(["report", str(file), "--html", str(output)]) == 2
    told = capsys.readouterr().err
    assert "is no comparison" in told
    assert told.count("\n") == 1
    assert not output.exists()
