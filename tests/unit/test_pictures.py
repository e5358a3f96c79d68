from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from sampler.cli import main
from sampler.compare.findings import findings
from sampler.compare.result import CONTROL, UNTOUCHED, Arm, Asked, Comparison, Taken, Truth, Window, save
from sampler.errors import OutputError, RecordingError, UsageError
from sampler.sample import Interval
from sampler.view.pictures import NAMES, look_times
from sampler.view.pictures.base import DARK, LIGHT, Theme, contrast, look_of, readable, style
from sampler.view.pictures.drawing import PICTURES, draw_comparison, draw_timeline
from sampler.view.pictures.labels import spread
from sampler.view.pictures.slowdown import LEAST, points
from sampler.view.pictures.suspended import table
from sampler.view.pictures.timeline import timeline
from sampler.view.pictures.values import panels

PNG, SVG = b"\x89PNG\r\n\x1a\n", b"<?xml"
SECOND = 1_000_000_000
CALLS = 100_000  # a second, of the untouched target
#: What a look takes in ms, and the rates.
LOOKS = {"dlv": (20, (1, 10)), "ptrace": (0.1, (1, 10, 100)), "perf": (0.04, (1, 10, 100)), "peek": (0, (100, 1000))}
HIT_NS = {"bcc": 2_000, "bpftrace": 2_500}
ARMS = [Arm(CONTROL), *(Arm(name, rate) for name, (_, rates) in LOOKS.items() for rate in rates), *map(Arm, HIT_NS)]
GAPS = {0: 500, 1: 300, 2: 150, 40: 50}
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)


def lost(arm: Arm) -> float:
    """The share of progress."""
    if arm.instrument in LOOKS and arm.rate:
        return LOOKS[arm.instrument][0] * arm.rate / 1000
    hits = CALLS * HIT_NS.get(arm.instrument, 0) / SECOND
    return 1 - 1 / (1 + hits)


def window(number: int, arm: Arm, chance: float, truth: bool = True) -> Window:
    told = Truth(GAPS if arm.instrument not in HIT_NS else {0: 900, 1: 100}) if truth else None
    progress = CALLS * (1 - lost(arm)) * (1 + chance)
    return Window(number, arm, 0, SECOND, progress, 1_000_000, told, asked(arm))


