"""List what can be asked at a point: each parameter and local with its type and where it lies.

  sampler vars TARGET --at POINT

Nothing is attached; the answer is read from the program's debug information.
"""

from __future__ import annotations

import argparse

HELP = "what can be asked at a point, with types and where it lies"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET", help="a PID or a process name (default: $PID)")
    parser.add_argument("--at", required=True, metavar="POINT", dest="point",
                        help="where: main.write, pkg.(*T).Method, file.go:42 or 0x4a1b2c")  # fmt: skip
    parser.add_argument("--format", choices=("table", "jsonl"), default="table", help="for people or for programs")


def run(arguments: argparse.Namespace) -> int:
    import json
    from itertools import groupby

    from sampler.inventory import inventory
    from sampler.question import check_point
    from sampler.resolve import find_pid, resolve

    check_point(arguments.point)
    found = list(inventory(resolve(find_pid(arguments.target)), arguments.point))
    if arguments.format == "jsonl":
        for one in found:
            print(json.dumps(one.to_json()))
        return 0
    if not found:
        print(f"{arguments.point} has neither parameters nor locals")
    for (place, address), group in groupby(found, lambda one: (one.place, one.address)):
        print(f"{place}, {address:#x}")
        _print_table([(one.name, one.type, one.where, ", ".join(one.fields)) for one in group])
    return 0


def _print_table(rows: list[tuple[str, str, str, str]]) -> None:
    widths = [min(40, max(len(row[at]) for row in rows)) for at in range(3)]
    for name, kind, where, fields in rows:
        line = f"  {name:<{widths[0]}}  {kind:<{widths[1]}}  {where:<{widths[2]}}"
        print(line.rstrip() if not fields else f"{line}  {{{fields}}}")
