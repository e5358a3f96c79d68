"""Puts the tables of comparisons into documents, from the JSON that ``bench.compare`` has written.

A document has a place for each, between ``<!-- NAME.json: WHAT -->`` and ``<!-- end -->``, where WHAT is ``cost``,
``answers``, ``estimates``, ``model`` or ``about``. What stands there is replaced; no figure is written by hand.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sampler.compare.beside import truth_of
from sampler.compare.counts import Spread, merged
from sampler.compare.estimates import Estimates
from sampler.compare.findings import Finding, findings
from sampler.compare.model import model
from sampler.compare.result import CONTROL, Comparison, load
from sampler.view import figures
from sampler.view.comparison import COST, answer_cells, answer_header, cost_cells, model_lines

_PLACE = re.compile(r"(<!-- (\S+)\.json: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str, folder: Path) -> str:
    """The document, each place with what belongs there now."""
    found: dict[str, Comparison] = {}  # what follows from one is worked out once

    def put(match: re.Match[str]) -> str:
        begin, name, what, end = match.groups()
        if not (folder / f"{name}.json").exists():  # not measured yet
            return match[0]
        if name not in found:
            found[name] = load(str(folder / f"{name}.json"))
        return f"{begin}\n" + "\n".join(_lines(found[name], what)) + f"\n\n{end}"

    return _PLACE.sub(put, text)


def _lines(found: Comparison, what: str) -> Iterator[str]:
    rows = findings(found)
    match what:
        case "cost":
            yield from table(COST, map(cost_cells, rows))
        case "answers":
            asked = [row for row in rows if row.arm.instrument != CONTROL]
            yield from table(answer_header(rows), [answer_cells(row, rows) for row in asked])
        case "estimates":
            yield from _estimates(found, rows)
        case "model":
            yield from (f"* {line}" for line in model_lines(model(found, rows)))
        case "about":
            yield from _about(found)
        case _:
            raise SystemExit(f"{what!r} is nothing that a comparison has")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """In Markdown."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for cells in rows:
        yield f"| {' | '.join(cells)} |"


def _estimates(found: Comparison, rows: Sequence[Finding]) -> Iterator[str]:
    """Beside the truth, where the target tells it."""
    cells = [_truth(found)] if any(window.truth for window in found.windows) else []
    for row in rows:
        if row.estimates is not None:
            cells.append(_of_looks(row, row.estimates))
        elif row.traces and row.spread is not None:
            calls = f"all {figures.rate(row.achieved)} calls"
            cells.append((row.arm.instrument, figures.asked(row), figures.NONE, figures.mean(row), calls))
    yield from table(("", "asked", "a moment", "a call", "looks that tell of calls"), cells)


def _of_looks(row: Finding, found: Estimates) -> tuple[str, ...]:
    looks = f"{found.looks}, for {figures.rate(found.calls)} calls" if found.call else found.why_not
    return row.arm.instrument, figures.asked(row), figures.estimate(found.moment), figures.estimate(found.call), looks


def _truth(found: Comparison) -> tuple[str, ...]:
    told = [Spread.of(merged(truth_of(found.windows, moment))) for moment in (True, False)]
    means = (figures.NONE if spread is None else f"{spread.mean:.4g}" for spread in told)
    return "the program itself", figures.NONE, *means, figures.NONE


def _about(found: Comparison) -> Iterator[str]:
    header = found.header
    machine, target = header["machine"], header["target"]
    made = target.get("go_version") or target["language"]
    what = f"`{found.expression}` at `{header['question']['point']}` of `{target['name']}` ({made})"
    how = f"{header['rounds']} rounds of {header['round_ns'] / 1e9:g} s, by `{header['command']}`"
    where = f"an {figures.machine(machine)}, Python {machine['python']}"
    yield f"{what}, {how} on {where}, {header['started'][:10]}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="folder", required=True, type=Path, metavar="FOLDER")
    parser.add_argument("documents", nargs="+", type=Path, metavar="DOCUMENT")
    chosen = parser.parse_args()
    for document in chosen.documents:
        document.write_text(filled(document.read_text(), chosen.folder))


if __name__ == "__main__":
    main()