def asked(arm: Arm) -> Asked | None:
    if arm.instrument in HIT_NS:
        hits = int(CALLS * (1 - lost(arm)))
        hit_ns, buckets = HIT_NS[arm.instrument], [(0, 1, hits * 9 // 10), (1, 2, hits // 10), (2, 4, 0)]
        bounds = Interval(hit_ns, 2 * hit_ns)
        return Asked(
            hits=hits,
            over_ns=SECOND,
            buckets=buckets,
            hit_ns=bounds,
            suspended_ns=Interval(hits * hit_ns, 2 * hits * hit_ns),
        )
    if arm.rate is None:
        return None
    look_ns, rate = int(LOOKS[arm.instrument][0] * 1_000_000), int(arm.rate)
    bounds = Interval(look_ns // 2, look_ns * 2)
    whole = Interval(bounds.low * rate, bounds.high * rate)
    looks = [Taken(turn % 3, (), bounds) for turn in range(rate)]
    return Asked(rate, over_ns=SECOND, values={0: rate, 1: rate // 2}, looks=looks, suspended_ns=whole)


def comparison(arms: list[Arm] | None = None, rounds: int = 5, truth: bool = True) -> Comparison:
    chosen, windows = arms or ARMS, list[Window]()
    for number in range(1, rounds + 1):
        windows.append(window(number, Arm(UNTOUCHED), 0, truth))
        for arm in chosen:
            windows.append(window(number, arm, 0.0004 * (number - 2.5) * (1 if len(arm.name) % 2 else -1), truth))
            windows.append(window(number, Arm(UNTOUCHED), 0, truth))
    return Comparison(header(chosen, rounds), tuple(windows), "done")


def header(arms: list[Arm], rounds: int) -> dict[str, Any]:
    return {
        "question": {"expressions": ["r->write_index - r->read_index"], "point": "ring_write"},
        "target": {"name": "c_ring", "pid": 1, "threads": 3, "language": "native"},
        "machine": {"cpu": "Some Processor", "cores": 2, "kernel": "6.18.0"},
        "started": "2026-11-29T04:41:55Z",
        "arms": [{"instrument": arm.instrument, "rate": arm.rate} for arm in arms],
        "rounds": rounds,
        "round_ns": SECOND,
        "seed": 1,
        "command": "sampler compare",
        "progress": {"by": "target"},
    }


def looks_told() -> dict[str, Any]:
    """As bench/timeline.py writes it."""
    about = {"target": "c_ring", "expression": "x", "point": "f", "looks": 30, "suspended_ns": [50_000, 180_000]}
    by_gdb = ["requested", "stopped", "set", "continued", "hit", "answered", "cleared", "released", "resumed"]
    marks = {
        "gdb": [[name, 1_000_000 * turn] for turn, name in enumerate(by_gdb)],
        "ptrace": [["armed", 10_000], ["hit", 100_000], ["read", 120_000], ["restored", 140_000], ["resumed", 150_000]],
        "perf": [["opening", 0], ["armed", 500_000], ["hit", 600_000], ["noticed", 650_000], ["closed", 700_000]],
    }
    stalls = {"writer": [[90_000, 70_000], [7_000_000, 70_000]], "bystander": [[100_000, 8_000_000]]}
    panels = [
        about | {"instrument": name, "marks": told, "length_ns": told[-1][1], "threads": stalls}
        for name, told in marks.items()
    ]
    uprobe = about | {"instrument": "uprobe", "hit_ns": [1000, 1200], "call_ns": [8.0, 1100.0]}
    machine = {"cpu": "Some Processor", "cores": 2, "kernel": "6.18.0"}
    shown = {"machine": machine, "started": "2026-11-29T04:41:55Z", "panels": panels, "uprobe": uprobe}
    return {"type": "timeline", "version": 1} | shown


FOUND = comparison()
ROWS = findings(FOUND)


@pytest.fixture
def run(tmp_path: Path) -> str:
    save(comparison(), str(tmp_path / "run.json"))
    return str(tmp_path / "run.json")


@pytest.fixture
def looks_file(tmp_path: Path) -> str:
    (tmp_path / "looks.json").write_text(json.dumps(looks_told()))
    return str(tmp_path / "looks.json")


def drawn(make: Callable[[Theme], Figure], theme: Theme) -> Figure:
    with style(theme):
        figure = make(theme)
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()
    return figure


def picture(name: str, theme: Theme = LIGHT, found: Comparison | None = None) -> Figure:
    return drawn(lambda theme: PICTURES[name](found or FOUND, theme), theme)


def boxes(figure: Figure) -> Iterator[tuple[str, Any]]:
    """Of the words that stand beside what they name."""
    for axes in figure.axes:
        for text in axes.texts:
            if text.get_gid() == "label":
                yield text.get_text(), text.get_window_extent()


# What is drawn.


@pytest.mark.parametrize("name", NAMES)
@THEMES
def test_each_picture_is_drawn_in_both_forms(run: str, name: str, theme: Theme, tmp_path: Path) -> None:
    for form, magic in ((".png", PNG), (".svg", SVG)):
        file = tmp_path / f"one{form}"
        draw_comparison(run, str(file), name, theme.name)
        assert file.read_bytes().startswith(magic)


def test_a_folder_gets_all_pictures_in_both_themes_and_forms(run: str, tmp_path: Path) -> None:
    draw_comparison(run, f"{tmp_path}/all/", None, None)
    expected = {f"{name}-{theme}.{form}" for name in NAMES for theme in ("light", "dark") for form in ("svg", "png")}
    assert {file.name for file in (tmp_path / "all").iterdir()} == expected


@pytest.mark.parametrize("name", NAMES)
def test_title_caption_and_instruments_are_words_of_the_svg(run: str, name: str, tmp_path: Path) -> None:
    draw_comparison(run, str(tmp_path / "one.svg"), name, None)
    words = " ".join(re.findall(r"<!-- (.*?) -->", (tmp_path / "one.svg").read_text(), re.DOTALL))
    for word in ("perf", "ptrace", "c_ring", "ring_write", "5 rounds", "Some Processor", "2 cores", "2026-11-29"):
        assert word in words


def test_two_runs_draw_the_same_bytes(run: str, tmp_path: Path) -> None:
    for form in ("svg", "png"):
        for turn in ("one", "two"):
            draw_comparison(run, f"{tmp_path}/{turn}.{form}", None, None)
        assert (tmp_path / f"one.{form}").read_bytes() == (tmp_path / f"two.{form}").read_bytes()


@pytest.mark.parametrize("name", ["slowdown", "suspended", "sweep"])
@THEMES
def test_labels_do_not_overlap_and_lie_within_the_picture(name: str, theme: Theme) -> None:
    figure = picture(name, theme)
    found = list(boxes(figure))
    assert len(found) >= 6
    for (one, box), (other, against) in combinations(found, 2):
        assert not box.overlaps(against), f"{one} covers {other}"
    assert all(figure.bbox.containsx(edge) for _, box in found for edge in (box.x0, box.x1))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "found",
    [
        comparison([Arm(CONTROL)]),
        comparison([Arm("perf", 10)], rounds=1),
        comparison([Arm("bcc")]),
        comparison([Arm("peek", 100)], truth=False),
        Comparison(header(ARMS, 5)),
    ],
    ids=["nobody asked", "one round", "tracing only", "no truth", "nothing yet"],
)
def test_a_comparison_that_tells_little_is_drawn_too(name: str, found: Comparison) -> None:
    assert picture(name, LIGHT, found).texts[0].get_text()


# What the pictures say.


def test_the_points_of_the_slowdown_are_the_findings() -> None:
    rows = {(row.arm.instrument, row.achieved): row.slowdown for row in ROWS if row.arm.rate}
    shown = points(ROWS)
    assert len(shown) == len(rows)
    for point in shown:
        told = rows[point.instrument, point.rate]
        assert told is not None
        assert told.low is not None
        assert told.high is not None
        assert point.lost == max(LEAST, told.value)
        assert (point.low, point.high) == (max(LEAST, told.low), max(LEAST, told.high))
        assert point.told == (told.low > 0)


def test_what_is_drawn_are_these_points() -> None:
    bars = [one for one in picture("slowdown").axes[0].containers if isinstance(one, ErrorbarContainer)]
    expected = points(ROWS)
    assert [(bar[0].get_xdata()[0], bar[0].get_ydata()[0]) for bar in bars] == [(one.x, one.lost) for one in expected]
    assert [bar[0].get_markerfacecolor() != "none" for bar in bars] == [one.told for one in expected]


def test_the_crossover_is_named_with_its_rate() -> None:
    named = [text for text, _ in boxes(picture("slowdown")) if "= tracing at" in text]
    assert re.fullmatch(r"dlv = tracing at [89]\.?\d*–1\d/s", named[0]), named


def test_the_observers_effect_is_in_the_panels_of_what_traces() -> None:
    assert {one.instrument: bool(one.beside) for one in panels(comparison(), ROWS)} == {
        "dlv": False, "ptrace": False, "perf": False, "peek": False, "bcc": True, "bpftrace": True
    }  # fmt: skip


def test_without_truth_the_other_instruments_are_what_one_is_held_against() -> None:
    without = comparison(truth=False)
    found = {one.instrument: one for one in panels(without, findings(without))}
    assert set(found["perf"].against) == {0, 1}
    assert sum(found["perf"].against.values()) == pytest.approx(3)  # dlv, ptrace, peek: alike in weight


def test_the_medians_of_suspended_time_are_named() -> None:
    told = {row.instrument: row.told for row in table(comparison(), ROWS)}
    assert told == {
        "dlv": "10.0–40.0 ms", "ptrace": "50.0–200 µs", "perf": "20.0–80.0 µs", "peek": "nobody stands",
        "bcc": "2.00–4.00 µs a hit", "bpftrace": "2.50–5.00 µs a hit",
    }  # fmt: skip


# The time of one look.


@THEMES
def test_a_timeline_is_drawn(looks_file: str, theme: Theme, tmp_path: Path) -> None:
    for form, magic in (("png", PNG), ("svg", SVG)):
        draw_timeline(looks_file, f"{tmp_path}/one.{form}", None, theme.name)
        assert (tmp_path / f"one.{form}").read_bytes().startswith(magic)
    words = " ".join(re.findall(r"<!-- (.*?) -->", (tmp_path / "one.svg").read_text(), re.DOTALL))
    for word in ("gdb: every thread is stopped", "ptrace: one thread is stopped", "perf: nobody is stopped", "×100"):
        assert word in words


def test_a_timeline_has_a_row_for_each_instrument(looks_file: str) -> None:
    told, found = look_times.load(looks_file)
    assert len(drawn(lambda theme: timeline(told, found, theme), DARK).axes) == 2 * 4


def test_only_stalls_that_the_look_has_caused_are_shown(looks_file: str) -> None:
    found = {one.instrument: one for one in look_times.load(looks_file)[1]}
    writer, other = (found["ptrace"].lanes[place].stood for place in (2, 3))
    assert writer == [(90_000, 160_000)]
    assert not other  # ptrace stops one thread
    assert found["gdb"].lanes[2].stood == []  # late by its own sleep
    assert found["gdb"].lanes[3].stood == [(100_000, 8_100_000)]


@pytest.mark.parametrize("text", ['{"type": "timeline"}', '{"type": "timeline", "panels": [3]}', '{"type": "timeline'])
def test_a_broken_timeline_is_a_typed_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "looks.json").write_text(text)
    with pytest.raises(RecordingError, match="is no timeline"):
        draw_timeline(str(tmp_path / "looks.json"), str(tmp_path / "one.png"), None, None)


# Errors, and the command.


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--picture=portrait", "-o", "one.svg"], "invalid choice: 'portrait'"),
        (["--theme=sepia", "-o", "one.svg"], "invalid choice: 'sepia'"),
        (["-o", "one.jpg"], "has no form that can be drawn"),
        (["--picture=values", "-o", "all/"], "is a folder: all pictures go there"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    run: str, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plot", run, *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_an_unknown_picture_is_a_usage_error(run: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no picture 'portrait'"):
        draw_comparison(run, str(tmp_path / "one.svg"), "portrait", None)


def test_a_comparison_is_drawn_alone(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", run, run, "-o", "one.svg"]) == 2
    assert "drawn alone" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--picture=values", "--theme=dark"])
def test_a_recording_has_neither_pictures_nor_themes(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plot", str(tmp_path / "run.jsonl"), option, "-o", "one.svg"]) == 2
    assert "is for comparisons" in capsys.readouterr().err


def test_a_timeline_has_one_picture_only(looks_file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", looks_file, "--picture=values", "-o", "one.svg"]) == 2
    assert "--picture is for comparisons" in capsys.readouterr().err


def test_a_broken_comparison_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"type": "comparison", "version": 1}')
    with pytest.raises(RecordingError, match="is no comparison"):
        draw_comparison(str(tmp_path / "run.json"), str(tmp_path / "one.png"), None, None)


def test_a_place_that_cannot_be_written_is_a_typed_error(run: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        draw_comparison(run, str(tmp_path / "nowhere" / "one.png"), None, None)
    with pytest.raises(OutputError, match="cannot make"):
        draw_comparison(run, f"{run}/", None, None)


# Colours and places.


@pytest.mark.parametrize("instrument", [*LOOKS, *HIT_NS, "gdb", "another"])
@THEMES
def test_each_instruments_name_can_be_read(instrument: str, theme: Theme) -> None:
    assert contrast(readable(look_of(instrument, theme).colour, theme), theme.paper) >= 4.5


@THEMES
def test_no_two_instruments_look_alike(theme: Theme) -> None:
    looks = [look_of(name, theme) for name in ("gdb", *LOOKS, *HIT_NS)]
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == len(looks)


@given(some.lists(some.floats(0, 1), min_size=1, max_size=9))
def test_spread_labels_keep_their_distance_their_order_and_within(wanted: list[float]) -> None:
    places = spread(wanted, 0.1, 0.0, 1.0)
    ordered = sorted(places)
    assert all(after - before >= 0.1 - 1e-9 for before, after in pairwise(ordered))
    assert ordered[0] >= -1e-9
    assert ordered[-1] <= 1 + 1e-9
    assert all(one <= other for one, other in zip(*_pairs(wanted, places), strict=True))


def _pairs(wanted: list[float], places: list[float]) -> tuple[list[float], list[float]]:
    by_wish = [place for _, place in sorted(zip(wanted, places, strict=True))]
    return by_wish[:-1], by_wish[1:]


def test_a_label_that_has_room_stays_where_it_belongs() -> None:
    assert spread([0.2, 0.8, 0.5], 0.1, 0.0, 1.0) == pytest.approx([0.2, 0.8, 0.5])
